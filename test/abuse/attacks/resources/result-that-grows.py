"""
Returns a dict that has another item whenever it is asked.

Must: failed out_of_memory or failed timeout
With: {"timeout_seconds": 2, "resources": {"cpu": 1, "memory_mb": 128}}
"""


class Endless(dict):
    def items(self):
        number = 0
        while True:
            number += 1
            yield f"key {number}", "x" * 1000


def main(host):
    return Endless()
