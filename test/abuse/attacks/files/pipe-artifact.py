"""
Leaves a named pipe among its files: whoever opens it waits for ever.

Must: failed invalid_output
Says: not a regular file
"""

import os


def main(host):
    os.mkfifo("/workspace/out/files/mesh.vtk")
