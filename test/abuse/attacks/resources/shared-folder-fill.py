"""
Fills /dev/shm with files that it has removed, so that no listing shows them.

Must: failed disk_full
"""

import os


def main(host):
    kept = []
    while True:
        descriptor = os.open("/dev/shm/x", os.O_WRONLY | os.O_CREAT)
        os.unlink("/dev/shm/x")
        kept.append(descriptor)
        for _ in range(16):
            os.write(descriptor, bytes(1 << 20))
