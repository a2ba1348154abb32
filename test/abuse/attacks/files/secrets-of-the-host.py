"""
Reads what the host keeps: passwords, keys, a bait, by every road that leads to a file.

Must: blocked
"""

import os


def tries(host):
    for path in (
        "/etc/shadow",
        "/etc/gshadow",
        "/etc/machine-id",
        "/etc/hostname",
        "/etc/ssl/private",
        "/root/.ssh/id_ed25519",
        "/root/.bash_history",
        "/home",
        "/var/lib",
        "/var/log",
        "/boot",
        "/sys/class/dmi/id/product_uuid",
        "/run/secrets",
        "/var/run/secrets/kubernetes.io/serviceaccount/token",
    ):
        yield path, lambda: os.listdir(path) if os.path.isdir(path) else read(path)
    bait = host["secret_file"]
    up = "../" * 20
    for path in (bait, f"/workspace/in/{up}{bait}", f"/proc/self/root{bait}", f"/proc/self/cwd/{up}{bait}", f"/proc/1/root{bait}"):
        yield path, lambda: read(path)
    yield "by a link", lambda: (os.symlink(bait, "/tmp/link"), read("/tmp/link"))
    yield "by the folder above the root", lambda: read(f"/../..{bait}")
