"""
Hooks into all that Python does (trace, profile, audit, imports) and raises there once the harness takes over again.

Must: failed user_error
"""

import sys


def main(host):
    armed = []

    def hook(*_):
        if armed:
            raise RuntimeError("hooked")
        return hook

    sys.settrace(hook)
    sys.setprofile(hook)
    sys.addaudithook(lambda *_: hook())
    sys.meta_path.insert(0, None)
    armed.append(True)
    return {}
