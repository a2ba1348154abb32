"""
Looks for the platform: its source, its configuration, its data, the harness around this very task.

Must: blocked
"""

import os

TELLTALES = ("package.json", "main.ts", "keeper.py", "zygote.py", "url-signing-key", "issuer-key.json", "stack.json", "PG_VERSION")


def search(names):
    for folder, folders, files in os.walk("/"):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in ("/proc", "/dev", "/workspace")]
        found = [os.path.join(folder, name) for name in files if name in names and "site-packages" not in folder]
        if found:
            return found
    raise Blocked("not in the tree")


def tries(host):
    yield "the platform's source", lambda: read(host["platform_file"])
    yield "its data", lambda: os.listdir(host["data_folder"])
    yield "its key", lambda: read(os.path.join(host["data_folder"], "url-signing-key"))
    yield "anything that looks like it", lambda: search(TELLTALES)
    yield "the harness as a module", lambda: __import__("_mecapy")
    yield "the keeper as a module", lambda: __import__("keeper")
    yield "the harness's package", lambda: __import__("_mecapy.kernel")
