"""
Ends its process behind the harness's back, as if all were well.

Must: failed user_error
Says: exit status 0
"""

import os


def main(host):
    os._exit(0)
