"""
Opens files until it is refused.

Must: failed user_error
Says: limit of open files
"""


def main(host):
    kept = []
    while True:
        kept.append(open("/dev/null"))
