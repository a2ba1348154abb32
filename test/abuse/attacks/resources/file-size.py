"""
Makes one sparse file larger than any file may be.

Must: failed disk_full
Says: file's size
"""


def main(host):
    with open("/tmp/huge", "wb") as file:
        file.truncate(1 << 40)
