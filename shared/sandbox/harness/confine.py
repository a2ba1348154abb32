"""Takes every power from the process that will run the user's code."""

import os
import resource

from . import kernel, seccomp

TASK_UID = 1000
MEBIBYTE = 1 << 20
FIRST_VICTIM = b"1000"


def write_own_maps(uid_map, gid_map):
    """Fills the tables of the namespace that this process has just entered."""
    for name, text in (("setgroups", "deny"), ("uid_map", uid_map), ("gid_map", gid_map)):
        kernel.write_file(f"/proc/self/{name}", text.encode(), os.O_WRONLY)


def give_up_powers(owner, program):
    """
    Makes this process unprivileged for good: own session, an unprivileged user in a user namespace that owns nothing, no
    capability, the system-call filter. The order is forced: each step needs a power that a later one takes.
    """
    os.setsid()
    os.umask(0o022)
    if owner != 0:
        os.setgroups([])
        os.setresgid(owner, owner, owner)
        os.setresuid(owner, owner, owner)
    # Without it the process's files in /proc would belong to the host's root.
    kernel.call("prctl", kernel.PR_SET_DUMPABLE, 1, 0, 0, 0)
    kernel.unshare(kernel.CLONE_NEWUSER)
    kernel.drop_capabilities()
    kernel.call("prctl", kernel.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    seccomp.install(program)


def write_maps(pid, inside, uid, gid):
    """Gives a user namespace that a process has just made its only user, by the name `inside`."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{inside} {uid} 1"), ("gid_map", f"{inside} {gid} 1")):
        kernel.write_file(f"/proc/{pid}/{name}", text.encode(), os.O_WRONLY)


def limit(pid, limits):
    """Sets from outside what the kernel counts for each process; lower is always allowed, higher never again."""
    # When memory runs out the run dies, not the processes that would tell of it.
    kernel.write_file(f"/proc/{pid}/oom_score_adj", FIRST_VICTIM, os.O_WRONLY)
    for what, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_NOFILE, limits["open_files"]),
        (resource.RLIMIT_FSIZE, limits["file_size_mb"] * MEBIBYTE),
        (resource.RLIMIT_NPROC, limits["pids"]),
    ):
        _lower(pid, what, value)
    for what, value in ((resource.RLIMIT_MSGQUEUE, 1 << 16), (resource.RLIMIT_SIGPENDING, 1024)):
        try:
            _lower(pid, what, value)
        except (OSError, ValueError):
            pass  # gVisor counts neither, they are its own memory


def _lower(pid, what, value):
    try:
        resource.prlimit(pid, what, (value, value))
    except ValueError:
        hard = resource.prlimit(pid, what)[1]
        if hard == resource.RLIM_INFINITY or hard > value:
            raise
