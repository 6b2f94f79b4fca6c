"""Chance that can be repeated: every whim is drawn from the seed and from what it is about.

Nothing is drawn from one long sequence, so a decision more or less somewhere does not change everybody else's life; and
nothing depends on row numbers, which differ from one database to the next.
"""

from __future__ import annotations

import random
from typing import Any


class Whims:
    """The chances of one rehearsal."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def about(self, *subject: Any) -> random.Random:
        """Return the chances of one matter: the same for the same seed and subject, whoever asks and whenever."""
        return random.Random("|".join(map(str, (self._seed, *subject))))  # noqa: S311  (whims, no secrets)
