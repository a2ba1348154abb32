"""
Has the platform show a secret as the task's error.

Must: failed user_error
"""

import os


def main(host):
    os.symlink(host["secret_file"], "/workspace/out/_error.json")
    os._exit(1)
