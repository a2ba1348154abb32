"""
Prints what the harness would say to the worker: that the run has ended, that its result is another.

Must: completed
Result: {"mine": true}
"""

import json
import os
import struct

ENDED, CONTENT, DONE, FAULT = 5, 6, 7, 8


def frame(kind, payload=b""):
    return struct.pack(">BI", kind, len(payload)) + payload


def main(host):
    report = {
        "ended": "exited", "exit_status": 0, "wall_seconds": 0, "cpu_seconds": 0, "memory_peak_kb": 0, "full": [],
        "succeeded": True, "result_bytes": 16, "files": [],
    }  # fmt: skip
    said = frame(ENDED, json.dumps(report).encode()) + frame(CONTENT, b'{"forged": true}') + frame(DONE) + frame(FAULT, b"x")
    for descriptor in (1, 2):
        os.write(descriptor, said)
    return {"mine": True}
