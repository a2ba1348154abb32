"""
Leaves servers, to receive what the tenant's next run sends.

Must: blocked
"""

import os
import socket
import time


def leave(host):
    socket.create_server(("127.0.0.1", 4567))
    named = socket.socket(socket.AF_UNIX)
    named.bind("\0left")
    named.listen()
    ready, done = os.pipe()
    if os.fork() == 0:
        server = socket.create_server(("127.0.0.1", 4568))
        os.write(done, b"x")
        time.sleep(3600)
        server.close()
    os.read(ready, 1)


def tries(host):
    for port in (4567, 4568):
        yield f"port {port}", lambda: connect(socket.AF_INET, ("127.0.0.1", port))
    yield "a socket without a path", lambda: connect(socket.AF_UNIX, "\0left")
