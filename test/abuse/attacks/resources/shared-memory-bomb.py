"""
Fills memory by mappings that no process owns alone, in many small processes.

Must: failed out_of_memory
With: {"resources": {"cpu": 1, "memory_mb": 128}}
"""

import mmap
import os
import time


def main(host):
    for _ in range(8):
        if os.fork() == 0:
            mapping = mmap.mmap(-1, 64 << 20)
            for _ in range(16):
                mapping.write(b"x" * (4 << 20))
            while True:
                time.sleep(60)
    for _ in range(8):
        if os.WIFSIGNALED(os.wait()[1]):
            raise SystemExit("one was killed")
