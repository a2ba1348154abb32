"""
Reserves terabytes, then touches them page by page.

Must: failed out_of_memory
With: {"resources": {"cpu": 1, "memory_mb": 128}}
"""

import mmap

MAP_NORESERVE = 0x4000


def main(host):
    size = 1 << 40
    while size > 1 << 30:
        try:
            mapping = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE)
            break
        except OSError:
            size >>= 1
    for offset in range(0, size, 4096):
        mapping[offset] = 1
