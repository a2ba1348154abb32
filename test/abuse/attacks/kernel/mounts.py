"""
Mounts, remounts, moves and unmounts, by the old calls and the new.

Must: blocked
"""

RDONLY, REMOUNT, BIND, MOVE = 0x1, 0x20, 0x1000, 0x2000
AT_FDCWD = -100


def tries(host):
    yield "a tmpfs", lambda: syscall("mount", b"x", b"/tmp", b"tmpfs", 0, None)
    yield "a proc", lambda: syscall("mount", b"proc", b"/tmp", b"proc", 0, None)
    yield "an overlay", lambda: syscall("mount", b"overlay", b"/tmp", b"overlay", 0, b"lowerdir=/,upperdir=/tmp,workdir=/tmp")
    yield "a disk", lambda: syscall("mount", b"/dev/vda", b"/tmp", b"ext4", 0, None)
    yield "cgroups", lambda: syscall("mount", b"x", b"/tmp", b"cgroup2", 0, None)
    yield "the root elsewhere", lambda: syscall("mount", b"/", b"/tmp", None, BIND, None)
    for path in (b"/", b"/workspace", b"/proc"):
        yield f"{path.decode()} writable", lambda: syscall("mount", None, path, None, REMOUNT | BIND, None)
        yield f"{path.decode()} away", lambda: syscall("umount2", path, 2)
    yield "/proc moved", lambda: syscall("mount", b"/proc", b"/tmp", None, MOVE, None)
    yield "another root", lambda: syscall("pivot_root", b"/tmp", b"/tmp")
    yield "a file system by the new calls", lambda: syscall("fsopen", b"tmpfs", 0)
    yield "a mount of it", lambda: syscall("fsmount", 0, 0, 0)
    yield "a copy of the tree", lambda: syscall("open_tree", AT_FDCWD, b"/", 1)
    yield "a move by the new calls", lambda: syscall("move_mount", AT_FDCWD, b"/proc", AT_FDCWD, b"/tmp", 0)
    yield "other attributes", lambda: syscall("mount_setattr", AT_FDCWD, b"/", 0, bytes(32), 32)
