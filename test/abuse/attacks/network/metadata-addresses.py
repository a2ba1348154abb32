"""
Asks the cloud's metadata service for the machine's credentials.

Must: blocked
"""

import socket


def tries(host):
    for address in ("169.254.169.254", "169.254.42.42"):
        yield f"TCP {address}", lambda: connect(socket.AF_INET, (address, 80))
        yield f"UDP {address}", lambda: connect(socket.AF_INET, (address, 80), socket.SOCK_DGRAM)
    yield "TCP fd00:42::42", lambda: connect(socket.AF_INET6, ("fd00:42::42", 80))
    yield "UDP fd00:42::42", lambda: connect(socket.AF_INET6, ("fd00:42::42", 80), socket.SOCK_DGRAM)
