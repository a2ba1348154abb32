"""
The runs' network: a loopback device that leads nowhere. Its namespace costs the kernel more than all else that a run is
made of, most of it afterwards and in one thread for the whole machine. So a run gets the one that the last run had, as
long as nothing in it tells that there was one; a run that used it takes it to the grave.
"""

from fcntl import ioctl
from struct import pack

import _socket

from . import kernel

SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1
TELLTALES = ("dev", "snmp", "snmp6", "rt6_stats", "ip6_flowlabel")


def enter_fresh():
    kernel.unshare(kernel.CLONE_NEWNET)
    loopback = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    try:
        ioctl(loopback.fileno(), SIOCSIFFLAGS, pack("16sH14x", b"lo", IFF_UP))
    except OSError:
        pass  # gVisor's is up from the start
    loopback.close()


def read_traces(pid):
    """What a process's network could tell of its past: no packet, refused connection or lease goes uncounted."""
    traces = []
    for name in TELLTALES:
        try:
            with open(f"/proc/{pid}/net/{name}", "rb", buffering=0) as file:
                traces.append(file.read(1 << 16))
        except FileNotFoundError:
            traces.append(None)
    return traces
