"""
Writes out a number of a hundred million digits.

Must: failed timeout or failed user_error
With: {"timeout_seconds": 1}
"""

import sys


def main(host):
    sys.set_int_max_str_digits(0)
    return str(7**100_000_000)
