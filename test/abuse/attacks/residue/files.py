"""
Leaves files for the tenant's next run, in every place that can be written to.

Must: blocked
"""

import os

PLACES = ("/tmp", "/dev/shm", "/workspace/scratch", "/workspace/out", "/workspace/out/files", "/workspace/out/artifacts", "/workspace/in", "/workspace", "/", "/etc")


def leave(host):
    for place in PLACES:
        try:
            open(f"{place}/left", "w").close()
        except OSError:
            pass


def tries(host):
    for place in PLACES:
        yield place, lambda: os.stat(f"{place}/left")
