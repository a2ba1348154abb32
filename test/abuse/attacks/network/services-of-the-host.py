"""
Connects to what listens on the host: database, gateway, issuer, a bait, by every address the host has.

Must: blocked
"""

import socket


def tries(host):
    for port in host["ports"]:
        for address in ["127.0.0.1", "127.0.1.1", "0.0.0.0", *host["addresses"]]:
            yield f"{address}:{port}", lambda: connect(socket.AF_INET, (address, port))
        for address in ("::1", "::", "::ffff:127.0.0.1"):
            yield f"[{address}]:{port}", lambda: connect(socket.AF_INET6, (address, port))
