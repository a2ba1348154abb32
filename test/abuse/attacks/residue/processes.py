"""
Leaves processes, and memory shared with them, to watch the tenant's next run.

Must: blocked
"""

import os
import time

KEY = 4242


def leave(host):
    syscall("shmget", KEY, 4096, 0o1666)
    for _ in range(4):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(3600)
            os._exit(0)


def others():
    return nothing_of([name for name in os.listdir("/proc") if name.isdigit()][1:])


def tries(host):
    yield "processes", others
    yield "shared memory", lambda: syscall("shmget", KEY, 4096, 0)
