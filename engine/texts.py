"""Which characters a text may have: those that both databases keep, that hash the same everywhere, and that a person can read."""

from __future__ import annotations

import re

_UNKEPT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def can_be_kept(text: str) -> bool:
    """Say whether a text has neither control characters (tabs and new lines aside) nor halves of characters."""
    return _UNKEPT.search(text) is None
