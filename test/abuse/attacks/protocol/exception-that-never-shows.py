"""
Raises an exception whose text is never ready.

Must: failed timeout
With: {"timeout_seconds": 1}
"""


class Endless(Exception):
    def __str__(self):
        while True:
            pass


def main(host):
    raise Endless
