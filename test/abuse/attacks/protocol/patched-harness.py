"""
Replaces every function that the harness relies on in this process, to have it write what it should refuse.

Must: failed invalid_output
"""

import json
import sys


def main(host):
    frame = sys._getframe()
    while frame is not None:
        for value in list(frame.f_globals.values()):
            if getattr(value, "__name__", "").endswith("values"):
                value.dump_result = lambda result: b'{"a": NaN, "b": ' + b"[" * 10_000
        frame = frame.f_back
    json.dumps = lambda *_, **__: "not JSON"
    return {}
