"""
Types into the terminal that the platform may have been started from.

Must: blocked
"""

import fcntl
import os
import termios


def tries(host):
    for descriptor in (0, 1, 2):
        yield f"type into {descriptor}", lambda: fcntl.ioctl(descriptor, termios.TIOCSTI, b"x")
        yield f"paste into {descriptor}", lambda: fcntl.ioctl(descriptor, 0x541C, b"\x02")
        yield f"take over {descriptor}", lambda: fcntl.ioctl(descriptor, termios.TIOCSCTTY, 0)
    yield "the terminal", lambda: os.open("/dev/tty", os.O_RDWR)
    yield "a terminal", lambda: os.open("/dev/pts/0", os.O_RDWR)
    yield "a new terminal", lambda: os.openpty()
