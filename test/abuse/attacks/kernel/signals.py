"""
Ends others: its parent, the worker, everybody.

Must: blocked
"""

import os
import signal


def tries(host):
    yield "everybody", lambda: os.kill(-1, 0)
    yield "everybody, for real", lambda: os.kill(-1, signal.SIGKILL)
    yield "the worker", lambda: os.kill(host["worker_pid"], signal.SIGKILL)
    yield "the worker's group", lambda: os.killpg(host["worker_pid"], signal.SIGKILL)
    yield "the parent by a handle", lambda: os.pidfd_open(os.getppid() or host["worker_pid"])
    for process in (2, 3, 4, 5, 100, 1000):
        yield f"process {process}", lambda: os.kill(process, signal.SIGKILL)
