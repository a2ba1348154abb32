"""
Talks to the kernel's network, audit and device interfaces by netlink.

Must: blocked
"""

import socket


def tries(host):
    for name, protocol in {"routes": 0, "diagnosis": 4, "netfilter": 12, "audit": 9, "devices": 15, "generic": 16}.items():
        yield name, lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        yield f"{name} by datagrams", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, protocol)
