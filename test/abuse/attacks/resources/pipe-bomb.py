"""
Fills pipes as large as they get: memory of the kernel, in no process's account.

Must: failed user_error or failed out_of_memory
With: {"resources": {"cpu": 1, "memory_mb": 128}}
"""

import fcntl
import os

F_SETPIPE_SZ = 1031


def main(host):
    kept = []
    while True:
        reader, writer = os.pipe2(os.O_NONBLOCK)
        kept += [reader, writer]
        try:
            fcntl.fcntl(writer, F_SETPIPE_SZ, 1 << 20)
        except OSError:
            pass
        try:
            while True:
                os.write(writer, bytes(65536))
        except BlockingIOError:
            pass
