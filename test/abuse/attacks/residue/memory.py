"""
Leaves a text all over its memory, for the tenant's next run to find.

Must: blocked
"""

import re


def needle():
    return "-".join(["what", "the", "earlier", "run", "knew"])


def leave(host):
    global kept
    kept = [f"{needle()} {number}" for number in range(100_000)]


def search():
    found = 0
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
        for line in maps:
            start, end, flags = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
            if "r" not in flags or "[v" in line:
                continue
            try:
                memory.seek(int(start, 16))
                found += memory.read(int(end, 16) - int(start, 16)).count(needle().encode() + b" ")
            except (OSError, OverflowError, ValueError):
                pass
    if found > 2:
        return found
    raise Blocked("not there")


def tries(host):
    yield "its memory", search
