"""
Sends a source with half of a surrogate pair, which no UTF-8 can hold.

Must: refused 422
Append: "# \ud800"
"""


def main(host):
    return {}
