"""
Makes system calls by the processor's 32-bit gate and by x32 numbers, which a filter by number overlooks.

Must: blocked
"""

import mmap
import os

X32 = 0x40000000
# mov eax, 20 (getpid of 32 bits); int 0x80; ret
GATE = b"\xb8\x14\x00\x00\x00\xcd\x80\xc3"


def through_the_gate():
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(GATE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    if ctypes.CFUNCTYPE(ctypes.c_int)(address)() < 0:
        raise OSError(errno.ENOSYS, "not served")


def tries(host):
    if os.uname().machine == "x86_64":
        yield "the 32-bit gate", lambda: in_child(through_the_gate)
        for name in ("mount", "ptrace", "bpf", "unshare", "keyctl"):
            yield f"{name} of x32", lambda: in_child(lambda: syscall(X32 | NUMBERS[name], 0, 0, 0, 0, 0))
        yield "getpid of x32", lambda: in_child(lambda: syscall(X32 | 39))
    for number in (451, 463, 467, 500, 999, 0xFFFF):
        yield f"call {number}", lambda: in_child(lambda: syscall(number, 0, 0, 0, 0, 0))
    yield "numbers with high bits", lambda: in_child(lambda: syscall((1 << 32) | NUMBERS["bpf"], 0, 0, 0))
