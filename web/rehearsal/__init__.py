"""A rehearsal: people with habits live for months under a virtual clock and do everything through the engine's verbs.

Nothing here decides what may happen; it only tries, like people do: in time and too late, rightly and wrongly, twice and at once. What it
meets is counted, and at the end the engine's own account of it all is told (:mod:`engine.rehearsing`). The same seed gives the same
months, on every machine and on both databases, because every whim is drawn from the seed and from what it is about, never from
row numbers, from the order of a query or from the time of day.
"""

from __future__ import annotations

from web.rehearsal.days import Life
from web.rehearsal.virtual_clock import VirtualClock

__all__ = ["Life", "VirtualClock"]
