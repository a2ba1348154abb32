"""
The first process of a sandbox: takes its user namespace, builds the view, imports what is heavy, then forks a keeper
for every run and reads nothing that belongs to one, so that its memory, which all runs inherit, stays blank.
"""

import gc
import json
import os
import select
import sys

import _signal

from . import confine, keeper, kernel, seccomp, threads, view, wire


def _map_to(host_uid):
    """Leaves the host's root for a user namespace of two unprivileged host ids: this process and the runs."""
    kernel.mount("proc", "/proc", "proc", view.PRIVATE)
    ready_read, ready_write = os.pipe()
    parent = os.getpid()
    helper = os.fork()
    if helper == 0:
        os.read(ready_read, 1)
        for table in ("uid_map", "gid_map"):
            with open(f"/proc/{parent}/{table}", "w", encoding="ascii") as file:
                file.write(f"0 {host_uid} 1\n{confine.TASK_UID} {host_uid + 1} 1\n")
        os._exit(0)
    kernel.unshare(kernel.CLONE_NEWUSER)
    os.write(ready_write, b"x")
    if os.waitpid(helper, 0)[1] != 0:
        raise OSError("the user namespace could not be mapped")
    os.close(ready_read)
    os.close(ready_write)
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)


def _map_self():
    """As an unprivileged user: root of a namespace that knows that one user only."""
    uid, gid = os.getuid(), os.getgid()
    kernel.unshare(kernel.CLONE_NEWUSER)
    confine.write_own_maps(f"0 {uid} 1", f"0 {gid} 1")


def _become_first_process():
    """
    Moves on into a process namespace that belongs to our user namespace: only from there may a fresh one be asked for
    again and again. The process that stays behind only waits.
    """
    kernel.unshare(kernel.CLONE_NEWPID)
    child = os.fork()
    if child != 0:
        os.closerange(0, 3)
        os.waitpid(child, 0)
        os._exit(0)


def _enter(config):
    """Ends as root of a user namespace, with its own mount namespace, whatever the engine started us as."""
    os.closerange(3, 1024)
    if config["start"] == "host-root":
        _map_to(config["host_uid"])
        _become_first_process()
    elif config["start"] == "plain-user":
        _map_self()
        _become_first_process()
    # Changing ids has cleared it: when bubblewrap goes, so does everything here.
    kernel.call("prctl", kernel.PR_SET_PDEATHSIG, _signal.SIGKILL, 0, 0, 0)
    # A run can't change what these two hold, so all runs may share them.
    kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWUTS | kernel.CLONE_NEWCGROUP)
    kernel.call("sethostname", b"sandbox", 7)
    view.build(config["mounts"])


def _asked():
    return bool(select.select([wire.STDIN], [], [], 0)[0])


def _preload(modules):
    """Imports ahead, but never makes a request wait for more than the import at hand; consumes the list."""
    while modules and not _asked():
        name = modules.pop(0)
        try:
            __import__(name)
        except Exception as error:  # noqa: BLE001 - a run that needs it will meet the same error and say so
            print(f"preloading {name}: {error}", file=sys.stderr)


def _serve(config):
    compile("", "", "exec")  # the first one in a process costs more than all that a run does
    config["filter"] = seccomp.build_filter()
    # BLAS would start its threads at import; a process with threads can enter no namespace.
    os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
    sys.path += config["site_packages"]
    own_processes = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    spare = None
    while True:
        current = spare or _fork_keeper(config, own_processes)
        spare = None
        current.let_go()
        # The next run's keeper gets ready beside the present run: it will have to wait for nothing.
        if current.hears_of_another():
            spare = _fork_keeper(config, own_processes)
        if current.wait() != 0:
            os._exit(1)


class _Keeper:
    """A keeper as its zygote sees it: a process, a pipe to let it take the next run, one on which it tells."""

    def __init__(self, pid, go, told):
        self.pid, self.go, self.told = pid, go, told

    def let_go(self):
        os.write(self.go, b"x")
        os.close(self.go)

    def hears_of_another(self):
        """Waits until a run has begun, or the keeper has ended; True when more runs may follow."""
        more = os.read(self.told, 1)
        os.close(self.told)
        return more == keeper.MORE

    def wait(self):
        return os.waitpid(self.pid, 0)[1]


def _fork_keeper(config, own_processes):
    _preload(config["preload"])
    config["blas"] = threads.find_setters()
    gc.collect()
    gc.freeze()
    go_read, go_write = os.pipe()
    told_read, told_write = os.pipe()
    kernel.call("setns", own_processes, kernel.CLONE_NEWPID)
    kernel.unshare(kernel.CLONE_NEWPID)
    pid = os.fork()
    if pid == 0:
        for fd in (own_processes, go_write, told_read):
            os.close(fd)
        keeper.keep(config, go_read, told_write)
    os.close(go_read)
    os.close(told_write)
    return _Keeper(pid, go_write, told_read)


def main(bundle):
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    kind, payload = wire.receive()
    if kind != wire.CONFIG:
        os._exit(0)
    config = json.loads(payload)
    try:
        _enter(config)
        wire.send(wire.READY, bundle)
        _serve(config)
    except Exception as error:  # noqa: BLE001 - whatever it is, the worker must hear of it
        wire.send(wire.FAULT, f"{type(error).__name__}: {error}".encode("utf-8", "replace"))
        os._exit(1)
