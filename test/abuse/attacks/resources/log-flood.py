"""
Prints without end.

Must: failed timeout
With: {"timeout_seconds": 1.5}
"""

import os


def main(host):
    line = b"x" * 1_000_000
    while True:
        os.write(1, line)
