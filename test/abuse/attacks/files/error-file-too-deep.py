"""
Leaves an error file of thirty thousand brackets: valid JSON that no parser survives.

Must: failed user_error
"""

import os


def main(host):
    with open("/workspace/out/_error.json", "w") as file:
        file.write("[" * 30_000 + "]" * 30_000)
    os._exit(1)
