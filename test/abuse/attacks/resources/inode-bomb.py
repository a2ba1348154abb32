"""
Makes empty files without end: no byte, and yet memory of the kernel each.

Must: failed disk_full
"""


def main(host):
    number = 0
    while True:
        open(f"/tmp/{number}", "w").close()
        number += 1
