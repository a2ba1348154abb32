"""
Searches its own memory, which it inherited from the harness, for the platform's secrets.

Must: blocked
"""

import re

PREFIX = 7


def holds(data, turned):
    """Whether the data hold a text that came turned round and is never put together, lest the search finds itself."""
    prefix = turned[: -PREFIX - 1 : -1].encode()
    for match in re.finditer(re.escape(prefix), data):
        found = data[match.start() : match.start() + len(turned)]
        if len(found) == len(turned) and all(a == ord(b) for a, b in zip(found, reversed(turned))):
            return True
    return False


def search(turned):
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
        for line in maps:
            start, end, flags = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
            if "r" not in flags or "[v" in line:
                continue
            try:
                memory.seek(int(start, 16))
                data = memory.read(int(end, 16) - int(start, 16))
            except (OSError, OverflowError, ValueError):
                continue
            if holds(data, turned):
                return line
    raise Blocked("not there")


def tries(host):
    for number, turned in enumerate(host["secrets_reversed"]):
        yield f"secret {number}", lambda: search(turned)
