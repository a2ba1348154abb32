"""
Leaves an error file that is not JSON, which the platform passes on to the letter.

Must: failed user_error
"""

import os


def main(host):
    with open("/workspace/out/_error.json", "w") as file:
        file.write('{"error": "half of\0 it')
    os._exit(1)
