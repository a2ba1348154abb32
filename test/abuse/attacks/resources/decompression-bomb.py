"""
Unpacks a few kilobytes into gigabytes.

Must: failed out_of_memory
With: {"resources": {"cpu": 1, "memory_mb": 128}}
"""

import zlib


def main(host):
    packed = zlib.compress(zlib.compress(bytes(1 << 28), 9), 9)
    return len(zlib.decompress(zlib.decompress(packed)))
