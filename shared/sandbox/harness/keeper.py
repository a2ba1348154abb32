"""
The keeper talks with the worker: it takes a run's inputs, lays them before the process that will run it, relays what it
says, ends it, and only when nothing of it is alive looks at what it left.
"""

import marshal
import os
import select
import time

import _signal

from . import collect, jsontext, kernel, network, task, view, wire
from .processes import Processes, kill

MEBIBYTE = 1 << 20
PAGE = 4096
TICK_SECONDS = 0.08
VERDICT_BYTES = 1 << 18


def _receive(size):
    data = wire.read_exactly(size)
    if data is None:
        os._exit(0)  # the worker hung up
    return data


def _store(path, size):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    while size > 0:
        part = _receive(min(size, wire.CHUNK))
        os.write(fd, part)  # to memory: all of it, or an error
        size -= len(part)
    os.close(fd)


def _fill_workspace(header, owner):
    """Returns the source and the inputs, which the task gets as files and, to save it the reading, with its orders."""
    sizes = [header["source_bytes"], header["input_bytes"], *(file["bytes"] for file in header["files"])]
    room = sum(-(-size // PAGE) * PAGE for size in sizes) + MEBIBYTE
    limits = header["limits"]
    view.mount_workspace(owner, room, limits["output_mb"] * MEBIBYTE, limits["scratch_mb"] * MEBIBYTE)
    source, inputs = _receive(header["source_bytes"]), _receive(header["input_bytes"])
    kernel.write_file("/workspace/main.py", source)
    kernel.write_file("/workspace/in/data.json", inputs)
    for file in header["files"]:
        _store(f"/workspace/in/files/{file['name']}", file["bytes"])
    if header["module"] != "main" and "." not in header["module"]:
        os.symlink("main.py", f"/workspace/{header['module']}.py")
    kernel.write_file("/workspace/out/files/list.json", jsontext.dumps(header["file_outputs"]).encode())
    view.seal_workspace()
    return source, inputs


class Run:
    """A task under way: its pipes, its deadlines, and how it ended."""

    def __init__(self, process, zygote, processes):
        self.process = process
        self.zygote = zygote
        self.processes = processes
        self.verdict = b""
        self.status = None
        self.ended = "exited"
        self.kill_at = None
        self.progress = collect.Progress()
        self.pipes = {
            process.out: lambda data: self._relay(wire.STDOUT_TEXT, data),
            process.err: lambda data: self._relay(wire.STDERR_TEXT, data),
            process.verdict: self._hear_verdict,
        }
        self.poller = select.poll()
        for fd in (wire.STDIN, zygote.fileno(), *self.pipes):
            self.poller.register(fd, select.POLLIN)
        said = os.read(process.verdict, VERDICT_BYTES)
        if said != task.PREPARED:
            raise OSError(f"the task could not be prepared: {said.decode('utf-8', 'replace')}")

    def begin(self, limits, orders):
        self.limits = limits
        self.text_left = limits["log_bytes"] + 1  # one too many tells the worker that more was said
        self.started = time.monotonic()
        self.deadline = self.started + limits["wall_seconds"]
        with open(self.process.orders, "wb", buffering=0) as file:
            data = memoryview(orders)
            while data:
                data = data[file.write(data):]

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
            os._exit(1)  # the worker is gone, and with this process goes all that is here
        self._end("cancelled")

    def _hear_zygote(self):
        self.zygote.hear()
        self.zygote.advance()
        if self.process.pid in self.zygote.ended:
            self.status, self.cpu_seconds, self.memory_kb = self.zygote.ended.pop(self.process.pid)

    def _end(self, why):
        if self.kill_at is None:
            self.ended = why
            self.kill_at = time.monotonic() + self.limits["grace_seconds"]
            self.processes.terminate(self.process.pid)

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
            elif fd == self.zygote.fileno():
                self._hear_zygote()
            elif fd in self.pipes:
                self._read_pipe(fd)

    def watch(self):
        """Returns when nothing of the run is alive."""
        tick = time.monotonic() + TICK_SECONDS
        while self.status is None:
            now = time.monotonic()
            if self.kill_at is not None and now >= self.kill_at:
                kill(self.process.pid, _signal.SIGKILL)
            elif now >= self.deadline:
                self._end("timeout")
            if now >= tick:
                self.progress.relay()
                tick = now + TICK_SECONDS
            limit = self.kill_at if self.kill_at is not None else self.deadline
            self._turn(min(tick, max(limit, now + 0.01)) - now)
        self.wall_seconds = time.monotonic() - self.started
        for fd in list(self.pipes):
            while fd in self.pipes:
                self._read_pipe(fd)
        self.progress.relay()

    @property
    def succeeded(self):
        return self.ended == "exited" and self.status == 0 and self.verdict == task.DONE_WELL

    def report(self, header):
        """What the worker must know, and the list of what it may have."""
        report = {
            "ended": self.ended,
            "exit_status": os.waitstatus_to_exitcode(self.status),
            "wall_seconds": self.wall_seconds,
            "cpu_seconds": self.cpu_seconds,
            "memory_peak_kb": self.memory_kb,
            "full": [name for name, path in (("output", "/workspace/out"), ("scratch", "/tmp")) if view.is_full(path)],
            "succeeded": self.succeeded,
            "result_bytes": 0,
            "files": [],
        }
        if self.succeeded:
            report.update(collect.list_outputs(header["limits"], header["file_outputs"]))
        else:
            report["verdict"] = self.verdict.decode("utf-8", "replace")
            report["error"] = collect.read_error_file()
        return report


def _serve_run(payload, config, zygote, processes):
    header, owner = jsontext.loads(payload.decode()), config["task_uid"]
    run = Run(zygote.take(), zygote, processes)
    processes.prepare(run.process.pid, owner, header["limits"])
    processes.enter_view(run.process.pid)
    source, inputs = _fill_workspace(header, owner)
    run.begin(header["limits"], marshal.dumps((header, source, inputs)))
    if header["more"]:
        zygote.advance()
    run.watch()
    report = run.report(header)
    wire.hold(wire.ENDED, jsontext.dumps(report, ascii_only=True).encode())
    collect.send_contents(report)
    wire.send(wire.DONE)
    processes.leave_view()


def keep(config, zygote):
    """The keeper's whole life; never returns."""
    processes = Processes()
    untouched = network.read_traces(zygote.pid)
    poller = select.poll()
    for fd in (wire.STDIN, zygote.fileno()):
        poller.register(fd, select.POLLIN)
    zygote.advance(hurry=wire.is_asked())
    while True:
        ready = [fd for fd, _ in poller.poll()]
        if wire.STDIN in ready:
            kind, payload = wire.receive()
            if kind == wire.RUN:
                _serve_run(payload, config, zygote, processes)
                if network.read_traces(zygote.pid) != untouched:
                    zygote.renew_network()
            elif kind != wire.CANCEL:  # one that comes too late is nobody's
                os._exit(0)
        elif zygote.fileno() in ready:
            zygote.hear()
            zygote.advance()
