"""
Returns a value that holds itself twice over: endless when it is written out.

Must: failed invalid_output
"""


def main(host):
    value = {}
    value["a"] = value["b"] = [value, value]
    return value
