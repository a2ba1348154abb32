"""
Opens sockets of families and protocols that few use and few have looked at: where kernels had their holes.

Must: blocked
"""

import socket

FAMILIES = {
    "AX25": 3, "IPX": 4, "X25": 9, "KEY": 15, "RDS": 21, "PPPOX": 24, "LLC": 26, "CAN": 29, "TIPC": 30,
    "BLUETOOTH": 31, "IUCV": 32, "PHONET": 35, "IEEE802154": 36, "ALG": 38, "NFC": 39, "VSOCK": 40, "KCM": 41,
    "QIPCRTR": 42, "SMC": 43, "XDP": 44, "MCTP": 45,
}  # fmt: skip
PROTOCOLS = {"SCTP": 132, "DCCP": 33, "UDP-Lite": 136, "MPTCP": 262, "L2TP": 115}


def tries(host):
    for name, family in FAMILIES.items():
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
            yield f"{name} of type {kind}", lambda: socket.socket(family, kind, 0)
    for name, protocol in PROTOCOLS.items():
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            yield f"{name} of type {kind}", lambda: socket.socket(socket.AF_INET, kind, protocol)
    yield "a pair of another family", lambda: socket.socketpair(30, socket.SOCK_STREAM)
