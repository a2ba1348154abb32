"""
The keeper of one run: first process of the run's own namespaces, so everything the run starts dies by its hand.
It lays out the workspace, forks the task, relays what it says, ends it, and only then looks at what it left.
"""

import json
import os
import resource
import select
import time
from fcntl import ioctl
from struct import pack

import _signal
import _socket

from . import collect, kernel, task, view, wire

MEBIBYTE = 1 << 20
PAGE = 4096
MORE = b"+"
INODES = 32768
TICK_SECONDS = 0.08
VERDICT_BYTES = 1 << 18
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1


def _enter_namespaces():
    kernel.call("prctl", kernel.PR_SET_DUMPABLE, 0, 0, 0, 0)
    kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC)
    loopback = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    ioctl(loopback.fileno(), SIOCSIFFLAGS, pack("16sH14x", b"lo", IFF_UP))
    loopback.close()


def _await_run():
    """The next run's header, as sent; None when the worker hung up. A cancellation that comes too late is nobody's."""
    kind = wire.CANCEL
    while kind == wire.CANCEL:
        kind, payload = wire.receive()
    return payload if kind == wire.RUN else None


def _store(path, size):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    while size > 0:
        part = wire.read_exactly(min(size, wire.CHUNK))
        if part is None:
            os._exit(1)
        os.write(fd, part)  # to memory: all of it, or an error
        size -= len(part)
    os.close(fd)


