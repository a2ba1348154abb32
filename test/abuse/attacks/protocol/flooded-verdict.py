"""
Says a hundred megabytes where the harness expects a word.

Must: failed user_error
"""

import os


def main(host):
    descriptors = [int(name) for name in os.listdir("/proc/self/fd") if int(name) > 2]
    for _ in range(100):
        for descriptor in descriptors:
            try:
                os.write(descriptor, bytes(1 << 20))
            except OSError:
                pass
    os._exit(1)
