"""
The zygote forks a process for every run, into fresh namespaces. It takes three orders, `import`, `fork` and `renew the
network`, knows nothing of what the runs are, and hands the ends of a new process's pipes to the keeper.
"""

import gc
import os
import select
from struct import calcsize, pack, unpack

import _signal
import _socket

from . import kernel, network, task, threads

IMPORT, FORK, RENEW = b"i", b"f", b"n"
OBEYED, FORKED, FAILED, ENDED = b"o", b"f", b"x", b"e"
END = "=iidq"
MESSAGE_BYTES = 4096
PIPES = ("orders", "out", "err", "verdict")


class Zygote:
    def __init__(self, config, keeper):
        self.config = config
        self.keeper = keeper
        self.wake, wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        _signal.signal(_signal.SIGCHLD, lambda *_: None)
        _signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        self.own_processes = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)

    def serve(self):
        poller = select.poll()
        poller.register(self.keeper, select.POLLIN)
        poller.register(self.wake, select.POLLIN)
        while True:
            for fd, _ in poller.poll():
                if fd == self.wake:
                    os.read(self.wake, 4096)
                else:
                    self._obey(self.keeper.recv(MESSAGE_BYTES))
            self._reap()

    def _obey(self, order):
        if order[:1] == FORK:
            self._fork()
        elif order[:1] == IMPORT:
            self._import(order[1:].decode())
        elif order[:1] == RENEW:
            network.enter_fresh()
            self.keeper.send(OBEYED)
        else:
            os._exit(0)  # the keeper is gone

    def _import(self, name):
        try:
            __import__(name)
        except Exception as error:  # noqa: BLE001 - a run that needs it will meet the same error and say so
            os.write(2, f"importing {name}: {error}\n".encode())
        self.config["blas"] = threads.find_setters()
        # What is frozen the collector never looks at again, so the pages stay shared with all that is forked.
        gc.collect()
        gc.freeze()
        self.keeper.send(OBEYED)

    def _fork(self):
        reads, writes = zip(*(os.pipe() for _ in PIPES))
        theirs = [reads[0], *writes[1:]]
        ours = [writes[0], *reads[1:]]
        try:
            kernel.call("setns", self.own_processes, kernel.CLONE_NEWPID)
            kernel.unshare(kernel.CLONE_NEWPID)
            pid = os.fork()
            if pid == 0:
                task.run(self.config, theirs)
            rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, pack(f"={len(ours)}i", *ours))]
            self.keeper.sendmsg([FORKED + pack("=i", pid)], rights)
        except OSError as error:
            # The run under way may have taken all that there is; it is not to end for the next one's sake.
            self.keeper.send(FAILED + str(error).encode("utf-8", "replace"))
        finally:
            for fd in (*theirs, *ours):
                os.close(fd)

    def _reap(self):
        """A run's first process is reaped only when all others of its namespace are dead: the kernel sees to it."""
        try:
            while True:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
                if pid == 0:
                    return
                cpu = usage.ru_utime + usage.ru_stime
                self.keeper.send(ENDED + pack(END, pid, status, cpu, usage.ru_maxrss))
        except ChildProcessError:
            pass


def serve(config, keeper):
    """The zygote's whole life; never returns."""
    os.close(0)
    os.open("/dev/null", os.O_RDONLY)
    os.dup2(0, 1)
    try:
        Zygote(config, keeper).serve()
    except BaseException as error:  # noqa: BLE001
        os.write(2, f"zygote: {type(error).__name__}: {error}\n".encode("utf-8", "replace"))
    os._exit(1)


class Forked:
    """A process that is ready, or getting ready, to run a task: its pid here and our ends of its pipes."""

    def __init__(self, pid, fds):
        self.pid = pid
        self.orders, self.out, self.err, self.verdict = fds

    def close(self):
        for fd in (self.orders, self.out, self.err, self.verdict):
            os.close(fd)


class Client:
    """The keeper's side: keeps one process ahead, and imports what is left to import while nobody waits."""

    def __init__(self, pid, socket, modules):
        self.pid = pid
        self.socket = socket
        self.modules = modules
        self.busy = False
        self.hurried = False
        self.spare = None
        self.discarded = set()
        self.ended = {}

    def fileno(self):
        return self.socket.fileno()

    def advance(self, hurry=False):
        """Has the next thing done, if it is not busy: an import unless in a hurry, then a fork."""
        if self.busy or self.spare is not None:
            return
        self.busy, self.hurried = True, hurry
        if self.modules and not hurry:
            self.socket.send(IMPORT + self.modules.pop(0).encode())
        else:
            self.socket.send(FORK)

    def hear(self):
        message, ancillary, _, _ = self.socket.recvmsg(MESSAGE_BYTES, _socket.CMSG_SPACE(len(PIPES) * calcsize("i")))
        if not message:
            raise OSError("the zygote ended")
        if message[:1] == ENDED:
            pid, status, cpu_seconds, memory_kb = unpack(END, message[1:])
            if pid in self.discarded:
                self.discarded.remove(pid)
            else:
                self.ended[pid] = (status, cpu_seconds, memory_kb)
            return
        self.busy = False
        if message[:1] == FAILED and self.hurried:
            raise OSError(f"no process for the run: {message[1:].decode()}")
        if message[:1] == FORKED:
            fds = unpack(f"={len(PIPES)}i", ancillary[0][2])
            self.spare = Forked(*unpack("=i", message[1:]), fds)

    def take(self):
        """A process for a run that waits; getting one costs nothing if it is there already."""
        while self.spare is None:
            self.advance(hurry=True)
            self.hear()
        forked, self.spare = self.spare, None
        return forked

    def renew_network(self):
        """Gives the runs to come a network that none has used: the process that was ahead goes, it has the old one."""
        while self.busy:
            self.hear()
        if self.spare is not None:
            self.discarded.add(self.spare.pid)
            os.kill(self.spare.pid, _signal.SIGKILL)
            self.spare.close()
            self.spare = None
        self.busy = True
        self.socket.send(RENEW)
