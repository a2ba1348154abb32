"""
Takes from the harness the function by which it ends a run's process.

Must: completed or failed timeout
With: {"timeout_seconds": 1}
"""

import os


def main(host):
    os._exit = lambda status: None
    return {}
