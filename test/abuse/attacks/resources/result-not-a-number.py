"""
Returns NaN and Infinity, which JSON does not know and JavaScript cannot read.

Must: failed invalid_output
Says: not JSON
"""


def main(host):
    return {"a": [float("nan"), float("inf")]}
