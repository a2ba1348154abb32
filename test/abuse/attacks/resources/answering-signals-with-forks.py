"""
Answers the request to end by starting anew.

Must: failed timeout
With: {"timeout_seconds": 1}
"""

import os
import signal
import time


def again(*_):
    for _ in range(4):
        try:
            os.fork()
        except OSError:
            pass


def main(host):
    signal.signal(signal.SIGTERM, again)
    while True:
        time.sleep(0.01)
