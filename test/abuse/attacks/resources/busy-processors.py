"""
Computes on sixteen processes at once, with one processor's share.

Must: failed timeout
With: {"timeout_seconds": 1.5}
"""

import os


def main(host):
    for _ in range(4):
        os.fork()
    while True:
        pass
