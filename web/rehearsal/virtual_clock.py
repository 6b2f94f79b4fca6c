"""The rehearsal's clock: it stands still until somebody takes time to do something."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from datetime import date

CHINA = ZoneInfo("Asia/Shanghai")
FIRST_DAY = datetime(2017, 3, 6, 8, 30, tzinfo=CHINA)
"""A Monday with 22 months of published calendar ahead."""


class VirtualClock:
    """A clock that is asked like a function and moves only forward."""

    def __init__(self, start: datetime = FIRST_DAY) -> None:
        self._now = start

    def __call__(self) -> datetime:
        """Return what time it is here."""
        return self._now

    @property
    def today(self) -> date:
        """The day it is in China."""
        return self._now.astimezone(CHINA).date()

    def take(self, seconds: int) -> None:
        """Let some time pass."""
        self._now += timedelta(seconds=seconds)

    def until(self, hour: int, minute: int = 0, *, days: int = 0) -> None:
        """Go on to a time of today, or of a later day; where it is past already, nothing happens."""
        moment = datetime.combine(self.today + timedelta(days=days), time(hour, minute), CHINA)
        self._now = max(self._now, moment)
