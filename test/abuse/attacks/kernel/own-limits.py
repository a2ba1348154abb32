"""
Raises its own limits and takes precedence over others.

Must: blocked
"""

import os
import resource

LIMITS = ("RLIMIT_NOFILE", "RLIMIT_NPROC", "RLIMIT_FSIZE", "RLIMIT_CORE", "RLIMIT_MEMLOCK")


def raise_limit(name):
    number = getattr(resource, name)
    hard = resource.getrlimit(number)[1]
    if hard == resource.RLIM_INFINITY:
        return f"{name} is unlimited"
    try:
        resource.setrlimit(number, (hard + 1, hard + 1))
    except ValueError as error:
        raise Blocked(str(error)) from None


def lock_memory():
    if libc.mlockall(1) == -1:
        raise OSError(ctypes.get_errno() if ctypes.get_errno() != errno.ENOMEM else errno.EPERM, "mlockall")


def priority_of_disk():
    if libc.syscall(ctypes.c_long(251 if os.uname().machine == "x86_64" else 30), 1, 0, 1 << 13) == -1:
        raise OSError(ctypes.get_errno(), "ioprio_set")


def tries(host):
    for name in LIMITS:
        yield name, lambda: raise_limit(name)
    yield "limits of another", lambda: resource.prlimit(os.getppid() or host["worker_pid"], resource.RLIMIT_CORE)
    if not host["own_kernel"]:  # such a kernel grants what means nothing outside
        yield "a lower nice value", lambda: os.nice(-5)
        yield "real time", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        yield "real time, in turns", lambda: os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    yield "the disk before others", priority_of_disk
    yield "locked memory", lock_memory
