"""
Leaves ten thousand files: an object, a row and a signed URL each.

Must: failed output_too_large
Says: more than 1000
"""


def main(host):
    for number in range(10_000):
        open(f"/workspace/out/artifacts/{number}", "w").close()
