"""
Makes device nodes: the disk, the memory, the kernel's log, in every writable place.

Must: blocked
"""

import os
import stat

DEVICES = {"disk": (stat.S_IFBLK, 8, 0), "virtual disk": (stat.S_IFBLK, 254, 0), "memory": (stat.S_IFCHR, 1, 1), "log": (stat.S_IFCHR, 1, 11), "loop control": (stat.S_IFCHR, 10, 237)}


def tries(host):
    for folder in ("/tmp", "/workspace/scratch", "/workspace/out/artifacts", "/dev/shm", "/dev"):
        for name, (kind, major, minor) in DEVICES.items():
            yield f"{name} in {folder}", lambda: os.mknod(f"{folder}/node", 0o666 | kind, os.makedev(major, minor))
    for path in ("/dev/mem", "/dev/kmem", "/dev/port", "/dev/kmsg", "/dev/sda", "/dev/vda", "/dev/kvm", "/dev/fuse", "/dev/loop-control", "/dev/vhost-net", "/dev/console", "/dev/tty", "/dev/ptmx"):
        yield path, lambda: os.open(path, os.O_RDONLY)
