"""A task of another company that runs beside the attacks, with something to find in every place."""

import ctypes
import os
import socket
import time


def main(file, port, segment, secret):
    kept = [secret]
    for folder in ("/tmp", "/workspace/scratch", "/dev/shm", "/workspace/out/artifacts"):
        with open(f"{folder}/{file}", "w") as out:
            out.write(secret)
    os.environ["SECRET"] = secret
    server = socket.create_server(("127.0.0.1", port))
    named = socket.socket(socket.AF_UNIX)
    named.bind("\0" + file)
    named.listen()
    ctypes.CDLL(None).shmget(segment, 4096, 0o1666)
    print("ready", flush=True)
    time.sleep(3600)
    return [kept, server.fileno()]
