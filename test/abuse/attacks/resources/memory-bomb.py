"""
Fills memory.

Must: failed out_of_memory
Says: its limit is 128 MB
With: {"resources": {"cpu": 1, "memory_mb": 128}}
"""


def main(host):
    kept = []
    while True:
        kept.append(b"x" * (4 << 20))
