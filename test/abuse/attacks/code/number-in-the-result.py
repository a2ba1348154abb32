"""
Returns a number of ten million digits, for whoever reads it as a number.

Must: failed timeout or failed output_too_large
With: {"timeout_seconds": 1.5}
"""


def main(host):
    return {"n": 1 << 33_000_000}
