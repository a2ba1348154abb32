"""
Fills /tmp with data.

Must: failed disk_full
"""


def main(host):
    with open("/tmp/fill", "wb") as file:
        while True:
            file.write(bytes(1 << 20))
