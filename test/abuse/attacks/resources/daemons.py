"""
Leaves processes behind that have cut every tie to it.

Must: completed
"""

import os
import time


def main(host):
    for _ in range(10):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.chdir("/")
                for descriptor in range(64):
                    try:
                        os.close(descriptor)
                    except OSError:
                        pass
                time.sleep(3600)
            os._exit(0)
    return {}
