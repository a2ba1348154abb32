"""
Climbs the stack and the garbage collector's lists to the harness, and asks it for its powers.

Must: blocked
"""

import gc
import socket
import sys


def kernel():
    frame = sys._getframe()
    while frame is not None:
        found = frame.f_globals.get("kernel")
        if hasattr(found, "unshare"):
            return found
        frame = frame.f_back
    raise Blocked("no frame of the harness")


def order_a_fork():
    for value in gc.get_objects():
        if isinstance(value, socket.socket.__base__) and value.fileno() >= 0:
            return value.send(b"f")
    raise Blocked("no open socket of the harness")


def tries(host):
    yield "mount", lambda: kernel().mount("tmpfs", "/tmp", "tmpfs")
    yield "inputs writable", lambda: kernel().mount(None, "/workspace", flags=0x20 | 0x1000)
    yield "a namespace", lambda: kernel().unshare(0x10000000)
    yield "another's namespace", lambda: kernel().call("setns", 0, 0)
    yield "an order to the zygote", order_a_fork
