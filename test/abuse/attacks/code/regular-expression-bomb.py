"""
Matches an expression that takes longer than the age of the universe, in one call that no signal interrupts.

Must: failed timeout
With: {"timeout_seconds": 1}
"""

import re


def main(host):
    re.match("(a+)+$", "a" * 64 + "b")
