"""
Sets the clock and the machine's name.

Must: blocked
"""

import socket
import time


def tries(host):
    yield "the clock", lambda: time.clock_settime(time.CLOCK_REALTIME, 0)
    yield "the clock the old way", lambda: syscall("settimeofday", bytes(16), None)
    yield "its pace", lambda: syscall("adjtimex", ctypes.create_string_buffer((1).to_bytes(4, "little"), 256))
    yield "the name", lambda: socket.sethostname("owned")
    yield "the domain", lambda: syscall("setdomainname", b"owned", 5)
    yield "port access", lambda: syscall("iopl", 3)
    yield "some ports", lambda: syscall("ioperm", 0x80, 1, 1)
    yield "memory policy", lambda: syscall("mbind", 0, 0, 0, None, 0, 0)
