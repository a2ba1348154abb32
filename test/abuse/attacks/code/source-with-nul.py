"""
Sends a source with a zero byte, where C's readers stop and others go on.

Must: refused 422
Append: "\u0000"
"""


def main(host):
    return {}
