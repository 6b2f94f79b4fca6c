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


def carried(value: Any, where: str = "data", depth: int = 0) -> Any:  # noqa: C901  (one branch per kind of value)
    """Return a copy of `value` that shares nothing with it; raises NotCarried for anything a case may not carry."""
    kind = type(value)
    if kind is str:
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise NotCarried(f"{where} holds text that cannot be written as UTF-8") from error
        return value
    if value is None or kind is bool:
        return value
    if kind is int:
        if not -_WIDEST_INTEGER <= value <= _WIDEST_INTEGER:
            raise NotCarried(f"{where} is a number beyond {_WIDEST_INTEGER}")
        return value
    if depth >= _DEEPEST:
        raise NotCarried(f"{where} is nested deeper than {_DEEPEST} levels")
    if kind is list or kind is tuple:
        return [carried(item, f"{where}[{index}]", depth + 1) for index, item in enumerate(value)]
    if kind is dict:
        for key in value:
            if type(key) is not str:
                raise NotCarried(f"{where} has the key {key!r}, which is not text")
        return {carried(key, where): carried(item, f"{where}.{key}", depth + 1) for key, item in value.items()}
    raise NotCarried(
        f"{where} is {value!r}, a {kind.__name__}; expected text, a whole number, true, false, a list or a dictionary"
    )
