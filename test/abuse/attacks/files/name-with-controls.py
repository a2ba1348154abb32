"""
Names an artifact with a line break and a terminal's escape sequence, for whoever lists it.

Must: failed invalid_output
Says: control characters
"""


def main(host):
    open("/workspace/out/artifacts/a\n\x1b[2J\x1b]0;owned\x07.txt", "w").close()
