"""The clock of the tests: it stands still until it is moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engine.instants import SHANGHAI


class Clock:
    """A clock that is asked like a function and moves only when told to."""

    def __init__(self, start: datetime) -> None:
        self.now = start.astimezone(UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> None:
        """Move forward by days, hours, minutes."""
        self.now += timedelta(**span)

    def set(self, year: int, month: int, day: int, hour: int = 9, minute: int = 0) -> None:
        """Move to a moment of Chinese time."""
        self.now = datetime(year, month, day, hour, minute, tzinfo=SHANGHAI).astimezone(UTC)
