"""Between JSON text and Python values, exactly or not at all."""

import sys

from . import jsontext

MAX_DEPTH = 200
# No shorter number is infinite without an exponent.
LONG_DIGITS = 300


class Invalid(Exception):
    """A value that JSON cannot carry; `path` grows from the inside out."""

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason
        self.path = []

    def __str__(self):
        where = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in reversed(self.path))
        return f"result{where} {self.reason}"


def _finite_float(text):
    value = float(text)
    if value - value != 0:
        raise ValueError(f"{text[:40]} does not fit a float")
    return value


def _any_length(convert):
    """Long integers pass: Python's own limit on their digits is for servers, here the clock is the limit."""

    def converted(value):
        limit = sys.get_int_max_str_digits()
        sys.set_int_max_str_digits(0)
        try:
            return convert(value)
        finally:
            sys.set_int_max_str_digits(limit)

    return converted if hasattr(sys, "set_int_max_str_digits") else convert


@_any_length
def load_inputs(text):
    """The inputs as a dict; ValueError says what is wrong with them."""
    may_overflow = len(text) > LONG_DIGITS or "e" in text or "E" in text
    try:
        inputs = jsontext.loads(text, _finite_float if may_overflow else float)
    except RecursionError:
        raise ValueError("the inputs are nested too deeply for Python") from None
    except ValueError as error:
        raise ValueError(f"the inputs cannot be read: {error}") from None
    if not isinstance(inputs, dict):
        raise ValueError("the inputs are not a JSON object")
    return inputs


def _plain_array(array, depth):
    if array.dtype.kind not in "biufSUO":
        raise Invalid(f"is an array of {array.dtype}, which JSON cannot carry")
    return _plain(array.tolist(), depth)


def _plain_other(value, depth):
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        if isinstance(value, numpy.ndarray):
            return _plain_array(value, depth)
        if isinstance(value, numpy.floating):
            return _plain(float(value), depth)
        if isinstance(value, (numpy.integer, numpy.bool_)):
            return value.item()
    name = type(value).__name__
    raise Invalid(f"is of type {name}, which JSON cannot carry: return numbers, text, lists and dicts")


def _plain_dict(value, depth):
    plain, key = {}, ""
    try:
        for key, item in value.items():
            if not isinstance(key, str):
                raise Invalid(f"has the key {key!r:.80}: keys must be text")
            plain[key] = _plain(item, depth + 1)
    except Invalid as invalid:
        if isinstance(key, str):
            invalid.path.append(key)
        raise
    return plain


def _plain_list(value, depth):
    plain = []
    try:
        for item in value:
            plain.append(_plain(item, depth + 1))
    except Invalid as invalid:
        invalid.path.append(len(plain))
        raise
    return plain


def _plain(value, depth):
    """The value with NumPy's types made Python's own, or Invalid."""
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, float):
        if value - value != 0:
            raise Invalid(f"is {value}, which is not JSON: return None or leave it out")
        return value
    if depth > MAX_DEPTH:
        raise Invalid(f"is nested deeper than {MAX_DEPTH} levels, or holds itself")
    if isinstance(value, dict):
        return _plain_dict(value, depth)
    if isinstance(value, (list, tuple)):
        return _plain_list(value, depth)
    return _plain_other(value, depth)


@_any_length
def dump_result(value):
    """A function's return value as the bytes of `out/data.json`: a dict is the outputs, anything else is `result`."""
    try:
        plain = _plain(value, 0) if isinstance(value, dict) else {"result": _plain(value, 0)}
        text = jsontext.dumps(plain)
    except RecursionError:
        raise Invalid("is nested too deeply, or holds itself") from None
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return jsontext.dumps(plain, ascii_only=True).encode("ascii")  # lone surrogates survive as escapes
