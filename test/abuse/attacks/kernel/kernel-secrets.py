"""
Reads what the kernel tells of the machine and of itself: addresses, memory, log, modules, mounts of others.

Must: blocked
"""

import os


def whole(path):
    with open(path, "rb") as file:
        data = file.read(4096)
    if data:
        return data
    raise Blocked("empty")


def tries(host):
    for name in ("kallsyms", "kcore", "kmsg", "modules", "iomem", "ioports", "slabinfo", "vmallocinfo", "timer_list", "sched_debug", "keys", "key-users", "config.gz", "kpagemap", "kpagecount", "partitions", "diskstats", "swaps", "interrupts", "locks", "1/stack", "self/stack"):
        yield name, lambda: whole(f"/proc/{name}")
    for path in ("/sys/kernel/notes", "/sys/kernel/debug", "/sys/firmware", "/sys/kernel/security", "/sys/class/net", "/sys/block"):
        yield path, lambda: os.listdir(path) if os.path.isdir(path) else whole(path)
    yield "the log", lambda: syscall("syslog", 3, ctypes.create_string_buffer(4096), 4096)
    yield "the log's size", lambda: syscall("syslog", 10, None, 0)
    yield "directory cookies", lambda: syscall("lookup_dcookie", 1, ctypes.create_string_buffer(64), 64)
