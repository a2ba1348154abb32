"""
Connects to sockets of the host that have a path: a bait, Docker, containerd, systemd, the platform's database.

Must: blocked
"""

import socket


def tries(host):
    for path in (
        host["unix_socket"],
        "/var/run/docker.sock",
        "/run/docker.sock",
        "/run/containerd/containerd.sock",
        "/run/dbus/system_bus_socket",
        "/run/systemd/private",
        "/tmp/.s.PGSQL.5432",
        "/var/run/postgresql/.s.PGSQL.5432",
        f"/proc/{host['worker_pid']}/root{host['unix_socket']}",
    ):
        yield path, lambda: connect(socket.AF_UNIX, path)
