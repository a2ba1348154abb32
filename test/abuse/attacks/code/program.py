"""
Starts programs: a shell, compilers, whatever is there.

Must: blocked
"""

import os
import subprocess


def tries(host):
    for path in ("/bin/sh", "/bin/bash", "/usr/bin/env", "/usr/bin/perl", "/usr/bin/gcc", "/usr/bin/curl", "/usr/bin/sudo", "/bin/su", "/usr/bin/newuidmap", "/usr/bin/unshare", "/usr/bin/nsenter", "/usr/sbin/iptables", "/bin/mount"):
        yield path, lambda: subprocess.run([path], stdin=subprocess.DEVNULL, capture_output=True, timeout=2)
    yield "by the shell", lambda: subprocess.run("id", shell=True, capture_output=True, timeout=2)
    yield "a program in scratch", lambda: not_executable("/workspace/scratch/program")


def not_executable(path):
    with open(path, "w") as file:
        file.write("#!/bin/sh\nid\n")
    os.chmod(path, 0o755)
    subprocess.run([path], capture_output=True, timeout=2)
