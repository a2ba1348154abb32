"""
Sends a source of a hundred thousand unary operators, which recurse in the compiler.

Must: failed user_error or failed out_of_memory or refused 422
Append: 500000 × "-"
"""


def main(host):
    return {}
