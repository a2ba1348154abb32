"""
Leaves one file under two names, of which the second could have been somebody else's.

Must: failed invalid_output
Says: hard link
"""

import os


def main(host):
    with open("/workspace/out/artifacts/one", "w") as file:
        file.write("x")
    os.link("/workspace/out/artifacts/one", "/workspace/out/artifacts/other")
