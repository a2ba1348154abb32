"""
Waits for children that it has stopped, and that stop again whenever they are woken.

Must: failed timeout
With: {"timeout_seconds": 1}
"""

import os
import signal


def main(host):
    for _ in range(8):
        if os.fork() == 0:
            while True:
                os.kill(os.getpid(), signal.SIGSTOP)
    while True:
        os.wait()
