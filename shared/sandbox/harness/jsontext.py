"""
JSON by the standard library's own C code, without the modules around it: they import regular expressions, which take as
long to import as all of the harness, and a sandbox that starts for a run that waits has no use for them.
"""

from _json import encode_basestring, encode_basestring_ascii, make_encoder, make_scanner

SPACE = " \t\n\r"


def _refuse_constant(name):
    raise ValueError(f"{name} is not JSON")


class _Standard:
    """What the scanner asks of a decoder."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_int = int
    parse_float = float
    parse_constant = staticmethod(_refuse_constant)


def loads(text, parse_float=float):
    """The value of a JSON text; ValueError when it is none."""
    decoder = _Standard()
    decoder.parse_float = parse_float
    start = len(text) - len(text.lstrip(SPACE))
    try:
        value, end = make_scanner(decoder)(text, start)
    except StopIteration as stop:
        raise ValueError(f"no JSON at character {stop.value}") from None
    if text[end:].strip(SPACE):
        raise ValueError(f"more than one JSON value, at character {end}")
    return value


def _refuse_value(value):
    raise TypeError(f"{type(value).__name__} is not JSON")


def dumps(value, ascii_only=False):
    """JSON text of plain values: dicts with text for keys, lists, text, numbers, booleans, None."""
    text = encode_basestring_ascii if ascii_only else encode_basestring
    return "".join(make_encoder(None, _refuse_value, text, None, ": ", ", ", False, False, False)(value, 0))
