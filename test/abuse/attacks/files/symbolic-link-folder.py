"""
Puts a link to the root where its folder of artifacts was.

Must: failed invalid_output
Says: not a folder any more
"""

import os


def main(host):
    os.rename("/workspace/out/artifacts", "/workspace/out/old")
    os.symlink("/", "/workspace/out/artifacts")
