"""
Raises an exception that is hostile to whoever shows it: endless text, zero bytes, terminal commands, a lying type.

Must: failed user_error
"""


class Hostile(BaseException):
    def __str__(self):
        return "\x00\x1b[2J\ud800</script><script>" + "x" * 50_000_000

    __repr__ = __str__

    @property
    def __class__(self):
        return MemoryError


Hostile.__name__ = "\x00\x1b]0;owned\x07"


def main(host):
    raise Hostile
