"""
Takes over other processes: traces them, reads and writes their memory, takes their open files.

Must: blocked
"""

import os
import struct

TRACEME, ATTACH, SEIZE = 0, 16, 0x4206


def tries(host):
    vector = struct.pack("QQ", 0, 0)
    for process in (1, os.getppid(), host["worker_pid"]):
        yield f"attach to {process}", lambda: syscall("ptrace", ATTACH, process, 0, 0)
        yield f"seize {process}", lambda: syscall("ptrace", SEIZE, process, 0, 0)
        yield f"read the memory of {process}", lambda: syscall("process_vm_readv", process, vector, 1, vector, 1, 0)
        yield f"write the memory of {process}", lambda: syscall("process_vm_writev", process, vector, 1, vector, 1, 0)
    yield "be traced", lambda: syscall("ptrace", TRACEME, 0, 0, 0)
    yield "take a descriptor", lambda: syscall("pidfd_getfd", os.pidfd_open(1), 0, 0)
    yield "compare with the parent", lambda: syscall("kcmp", 1, os.getppid() or 1, 0, 0, 0)
    yield "advise on another's memory", lambda: syscall("process_madvise", os.pidfd_open(1), vector, 1, 20, 0)
    yield "a handle on the worker", lambda: os.pidfd_open(host["worker_pid"])
