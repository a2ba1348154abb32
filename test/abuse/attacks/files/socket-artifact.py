"""
Leaves a socket among its files.

Must: failed invalid_output
Says: not a regular file
"""

import socket


def main(host):
    socket.socket(socket.AF_UNIX).bind("/workspace/out/artifacts/socket")
