"""
Gives itself a network: an address, a route, a tunnel, a second interface.

Must: blocked
"""

import fcntl
import socket
import struct

SIOCADDRT, SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFMTU, SIOCBRADDBR = 0x890B, 0x8914, 0x8916, 0x8922, 0x89A0


def control(request, data):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, request, data)


def address(text):
    return struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(text))


def other_interfaces():
    return nothing_of([name for _, name in socket.if_nameindex() if name != "lo"])


def tries(host):
    route = struct.pack("L", 0) + address("0.0.0.0") + address("127.0.0.2") + address("0.0.0.0") + bytes(64)
    yield "an address", lambda: control(SIOCSIFADDR, struct.pack("16s", b"lo") + address("10.0.0.9") + bytes(8))
    yield "a default route", lambda: control(SIOCADDRT, route)
    yield "loopback down", lambda: control(SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", 0))
    yield "another size of packets", lambda: control(SIOCSIFMTU, struct.pack("16si20x", b"lo", 100))
    yield "a bridge", lambda: control(SIOCBRADDBR, struct.pack("16s24x", b"br0"))
    yield "a tunnel", lambda: open("/dev/net/tun", "rb")
    yield "interfaces", other_interfaces
