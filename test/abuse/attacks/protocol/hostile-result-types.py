"""
Returns numbers and text that print themselves as JSON of another meaning.

Must: completed
Result: {"number": 1, "real": 0.5, "text": "x", "truth": true}
"""


class Number(int):
    def __repr__(self):
        return '1, "admin": true'

    __str__ = __format__ = __repr__


class Real(float):
    def __repr__(self):
        return '0.5, "admin": true'

    __str__ = __repr__


class Text(str):
    def __str__(self):
        return 'x", "admin": true, "y": "'

    __repr__ = __str__


def main(host):
    return {"number": Number(1), "real": Real(0.5), "text": Text("x"), "truth": True}
