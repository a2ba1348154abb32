"""
Exchanges the result for a link to a secret after the harness has written it.

Must: failed invalid_output
Says: not a regular file
"""

import atexit
import os


def exchange(os, path):
    os.unlink("/workspace/out/data.json")
    os.symlink(path, "/workspace/out/data.json")


def main(host):
    atexit.register(exchange, os, host["secret_file"])
    return {}
