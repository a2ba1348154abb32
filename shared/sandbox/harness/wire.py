"""Frames to and from the worker: a type byte, a length, the payload."""

import os
import select
from struct import pack, unpack

STDIN, STDOUT = 0, 1

# What the worker sends …
CONFIG, RUN, CANCEL = 1, 2, 3
# … and what it gets.
READY, STDOUT_TEXT, STDERR_TEXT, PROGRESS, ENDED, CONTENT, DONE, FAULT = 1, 2, 3, 4, 5, 6, 7, 8

CHUNK = 1 << 18


_held = []


def hold(kind, payload=b""):
    """Sends with the next frame: the worker wakes up once for both."""
    _held.append(pack(">BI", kind, len(payload)) + payload)


def send(kind, payload=b""):
    hold(kind, payload)
    rest = memoryview(b"".join(_held))
    _held.clear()
    while rest:
        rest = rest[os.write(STDOUT, rest):]


def read_exactly(size):
    """That many bytes and none more: what follows belongs to the next reader. None when the worker hung up."""
    parts = []
    while size > 0:
        part = os.read(STDIN, min(size, CHUNK))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def is_asked():
    """Whether something has come to be read."""
    return bool(select.select([STDIN], [], [], 0)[0])


def receive():
    """The next frame as (kind, payload); (None, b"") when the worker hung up."""
    head = read_exactly(5)
    if head is None:
        return None, b""
    kind, size = unpack(">BI", head)
    payload = read_exactly(size)
    return (None, b"") if payload is None else (kind, payload)
