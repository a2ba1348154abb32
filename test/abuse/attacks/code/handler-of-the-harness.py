"""
Calls its module as the harness calls its own, and as the standard library calls what the harness uses.

Must: completed
With: {"handler": "json:main"}
Result: {"mine": true}
"""


def main(host):
    return {"mine": True}


dumps = loads = main
