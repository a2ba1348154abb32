"""
Sleeps and says nothing.

Must: failed timeout
With: {"timeout_seconds": 1}
"""

import time


def main(host):
    time.sleep(3600)
