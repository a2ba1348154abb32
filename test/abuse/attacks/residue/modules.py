"""
Patches what the tenant's next run will use: built-in functions, modules, paths, hooks.

Must: blocked
"""

import builtins
import json
import os
import sys


def leave(host):
    builtins.open = json.dumps = json.loads = os.write = lambda *_, **__: "patched"
    builtins.left = sys.modules["left"] = sys
    sys.path.insert(0, "/tmp/left")
    sys.meta_path.insert(0, type("Finder", (), {"find_spec": lambda *_: None}))
    os.environ["LEFT"] = "x"


def expect(fine):
    if not fine:
        return "found"
    raise Blocked("nothing")


def tries(host):
    yield "functions", lambda: expect(open.__module__ in ("io", "_io") and json.dumps(1) == "1" and os.write is not json.loads)
    yield "built-in names", lambda: expect(not hasattr(builtins, "left"))
    yield "modules", lambda: expect("left" not in sys.modules)
    yield "paths", lambda: expect("/tmp/left" not in sys.path)
    yield "finders", lambda: expect(all("Finder" != getattr(finder, "__name__", "") for finder in sys.meta_path))
    yield "variables", lambda: expect("LEFT" not in os.environ)
