"""
Goes on after it has returned: by exit functions, finalisers and threads.

Must: failed timeout
With: {"timeout_seconds": 1}
"""

import atexit
import threading


class Last:
    def __del__(self):
        while True:
            pass


last = Last()


def main(host):
    def spin():
        while True:
            pass

    threading.Thread(target=spin, daemon=True).start()
    atexit.register(print, "after")
    return {}
