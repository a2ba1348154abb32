"""
Leaves folders in folders, five thousand deep: too deep for a path, and for whoever walks by recursion.

Must: failed invalid_output
Says: deeper than
"""

import os


def main(host):
    os.chdir("/workspace/out/artifacts")
    for _ in range(5_000):
        os.mkdir("d")
        os.chdir("d")
