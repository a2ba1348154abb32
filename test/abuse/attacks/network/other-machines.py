"""
Sends to other machines: addresses of the documentation, of local networks, to everybody, and to groups.

Must: blocked
"""

import socket


def broadcast(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        client.sendto(b"x", (address, 9))


def tries(host):
    for address in ("192.0.2.1", "10.0.0.1", "172.17.0.1", "192.168.1.1", "100.64.0.1"):
        yield f"TCP {address}", lambda: connect(socket.AF_INET, (address, 443))
        yield f"UDP {address}", lambda: connect(socket.AF_INET, (address, 443), socket.SOCK_DGRAM)
    for address in ("2001:db8::1", "fc00::1", "ff02::1"):
        yield f"TCP {address}", lambda: connect(socket.AF_INET6, (address, 443))
    for address in ("255.255.255.255", "10.255.255.255", "224.0.0.1"):
        yield f"broadcast {address}", lambda: broadcast(address)
