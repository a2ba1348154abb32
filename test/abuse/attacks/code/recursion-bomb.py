"""
Lifts Python's limit of recursion and recurses until the stack is gone.

Must: failed user_error or failed out_of_memory
"""

import sys


class Deep:
    def __getattr__(self, name):
        return getattr(self, name + "x")


def main(host):
    sys.setrecursionlimit(2**31 - 1)
    return Deep().x
