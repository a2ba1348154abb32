"""
Calls the parts of the kernel that most escapes began with: io_uring, bpf, userfaultfd, keys, performance events.

Must: blocked
"""

import os


def tries(host):
    buffer = ctypes.create_string_buffer(512)
    yield "io_uring", lambda: syscall("io_uring_setup", 8, buffer)
    yield "asynchronous input and output", lambda: syscall("io_setup", 8, buffer)
    for command in range(0, 12):
        yield f"bpf {command}", lambda: syscall("bpf", command, buffer, 128)
    yield "userfaultfd", lambda: syscall("userfaultfd", 1)
    yield "userfaultfd by its device", lambda: os.open("/dev/userfaultfd", os.O_RDWR)
    yield "performance events", lambda: syscall("perf_event_open", buffer, 0, -1, -1, 0)
    yield "performance events of all", lambda: syscall("perf_event_open", buffer, -1, 0, -1, 0)
    yield "a keyring", lambda: syscall("keyctl", 0, -5, 1)
    yield "a key", lambda: syscall("add_key", b"user", b"x", b"y", 1, -3)
    yield "somebody's key", lambda: syscall("request_key", b"user", b"x", None, -3)
    yield "file notifications of all", lambda: syscall("fanotify_init", 0, 0)
    yield "files by handle", lambda: syscall("open_by_handle_at", -100, bytes(64), 0)
    yield "handles of files", lambda: syscall("name_to_handle_at", -100, b"/", buffer, buffer, 0)
    yield "memory of other nodes", lambda: syscall("move_pages", 1, 0, None, None, None, 0)
    yield "splicing of memory", lambda: syscall("vmsplice", 1, None, 0, 0)
    yield "hidden memory", lambda: syscall("memfd_secret", 0)
    yield "segments of an old processor", lambda: syscall("modify_ldt", 0, buffer, 16)