def _fill_workspace(header):
    sizes = [header["source_bytes"], header["input_bytes"], *(file["bytes"] for file in header["files"])]
    room = sum(-(-size // PAGE) * PAGE for size in sizes) + MEBIBYTE
    limits = header["limits"]
    view.resize("/workspace", room, INODES)
    view.resize("/workspace/out", limits["output_mb"] * MEBIBYTE, INODES)
    view.resize("/tmp", limits["scratch_mb"] * MEBIBYTE, INODES)
    _store("/workspace/main.py", header["source_bytes"])
    _store("/workspace/in/data.json", header["input_bytes"])
    for file in header["files"]:
        _store(f"/workspace/in/files/{file['name']}", file["bytes"])
    if header["module"] != "main" and "." not in header["module"]:
        os.symlink("main.py", f"/workspace/{header['module']}.py")
    kernel.write_file("/workspace/out/files/list.json", json.dumps(header["file_outputs"]).encode())
    view.seal_workspace()


class Run:
    """A task: first prepared, waiting for its orders; then under way; then over."""

    def __init__(self, config):
        self.verdict = b""
        self.status = None
        self.ended = "exited"
        self.kill_at = None
        self.progress = collect.Progress()
        self.wake, wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        _signal.signal(_signal.SIGCHLD, lambda *_: None)
        _signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        orders_read, self.orders = os.pipe()
        pipes = [os.pipe() for _ in range(3)]
        self.pid = os.fork()
        if self.pid == 0:
            _signal.set_wakeup_fd(-1)
            task.run(config, orders_read, [write for _, write in pipes])
        for fd in (orders_read, *(write for _, write in pipes)):
            os.close(fd)
        self.pipes = {
            pipes[0][0]: lambda data: self._relay(wire.STDOUT_TEXT, data),
            pipes[1][0]: lambda data: self._relay(wire.STDERR_TEXT, data),
            pipes[2][0]: self._hear_verdict,
        }
        self.poller = select.poll()
        for fd in (wire.STDIN, self.wake, *self.pipes):
            self.poller.register(fd, select.POLLIN)

    def begin(self, orders, limits):
        self.limits = limits
        self.text_left = limits["log_bytes"] + 1  # one too many tells the worker that more was said
        self.started = time.monotonic()
        self.deadline = self.started + limits["wall_seconds"]
        with open(self.orders, "wb", buffering=0) as file:
            file.write(orders)

    def _relay(self, kind, data):
        data = data[: self.text_left]
        self.text_left -= len(data)
        if data:
            wire.send(kind, data)

    def _hear_verdict(self, data):
        self.verdict = (self.verdict + data)[:VERDICT_BYTES]

    def _hear_worker(self):
        kind, _ = wire.receive()
        if kind != wire.CANCEL:
            os._exit(1)  # the worker is gone, and with this process go all of the run's
        self._end("cancelled")

    def _end(self, why):
        if self.kill_at is None:
            self.ended = why
            self.kill_at = time.monotonic() + self.limits["grace_seconds"]
            _signal_all(_signal.SIGTERM)

    def _reap(self):
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid == self.pid:
                    self.status = status
        except ChildProcessError:
            pass

    def _read_pipe(self, fd):
        data = os.read(fd, wire.CHUNK)
        if data:
            self.pipes[fd](data)
        else:
            self.poller.unregister(fd)
            del self.pipes[fd]
            os.close(fd)

    def _turn(self, wait_seconds):
        for fd, _ in self.poller.poll(max(0, wait_seconds) * 1000):
            if fd == wire.STDIN:
                self._hear_worker()
            elif fd == self.wake:
                os.read(self.wake, 4096)
            elif fd in self.pipes:
                self._read_pipe(fd)
        self._reap()

    def watch(self):
        """Returns when the task has ended and nothing of the run is alive."""
        tick = time.monotonic() + TICK_SECONDS
        while self.status is None:
            now = time.monotonic()
            if self.kill_at is not None and now >= self.kill_at:
                _signal_all(_signal.SIGKILL)
            elif now >= self.deadline:
                self._end("timeout")
            if now >= tick:
                self.progress.relay()
                tick = now + TICK_SECONDS
            limit = self.kill_at if self.kill_at is not None else self.deadline
            self._turn(min(tick, max(limit, now + 0.01)) - now)
        _kill_all()
        self.wall_seconds = time.monotonic() - self.started
        for fd in list(self.pipes):
            while fd in self.pipes:
                self._read_pipe(fd)
        self.progress.relay()

    @property
    def succeeded(self):
        return self.ended == "exited" and self.status == 0 and self.verdict == task.DONE_WELL


def _signal_all(number):
    try:
        os.kill(-1, number)
    except ProcessLookupError:
        pass


def _kill_all():
    """Ends and reaps every process of the run, forking ones too: to the kernel this is a single step."""
    _signal_all(_signal.SIGKILL)
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass


def _report(run, header):
    """What the worker must know, and the list of what it may have."""
    times = os.times()
    report = {
        "ended": run.ended,
        "exit_status": os.waitstatus_to_exitcode(run.status),
        "wall_seconds": run.wall_seconds,
        "cpu_seconds": times.children_user + times.children_system,
        "memory_peak_kb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss,
        "full": [name for name, path in (("output", "/workspace/out"), ("scratch", "/tmp")) if _is_full(path)],
        "succeeded": run.succeeded,
        "result_bytes": 0,
        "files": [],
    }
    if run.succeeded:
        report.update(collect.list_outputs(header["limits"], header["file_outputs"]))
    else:
        report["verdict"] = run.verdict.decode("utf-8", "replace")
        report["error"] = collect.read_error_file()
    return report


def _is_full(path):
    state = os.statvfs(path)
    return state.f_bavail == 0 or state.f_favail == 0


def keep(config, go, told):
    """The whole life of a keeper, never returns: `go` says that the next run is ours, `told` that one has begun."""
    try:
        _enter_namespaces()
        view.mount_proc()
        view.mount_workspace(config["task_uid"])
        run = Run(config)
        os.read(go, 1)
        orders = _await_run()
        if orders is None:
            os._exit(1)
        header = json.loads(orders)
        os.write(told, MORE if header["more"] else b"-")
        os.close(told)
        _fill_workspace(header)
        run.begin(orders, header["limits"])
        run.watch()
        report = _report(run, header)
        wire.send(wire.ENDED, json.dumps(report).encode())
        collect.send_contents(report)
        wire.send(wire.DONE)
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the worker must hear of it
        wire.send(wire.FAULT, f"{type(error).__name__}: {error}".encode("utf-8", "replace"))
        os._exit(1)
