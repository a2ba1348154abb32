"""
Ignores every signal it can, in a family of processes of sessions of their own.

Must: failed timeout
With: {"timeout_seconds": 1}
"""

import os
import signal
import time


def main(host):
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    for _ in range(4):
        if os.fork() == 0:
            os.setsid()
    while True:
        time.sleep(3600)
