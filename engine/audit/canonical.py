"""One way to write a value down, so that the same fact always has the same bytes and the same digest.

This is RFC 8785 for the values we have: objects, arrays, text, integers, truth values and null. There are no
floats: money is fen, ratios are basis points, and a float would be written differently by different programs. Keys
are sorted by UTF-16 code units; for the characters below the surrogates, the only ones a name may have, that is
Python's own order.

The text itself comes from the C encoder of the standard library, which would also write floats and names that are
numbers; so the value is looked through first. Names repeat from event to event, which is why a name is looked at
once and then remembered.
"""

from __future__ import annotations

import json
from typing import Any

LARGEST = 2**53 - 1
"""The largest integer every JSON reader keeps exactly."""

_FIRST_SURROGATE = "\ud800"
_PLAIN = frozenset({str, bool, type(None)})
_MOST_NAMES = 4096
_names: set[str] = set()


def canonical(value: Any) -> str:
    """Return the canonical JSON text of a value; TypeError for a float or a type that is not JSON, ValueError for too large a number."""
    kind = type(value)
    if kind is dict:
        _check_object(value)
    elif kind is list or kind is tuple:
        _check_array(value)
    elif kind not in _PLAIN:
        _check_number(value)
    return _encoder.encode(value)


_encoder = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False, check_circular=False
)
"""A value that holds itself never gets here: looking it through does not end (RecursionError)."""


def _check_object(value: dict[Any, Any]) -> None:
    for key, inner in value.items():
        if key not in _names:
            _check_name(key)
        kind = type(inner)
        if kind in _PLAIN:
            continue
        if kind is dict:
            _check_object(inner)
        elif kind is list or kind is tuple:
            _check_array(inner)
        else:
            _check_number(inner)


def _check_array(value: list[Any] | tuple[Any, ...]) -> None:
    for inner in value:
        kind = type(inner)
        if kind in _PLAIN:
            continue
        if kind is dict:
            _check_object(inner)
        elif kind is list or kind is tuple:
            _check_array(inner)
        else:
            _check_number(inner)


def _check_number(value: Any) -> None:
    if type(value) is not int:
        raise TypeError(f"Expected a JSON value without floats, found {type(value).__name__}: {value!r}")
    if not -LARGEST <= value <= LARGEST:
        raise ValueError(f"Expected an integer within ±2**53, found {value}")


def _check_name(key: Any) -> None:
    if type(key) is not str or not (key.isascii() or max(key) < _FIRST_SURROGATE):
        raise TypeError(f"Expected names from the basic plane in a canonical object, found {key!r}")
    if len(_names) < _MOST_NAMES:
        _names.add(key)
