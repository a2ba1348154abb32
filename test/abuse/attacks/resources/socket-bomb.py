"""
Fills sockets with data and with descriptors in flight, which the kernel frees last of all.

Must: failed user_error or failed out_of_memory
With: {"resources": {"cpu": 1, "memory_mb": 128}}
"""

import array
import socket


def main(host):
    kept = []
    while True:
        one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        kept += [one, other]
        one.setblocking(False)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 24)
        try:
            for _ in range(64):
                one.sendmsg([bytes(60_000)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [other.fileno()]))])
        except OSError:
            pass
