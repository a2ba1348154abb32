"""
Connects to the host's sockets without a path, which no file permission guards, and looks for their names.

Must: blocked
"""

import socket


def names():
    with open("/proc/net/unix", encoding="utf-8", errors="replace") as file:
        return nothing_of([line.split()[-1] for line in file.readlines()[1:] if "@" in line])


def tries(host):
    yield "a bait", lambda: connect(socket.AF_UNIX, "\0" + host["abstract_socket"])
    yield "a bait for packets", lambda: connect(socket.AF_UNIX, "\0" + host["abstract_socket"], socket.SOCK_SEQPACKET)
    yield "containerd's shim", lambda: connect(socket.AF_UNIX, "\0containerd-shim")
    yield "the X server", lambda: connect(socket.AF_UNIX, "\0/tmp/.X11-unix/X0")
    yield "names", names
