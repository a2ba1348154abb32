"""
Sends a source that is nested too deeply for any parser.

Must: failed user_error or refused 422
Append: 100000 × "("
"""


def main(host):
    return {}
