"""
Loads modules, boots another kernel, switches the machine off.

Must: blocked
"""

import os


def tries(host):
    buffer = ctypes.create_string_buffer(64)
    yield "a module", lambda: syscall("init_module", buffer, 64, b"")
    yield "a module from a file", lambda: syscall("finit_module", os.open("/workspace/main.py", os.O_RDONLY), b"", 0)
    yield "one module less", lambda: syscall("delete_module", b"overlay", 0)
    yield "another kernel", lambda: syscall("kexec_load", 0, 0, None, 0)
    yield "another kernel from a file", lambda: syscall("kexec_file_load", 0, 0, 0, None, 0)
    yield "a reboot", lambda: syscall("reboot", 0xFEE1DEAD, 0x28121969, 0x01234567, None)
    yield "a halt", lambda: syscall("reboot", 0xFEE1DEAD, 0x28121969, 0xCDEF0123, None)
    yield "a reboot by a key", lambda: os.open("/proc/sysrq-trigger", os.O_WRONLY)
    yield "swap", lambda: syscall("swapon", b"/tmp/x", 0)
    yield "no swap", lambda: syscall("swapoff", b"/dev/vda")
    yield "accounting", lambda: syscall("acct", b"/tmp/x")
    yield "quotas", lambda: syscall("quotactl", 0x800002 << 8, b"/dev/vda", 0, None)
    yield "hang up", lambda: syscall("vhangup")
