"""
Tells the harness that it is done, by every descriptor there is, and ends without a result.

Must: failed invalid_output
"""

import os


def main(host):
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, b"done")
        except OSError:
            pass
    os._exit(0)
