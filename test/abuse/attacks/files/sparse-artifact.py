"""
Leaves a file of 900 MB that takes no room here and all of it in the object store.

Must: failed output_too_large
"""


def main(host):
    with open("/workspace/out/artifacts/holes", "wb") as file:
        file.truncate(900 << 20)
