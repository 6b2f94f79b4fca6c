"""One way to write a value down, so that the same fact always has the same bytes and the same digest.

This is RFC 8785 for the values we have: objects, arrays, text, integers, truth values and null. There are no floats: money is fen, ratios are
basis points, and a float would be written differently by different programs. Keys are sorted by UTF-16 code units; for the
characters below the surrogates, the only ones a name may have, that is Python's own order.
"""

from __future__ import annotations

import json
from typing import Any

LARGEST = 2**53 - 1
"""The largest integer every JSON reader keeps exactly."""


_FIRST_SURROGATE = "\ud800"


def canonical(value: Any) -> str:
    """Return the canonical JSON text of a value; TypeError for a float or a type that is not JSON, ValueError for too large a number."""
    _check(value)
    return _encoder.encode(value)


_encoder = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _check(value: Any) -> None:
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return
    if kind is int:
        if not -LARGEST <= value <= LARGEST:
            raise ValueError(f"Expected an integer within ±2**53, found {value}")
        return
    if kind is dict:
        for key, inner in value.items():
            if type(key) is not str or not (key.isascii() or max(key) < _FIRST_SURROGATE):
                raise TypeError(f"Expected names from the basic plane in a canonical object, found {key!r}")
            _check(inner)
        return
    if kind is list or kind is tuple:
        for inner in value:
            _check(inner)
        return
    raise TypeError(f"Expected a JSON value without floats, found {kind.__name__}: {value!r}")
