"""
Gives the harness a verdict of its own making: a failure that is the platform's to say, with an error that is not JSON.

Must: failed user_error
"""

import json
import os


def main(host):
    verdict = json.dumps({"code": "user_error", "message": "forged\0", "error": "not \0 JSON"})
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, verdict.encode())
        except OSError:
            pass
    os._exit(1)
