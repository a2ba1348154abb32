"""
Names an artifact with bytes that are no text.

Must: failed invalid_output
Says: not valid UTF-8
"""


def main(host):
    open(b"/workspace/out/artifacts/\xff\xfe.txt", "w").close()
