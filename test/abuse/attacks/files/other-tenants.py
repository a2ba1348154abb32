"""
Looks for the task of another company that runs now on the same worker: its files, memory, sockets, processes.

Must: blocked
"""

import os
import socket


def listing(path, expected):
    return nothing_of(sorted(set(os.listdir(path)) - expected))


def processes():
    return nothing_of([name for name in os.listdir("/proc") if name.isdigit()][1:])


def tries(host):
    victim = host["victim"]
    yield "its file in /tmp", lambda: read(f"/tmp/{victim['file']}")
    yield "its file in scratch", lambda: read(f"/workspace/scratch/{victim['file']}")
    yield "its file in shared memory", lambda: read(f"/dev/shm/{victim['file']}")
    yield "anything in /tmp", lambda: listing("/tmp", {"scratch", "shm", "tmp"})
    yield "anything in shared memory", lambda: listing("/dev/shm", set())
    yield "anything in scratch", lambda: listing("/workspace/scratch", set())
    yield "its inputs", lambda: listing("/workspace/in", {"data.json", "files"})
    yield "its server", lambda: connect(socket.AF_INET, ("127.0.0.1", victim["port"]))
    yield "its abstract socket", lambda: connect(socket.AF_UNIX, "\0" + victim["file"])
    yield "its shared memory segment", lambda: syscall("shmget", victim["segment"], 4096, 0)
    yield "its processes", processes
    yield "stored objects", lambda: os.listdir(os.path.join(host["data_folder"], "objects"))
