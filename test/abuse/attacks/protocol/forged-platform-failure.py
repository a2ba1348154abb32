"""
Claims a failure that the platform tries again for free.

Must: failed user_error
"""

import json
import os


def main(host):
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, json.dumps({"code": "sandbox_error", "message": "not my fault"}).encode())
        except OSError:
            pass
    os._exit(1)
