"""What a case may carry, so that it comes back from storage exactly as it went in.

None, true, false, whole numbers, text, and lists and dictionaries of these. No fraction (no float decides anything, and NaN makes
every comparison false), no text that UTF-8 cannot write, no key that is not text, and nothing nested so deep that reading it back
could fail.
"""

from __future__ import annotations

from typing import Any

_DEEPEST = 32
_WIDEST_INTEGER = 10**18


class NotCarried(ValueError):  # noqa: N818  (it says what is wrong with a value)
    """A value cannot be part of a case; the text says where it stands and what it is."""


def carried(value: Any, where: str = "data", depth: int = 0) -> Any:
    """Return a copy of `value` that shares nothing with it; raises NotCarried for anything a case may not carry."""
    if depth >= _DEEPEST and type(value) in _NESTS:
        raise NotCarried(f"{where} is nested deeper than {_DEEPEST} levels")
    kind = type(value)
    if kind is dict:
        kept: Any = {}
        for key, item in value.items():
            if type(key) is not str:
                raise NotCarried(f"{where} has the key {key!r}, which is not text")
            if not key.isascii():
                _plain(key, where)
            inner = type(item)
            if (
                inner in _SIMPLE
                or (inner is str and item.isascii())
                or (inner is int and -_WIDEST_INTEGER <= item <= _WIDEST_INTEGER)
            ):
                kept[key] = item
            else:
                kept[key] = carried(item, f"{where}.{key}", depth + 1)
        return kept
    if kind is list or kind is tuple:
        return [carried(item, f"{where}[{index}]", depth + 1) for index, item in enumerate(value)]
    return _plain(value, where)


def _plain(value: Any, where: str) -> Any:
    """Return a value that holds no others; raises NotCarried."""
    kind = type(value)
    if kind is str:
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise NotCarried(f"{where} holds text that cannot be written as UTF-8") from error
        return value
    if kind in _SIMPLE:
        return value
    if kind is int:
        if not -_WIDEST_INTEGER <= value <= _WIDEST_INTEGER:
            raise NotCarried(f"{where} is a number beyond {_WIDEST_INTEGER}")
        return value
    raise NotCarried(
        f"{where} is {value!r}, a {kind.__name__}; expected text, a whole number, true, false, a list or a dictionary"
    )


def copied(value: Any) -> Any:
    """Return a copy of a value a case carries already; it shares no list and no dictionary with it."""
    kind = type(value)
    if kind is dict:
        copy = dict(value)
        if not _NESTS.isdisjoint(map(type, value.values())):
            for key, item in value.items():
                if type(item) in _NESTS:
                    copy[key] = copied(item)
        return copy
    if kind is list or kind is tuple:
        return [copied(item) if type(item) in _NESTS else item for item in value]
    return value


def same(left: Any, right: Any) -> bool:
    """Say whether two values a case carries are the same to the last type: 1 is not true, here as in the database."""
    if left is right:
        return True
    if type(left) is not type(right) or left != right:
        return False
    if type(left) is dict:
        kinds = [*map(type, left.values())]
        if kinds != [*map(type, map(right.__getitem__, left))]:
            return False
        return _NESTS.isdisjoint(kinds) or all(
            same(item, right[key]) for key, item in left.items() if type(item) in _NESTS
        )
    if type(left) is list:
        return all(map(same, left, right))
    return True


_SIMPLE = frozenset({bool, type(None)})
_NESTS = frozenset({dict, list, tuple})
