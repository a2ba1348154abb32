"""What a run sees of the world: built once by the zygote, completed for each run."""

import os

from . import kernel
from .kernel import MS_BIND, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY, MS_REMOUNT

STAGE = "/run"
INODES = 32768
DEVICES = ("null", "zero", "full", "random", "urandom")
LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}
ETC = {
    "passwd": b"root:x:0:0::/:/bin/false\ntask:x:1000:1000::/tmp:/bin/false\n",
    "group": b"root:x:0:\ntask:x:1000:\n",
    "hosts": b"127.0.0.1 localhost\n::1 localhost\n",
    "nsswitch.conf": b"passwd: files\ngroup: files\nhosts: files\n",
}
# What stays visible where /proc cannot be mounted without the machine's part.
SHOWN_IN_PROC = {"cpuinfo", "meminfo", "filesystems"}
PRIVATE = MS_NOSUID | MS_NODEV | MS_NOEXEC
SEALED = MS_NOSUID | MS_NODEV | MS_RDONLY


def _show(path):
    """Binds something of the engine's root into the new one."""
    target = STAGE + path
    if os.path.isdir(path):
        os.makedirs(target, 0o755, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), 0o755, exist_ok=True)
        kernel.write_file(target, b"")
    kernel.bind(path, target)
    return target


def build(targets, hold_root):
    """
    Makes a new root that holds the environment, five devices and four files, and leaves the engine's root for good,
    so that a run sees the same under every engine. gVisor ends a container whose root is let go of: an open descriptor,
    which no run gets, holds it there.
    """
    os.umask(0o022)
    kernel.mount(None, "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("root", STAGE, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=755")
    for target in targets:
        shown = _show(target)
        kernel.mount(None, shown, flags=MS_REMOUNT | MS_BIND | SEALED)
    for device in DEVICES:
        _show(f"/dev/{device}")
    for name, target in LINKS.items():
        os.symlink(target, f"{STAGE}/dev/{name}")
    # A whole /proc must stay mounted below the run's own: the kernel lets a namespace mount no more than it can see.
    _show("/proc")
    for folder in ("/dev/shm", "/etc", "/tmp", "/workspace"):
        os.mkdir(STAGE + folder, 0o755)
    for name, text in ETC.items():
        kernel.write_file(f"{STAGE}/etc/{name}", text)
    if hold_root:
        os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    os.chdir(STAGE)
    kernel.call("pivot_root", b".", b".")
    kernel.call("umount2", b".", kernel.MNT_DETACH)
    os.chdir("/")
    kernel.mount(None, "/", flags=MS_REMOUNT | MS_BIND | SEALED)


def mount_proc():
    """The run's own /proc: its processes and nothing of the machine."""
    try:
        kernel.mount("proc", "/proc", "proc", PRIVATE, "subset=pid,hidepid=invisible")
    except OSError:
        # Linux before 5.8, and gVisor.
        kernel.mount("proc", "/proc", "proc", PRIVATE)
        _mask_proc()


def _mask_proc():
    for name in os.listdir("/proc"):
        path = f"/proc/{name}"
        if name.isdigit() or os.path.islink(path) or name in SHOWN_IN_PROC:
            continue
        if os.path.isdir(path):
            kernel.mount("mask", path, "tmpfs", SEALED | MS_NOEXEC, "size=0,mode=555")
        else:
            kernel.mount("/dev/null", path, flags=MS_BIND)


def _mount_tmpfs(target, size, owner, mode):
    options = f"size={size},nr_inodes={INODES},uid={owner},gid={owner},mode={mode}"
    kernel.mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, options)


def mount_workspace(owner, input_bytes, output_bytes, scratch_bytes):
    """Lays out the writable places, each with its cap; inside `/workspace` nothing but they is the task's."""
    _mount_tmpfs("/workspace", input_bytes, 0, "755")
    for name in ("in", "in/files", "out", "scratch"):
        os.mkdir(f"/workspace/{name}", 0o755)
    _mount_tmpfs("/workspace/out", output_bytes, owner, "700")
    for folder in ("files", "artifacts"):
        os.mkdir(f"/workspace/out/{folder}", 0o755)
        os.chown(f"/workspace/out/{folder}", owner, owner)
    _mount_tmpfs("/tmp", scratch_bytes, 0, "755")
    for name, target in (("scratch", "/workspace/scratch"), ("shm", "/dev/shm"), ("tmp", "/tmp")):
        os.mkdir(f"/tmp/{name}", 0o700)
        os.chown(f"/tmp/{name}", owner, owner)
        kernel.mount(f"/tmp/{name}", target, flags=MS_BIND)


def is_full(path):
    state = os.statvfs(path)
    return state.f_bavail == 0 or state.f_favail == 0


def seal_workspace():
    kernel.mount(None, "/workspace", flags=MS_REMOUNT | MS_BIND | SEALED)
