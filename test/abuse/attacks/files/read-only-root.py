"""
Changes what it runs on: the root, the interpreter, the libraries, which the next tenant uses too.

Must: blocked
"""

import os
import sys

import numpy


def tries(host):
    library = numpy.__file__
    packages = os.path.dirname(os.path.dirname(library))
    for path in ("/x", "/etc/passwd", "/etc/hosts", sys.executable, library, f"{packages}/sitecustomize.py", "/usr/x", "/workspace/x", "/dev/x", "/run/x"):
        yield f"write {path}", lambda: write(path, flags=os.O_WRONLY | os.O_CREAT)
    yield "make a folder", lambda: os.mkdir("/folder")
    yield "remove the interpreter", lambda: os.unlink(sys.executable)
    yield "rename a library", lambda: os.rename(library, library + ".old")
    yield "move /etc", lambda: os.rename("/etc", "/tmp/etc")
    yield "change its mode", lambda: os.chmod(library, 0o777)
    yield "take it over", lambda: os.chown(library, os.getuid(), os.getgid())
    yield "change its times", lambda: os.utime(library, (0, 0))
    yield "cut it", lambda: os.truncate(library, 0)
    yield "mark it", lambda: os.setxattr(library, "user.x", b"x")
    yield "write by its descriptor", lambda: os.open(f"/proc/self/fd/{os.open(library, os.O_RDONLY)}", os.O_RDWR)
    yield "plant a compiled module", lambda: write(f"{packages}/numpy/__pycache__/x.pyc", flags=os.O_WRONLY | os.O_CREAT)
