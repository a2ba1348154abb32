"""
Leaves a symbolic link among its files, to be followed by whoever collects them.

Must: failed invalid_output
Says: not a regular file
"""

import os


def main(host):
    os.symlink(host["secret_file"], "/workspace/out/artifacts/report.txt")
