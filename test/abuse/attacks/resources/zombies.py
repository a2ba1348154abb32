"""
Leaves a hundred dead children that nobody buries.

Must: completed
"""

import os


def main(host):
    for _ in range(100):
        if os.fork() == 0:
            os._exit(0)
    return {}
