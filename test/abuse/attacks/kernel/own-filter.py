"""
Loosens the filter it is under, and the randomness of addresses.

Must: blocked
"""

import struct


def prctl(*arguments):
    if libc.prctl(*arguments) == -1:
        raise OSError(ctypes.get_errno(), "prctl")


def tries(host):
    allow = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0x7FFF0000))
    program = struct.pack("H6xQ", 1, ctypes.addressof(allow))
    yield "a filter of its own", lambda: syscall("seccomp", 1, 0, program)
    yield "a filter with a listener", lambda: syscall("seccomp", 1, 8, program)
    yield "strict mode", lambda: prctl(22, 1, 0, 0, 0)
    yield "a filter the old way", lambda: prctl(22, 2, ctypes.addressof(allow), 0, 0)
    yield "addresses without randomness", lambda: syscall("personality", 0x0040000)
    yield "memory layout", lambda: prctl(35, 1, 0, 0, 0)
    yield "the name of its program's file", lambda: prctl(35, 13, 0, 0, 0)
