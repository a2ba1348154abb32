"""
The first process of a sandbox: takes its user namespace, builds the view, and parts in two. One is the keeper, which
talks with the worker. The other is the zygote, of which the runs are forks: it reads nothing that belongs to a run, so
that its memory, which they all inherit, stays blank.
"""

import gc
import marshal
import os
import sys

import _signal
import _socket

from . import confine, jsontext, keeper, kernel, network, seccomp, task, view, wire, zygote


def _map_to(host_uid):
    """Leaves the host's root for a user namespace of two unprivileged host ids: this process and the runs."""
    kernel.mount("proc", "/proc", "proc", view.PRIVATE)
    ready_read, ready_write = os.pipe()
    parent = os.getpid()
    helper = os.fork()
    if helper == 0:
        os.read(ready_read, 1)
        for table in ("uid_map", "gid_map"):
            mapping = f"0 {host_uid} 1\n{confine.TASK_UID} {host_uid + 1} 1\n"
            kernel.write_file(f"/proc/{parent}/{table}", mapping.encode(), os.O_WRONLY)
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
    confine.write_maps("self", 0, uid, gid)


def _die_with_parent():
    """
    So that everything here goes with the engine. A change of ids and a fork undo it; and it is for parents of one thread
    only: with more, the end of the one that forked counts.
    """
    kernel.call("prctl", kernel.PR_SET_PDEATHSIG, _signal.SIGKILL, 0, 0, 0)


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
    _die_with_parent()
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount("proc", "/proc", "proc", view.PRIVATE)


def _enter(config):
    """Ends as root of a user namespace, with its own mount namespace, whatever the engine started us as."""
    os.closerange(3, 1024)
    if config["start"] == "host-root":
        _map_to(config["host_uid"])
        _die_with_parent()
        _become_first_process()
    elif config["start"] == "plain-user":
        _map_self()
        _become_first_process()
    kernel.call("prctl", kernel.PR_SET_DUMPABLE, 0, 0, 0, 0)
    # What the last two hold no run can change, so all may share them.
    kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWUTS)
    try:
        kernel.unshare(kernel.CLONE_NEWCGROUP)
    except OSError:
        pass  # gVisor has none, and shows nothing of the host's
    kernel.call("sethostname", b"sandbox", 7)
    network.enter_fresh()
    view.build(config["mounts"], hold_root=config["start"] == "own-kernel-root")


def _prepare_memory(config, kept):
    """What every run's process inherits, done while the memory is nobody else's: later each page touched is a copy."""
    config["filter"] = kept["filter"] = kept["filter"] or seccomp.build_filter()
    config["blas"] = []
    task.dress_process()
    sys.path += config["site_packages"]
    compile("", "", "exec")  # the first one in a process costs more than all that a run does
    gc.freeze()


def main(kept):
    """`kept` is what sandboxes of this interpreter need not make again; the worker gets it from the first."""
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    kind, payload = wire.receive()
    if kind != wire.CONFIG:
        os._exit(0)
    try:
        config = jsontext.loads(payload.decode())
        _enter(config)
        _prepare_memory(config, kept)
        ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            ours.close()
            zygote.serve(config, theirs)
        theirs.close()
        wire.send(wire.READY, marshal.dumps(kept) if kept["new"] else b"")
        keeper.keep(config, zygote.Client(pid, ours, config["preload"]))
    except BaseException as error:  # noqa: BLE001 - whatever it is, the worker must hear of it
        wire.send(wire.FAULT, f"{type(error).__name__}: {error}".encode("utf-8", "replace"))
        os._exit(1)
