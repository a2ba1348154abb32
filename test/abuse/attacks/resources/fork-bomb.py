"""
Forks without end, in every process, and goes on when it is refused.

Must: failed timeout or failed out_of_memory
With: {"timeout_seconds": 1.5}
"""

import os


def main(host):
    while True:
        try:
            os.fork()
        except OSError:
            pass
