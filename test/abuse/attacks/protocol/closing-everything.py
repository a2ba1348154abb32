"""
Closes every descriptor, the harness's too, and returns.

Must: failed user_error
"""

import os


def main(host):
    os.closerange(0, 4096)
    return {}
