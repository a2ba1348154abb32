"""The runs' processes as the keeper sees them, from outside of their namespaces."""

import os

import _signal

from . import confine, kernel


def kill(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass  # it ended by itself


class Processes:
    def __init__(self):
        self.proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.own_view = self._open_view("self")

    def _open_view(self, pid):
        return os.open(f"{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.proc)

    def prepare(self, pid, owner, limits):
        """Does for a process what it would do slower itself: it shares its memory with the zygote, page for page."""
        confine.write_maps(pid, confine.TASK_UID, owner, owner)
        confine.limit(pid, limits)

    def enter_view(self, pid):
        view_fd = self._open_view(pid)
        kernel.call("setns", view_fd, kernel.CLONE_NEWNS)
        os.close(view_fd)

    def leave_view(self):
        """Lets go of a run's files, which end with their last user."""
        kernel.call("setns", self.own_view, kernel.CLONE_NEWNS)

    def _read(self, path):
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.proc)
        try:
            return os.read(fd, 1 << 16)
        finally:
            os.close(fd)

    def _list_family(self, first):
        """Every process of that one's namespace."""
        namespace = os.readlink(f"{first}/ns/pid", dir_fd=self.proc)
        for name in os.listdir(self.proc):
            try:
                if name.isdigit() and os.readlink(f"{name}/ns/pid", dir_fd=self.proc) == namespace:
                    yield int(name)
            except OSError:
                pass  # it ended

    def _minds(self, pid, signal):
        """Whether a process catches or ignores a signal; gVisor does not tell, and then it may."""
        status = dict(line.split(b":", 1) for line in self._read(f"{pid}/status").splitlines())
        masks = [int(status.get(name, b"-1"), 16) for name in (b"SigCgt", b"SigIgn")]
        return any(mask >> (signal - 1) & 1 for mask in masks)

    def terminate(self, first):
        """
        SIGTERM to all of a run. The kernel spares a namespace's first process what it does not catch itself; a task that
        does not care ends as any process would.
        """
        try:
            family = list(self._list_family(first))
            minds = self._minds(first, _signal.SIGTERM)
        except OSError:
            return  # it ended
        for pid in family:
            kill(pid, _signal.SIGTERM)
        if not minds:
            kill(first, _signal.SIGKILL)
