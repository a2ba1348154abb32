"""
Changes its own inputs and source, on which the platform's record of the run relies.

Must: blocked
"""

import os


def tries(host):
    data = "/workspace/in/data.json"
    for path in (data, "/workspace/main.py"):
        yield f"overwrite {path}", lambda: write(path)
        yield f"append to {path}", lambda: write(path, flags=os.O_WRONLY | os.O_APPEND)
        yield f"cut {path}", lambda: os.truncate(path, 0)
        yield f"remove {path}", lambda: os.unlink(path)
        yield f"change the mode of {path}", lambda: os.chmod(path, 0o777)
        yield f"link {path} out", lambda: os.link(path, "/workspace/out/artifacts/linked")
    yield "add a file", lambda: write("/workspace/in/files/x", flags=os.O_WRONLY | os.O_CREAT)
    yield "move the folder away", lambda: os.rename("/workspace/in", "/workspace/old")
    yield "remove a folder", lambda: os.rmdir("/workspace/in/files")
    yield "add a module", lambda: write("/workspace/numpy.py", flags=os.O_WRONLY | os.O_CREAT)
    yield "write by its descriptor", lambda: os.open(f"/proc/self/fd/{os.open(data, os.O_RDONLY)}", os.O_RDWR)
