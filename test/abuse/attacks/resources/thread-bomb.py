"""
Starts threads until it is refused.

Must: failed user_error
Says: limit
"""

import threading
import time


def main(host):
    while True:
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
