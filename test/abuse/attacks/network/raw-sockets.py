"""
Opens raw and packet sockets, to forge packets and to hear what others send.

Must: blocked
"""

import socket


def tries(host):
    for protocol in (socket.IPPROTO_ICMP, socket.IPPROTO_TCP, socket.IPPROTO_UDP, socket.IPPROTO_RAW):
        yield f"raw, protocol {protocol}", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
    yield "raw, IPv6", lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    yield "ping", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
    yield "packets", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    yield "packets without headers", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
