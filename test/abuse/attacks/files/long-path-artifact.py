"""
Leaves a file whose path just fits the sandbox, but no object store's key.

Must: failed invalid_output
"""

import os


def main(host):
    folder = "/workspace/out/artifacts/" + "/".join(["x" * 200] * 4)
    os.makedirs(folder)
    open(f"{folder}/{'y' * 200}", "w").close()
