"""
Prints single bytes, now here, now there: the most messages and rows for the least text.

Must: failed timeout
With: {"timeout_seconds": 3}
"""

import os


def main(host):
    while True:
        os.write(1, b"a")
        os.write(2, b"b")
