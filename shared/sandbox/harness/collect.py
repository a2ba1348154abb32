"""Looks at what a dead run left behind, trusting nothing: names, kinds, sizes, links."""

import os
import stat

from . import wire

OUT = "/workspace/out"
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
MEBIBYTE = 1 << 20
ERROR_FILES = ("_runner_error.json", "_error.json")
ERROR_BYTES = 1 << 16
MAX_FILES = 1000
MAX_DEPTH = 16
MAX_PATH_BYTES = 1024
SMALL = 4096
LINE_BYTES = 4096
LINES_PER_TURN = 32


class Refused(Exception):
    """An output that cannot be taken, as (failure code, sentence)."""


def _open_regular(path):
    """An open file and its state, or None when there is no such regular file."""
    try:
        fd = os.open(path, READ)
    except OSError:
        return None, None
    state = os.fstat(fd)
    if stat.S_ISREG(state.st_mode):
        return fd, state
    os.close(fd)
    return None, None


class Progress:
    """Follows `progress.jsonl`, which the run may replace, cut or flood while it is read."""

    def __init__(self):
        self.offset = 0
        self.rest = b""

    def relay(self):
        fd, state = _open_regular(f"{OUT}/progress.jsonl")
        if fd is None:
            return
        try:
            if state.st_size < self.offset:
                self.offset, self.rest = 0, b""
            if state.st_size > self.offset + wire.CHUNK:
                self.offset, self.rest = state.st_size - wire.CHUNK, b""
            data = os.pread(fd, wire.CHUNK, self.offset)
        except OSError:
            return
        finally:
            os.close(fd)
        self.offset += len(data)
        *lines, rest = (self.rest + data).split(b"\n")
        self.rest = rest[:LINE_BYTES]
        for line in lines[-LINES_PER_TURN:]:
            if 0 < len(line) < LINE_BYTES:
                wire.send(wire.PROGRESS, line)


def read_error_file():
    """The error that the user's code left, as text; None without one."""
    for name in ERROR_FILES:
        fd, state = _open_regular(f"{OUT}/{name}")
        if fd is None:
            continue
        with open(fd, "rb") as file:
            if state.st_size <= ERROR_BYTES:
                return file.read(ERROR_BYTES).decode("utf-8", "replace")
    return None


def _check_name(name, path):
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise Refused("invalid_output", f"the name {ascii(path)} is not valid UTF-8") from None
    if any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in name):
        raise Refused("invalid_output", f"the name {ascii(path)} has control characters")
    if len(path.encode("utf-8")) > MAX_PATH_BYTES:
        raise Refused("invalid_output", f"the path {ascii(path[:80])}… is longer than {MAX_PATH_BYTES} bytes")


def _check_kind(state, path):
    if not stat.S_ISREG(state.st_mode):
        raise Refused("invalid_output", f"{ascii(path)} is not a regular file: links, pipes and devices are not taken")
    if state.st_nlink != 1:
        raise Refused("invalid_output", f"{ascii(path)} is a hard link: write a copy instead")


def _list_folder(folder, prefix, depth, found):
    if depth > MAX_DEPTH:
        raise Refused("invalid_output", f"{ascii(prefix[:80])}… is nested deeper than {MAX_DEPTH} folders")
    for name in sorted(os.listdir(folder)):
        path = f"{prefix}{name}"
        _check_name(name, path)
        state = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISDIR(state.st_mode) and depth > 0:
            inner = os.open(name, READ | os.O_DIRECTORY, dir_fd=folder)
            try:
                _list_folder(inner, f"{path}/", depth + 1, found)
            finally:
                os.close(inner)
            continue
        _check_kind(state, path)
        found.append((path, state.st_size))
        if len(found) > MAX_FILES:
            raise Refused("output_too_large", f"there are more than {MAX_FILES} output files")


def _list_kind(kind, folder_name, depth):
    path = f"{OUT}/{folder_name}"
    try:
        # Nothing is alive to change it in between; and gVisor, asked to open no link, opens one to a folder.
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            raise Refused("invalid_output", f"out/{folder_name} is not a folder any more")
        folder = os.open(path, READ | os.O_DIRECTORY)
    except FileNotFoundError:
        return []
    found = []
    try:
        _list_folder(folder, "", depth, found)
    finally:
        os.close(folder)
    return [{"kind": kind, "name": name, "bytes": size} for name, size in found]


def _check_result(limits):
    fd, state = _open_regular(f"{OUT}/data.json")
    if fd is None:
        raise Refused("invalid_output", "out/data.json is not a regular file")
    os.close(fd)
    if state.st_size > limits["result_bytes"]:
        raise Refused(
            "output_too_large",
            f"the result is {state.st_size} bytes of JSON, the limit is {limits['result_bytes']}: "
            "write large data to a file in /workspace/out/files",
        )
    return state.st_size


def _check_ports(names, required):
    stems = [name.split(".", 1)[0] for name in names]
    for port in required:
        if port not in stems:
            raise Refused("invalid_output", f"the file output {port!r} is missing: write /workspace/out/files/{port}.<ext>")


def list_outputs(limits, expected):
    """The result's size and every output file, or why they are refused."""
    try:
        result_bytes = _check_result(limits)
        # Output files belong to a port each and lie flat; artifacts may have folders.
        files = [file for file in _list_kind("output", "files", 0) if file["name"] != "list.json"]
        _check_ports([file["name"] for file in files], expected["required"])
        files += _list_kind("artifact", "artifacts", 1)
        total, limit = sum(file["bytes"] for file in files), limits["output_mb"] * MEBIBYTE
        if total > limit:
            raise Refused("output_too_large", f"the output files are {total} bytes, the limit is {limit}")
        return {"result_bytes": result_bytes, "files": files}
    except Refused as refusal:
        return {"succeeded": False, "refused": {"code": refusal.args[0], "message": refusal.args[1]}}


def _send_file(path, size):
    fd, _ = _open_regular(path)
    if fd is None:
        raise OSError("an output file vanished")
    try:
        while size > 0:
            part = os.read(fd, min(size, wire.CHUNK))
            if not part:
                raise OSError("an output file shrank")
            size -= len(part)
            (wire.hold if len(part) < SMALL else wire.send)(wire.CONTENT, part)
    finally:
        os.close(fd)


def send_contents(report):
    """The result, then each file in the order of the report."""
    if not report["succeeded"]:
        return
    _send_file(f"{OUT}/data.json", report["result_bytes"])
    for file in report["files"]:
        folder = "files" if file["kind"] == "output" else "artifacts"
        _send_file(f"{OUT}/{folder}/{file['name']}", file["bytes"])
