"""
Prints one line of forty megabytes, of zeros, halves of characters and terminal commands.

Must: completed
Log: cut
"""

import os


def main(host):
    part = b"\x00\xff\xfe\xc3\x1b[2J\x1b]52;c;eA==\x07\xed\xa0\x80" * 60_000
    for _ in range(40):
        os.write(1, part)
