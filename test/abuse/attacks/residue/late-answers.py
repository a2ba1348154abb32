"""
Leaves a process that goes on answering by its descriptors, into the tenant's next run.

Must: blocked
"""

import os


def leave(host):
    if os.fork() == 0:
        os.setsid()
        while True:
            for descriptor in range(1, 64):
                try:
                    os.write(descriptor, b"done")
                except OSError:
                    pass


def own_answer():
    raise Blocked("this answer is its own")


def tries(host):
    yield "an answer in its place", own_answer
