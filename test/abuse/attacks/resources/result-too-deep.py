"""
Returns a list in a list, a hundred thousand deep.

Must: failed invalid_output
"""


def main(host):
    value = []
    for _ in range(100_000):
        value = [value]
    return {"value": value}
