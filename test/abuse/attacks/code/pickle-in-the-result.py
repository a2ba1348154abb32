"""
Returns an object that runs a program when it is unpickled, copied or compared.

Must: failed invalid_output
Says: of type Bomb
"""

import os


class Bomb:
    def __reduce__(self):
        return os.system, ("touch /tmp/owned",)

    __reduce_ex__ = lambda self, _: self.__reduce__()


def main(host):
    return {"bomb": Bomb()}
