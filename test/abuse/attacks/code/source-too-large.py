"""
Sends a source of two megabytes.

Must: refused 413
Append: 2000000 × "#"
"""


def main(host):
    return {}
