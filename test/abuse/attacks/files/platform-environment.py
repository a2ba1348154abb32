"""
Reads environments: its own for what it should not have inherited, and those of all it sees.

Must: blocked
"""

import os

# What engines give the harness, which says nothing of the platform.
OF_ENGINES = {"PWD", "PATH", "HOSTNAME", "TERM", "container"}
CONTRACT = {"HOME", "TMPDIR", "LANG", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"}


def own():
    return nothing_of([name for name in os.environ if name not in CONTRACT and not name.startswith("MECAPY_")])


def of_process(number):
    names = [entry.partition(b"=")[0].decode() for entry in read_whole(f"/proc/{number}/environ").split(b"\0") if entry]
    return nothing_of(set(names) - CONTRACT - OF_ENGINES)


def read_whole(path):
    with open(path, "rb") as file:
        return file.read()


def tries(host):
    yield "its own", own
    yield "of the first process", lambda: of_process(1)
    yield "of itself as it began", lambda: of_process("self")
    yield "of its parent", lambda: of_process(os.getppid() or "0")
    yield "of the worker", lambda: of_process(host["worker_pid"])
    for number in range(2, 50):
        yield f"of process {number}", lambda: of_process(number)
