"""
Crashes, to have the kernel run the host's core dump program on a memory of its choice.

Must: failed user_error
Says: a crash in native code
"""

import ctypes


def main(host):
    ctypes.string_at(0)
