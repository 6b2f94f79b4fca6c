"""Moments as the database, the audit chain and the API write them.

One text form, `YYYY-MM-DDTHH:MM:SS.ffffffZ`, always UTC, always the same width: it sorts like time, a person can read it in a
row, it hashes the same on SQLite and PostgreSQL, and no driver can strip its zone. Local time is for templates and calendars.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def to_text(moment: datetime) -> str:
    """Return the stored form of an aware moment; a naive one raises ValueError, since its zone would be a guess."""
    if moment.tzinfo is None:
        raise ValueError(f"Expected an aware moment, found the naive {moment.isoformat()}")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def from_text(text: str) -> datetime:
    """Return the aware UTC moment of a stored text."""
    if not text.endswith("Z"):
        raise ValueError(f"Expected a UTC moment ending in Z, found {text!r}")
    return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)


def local_date(moment: datetime) -> date:
    """Return the calendar day in China on which an aware moment falls."""
    if moment.tzinfo is None:
        raise ValueError(f"Expected an aware moment, found the naive {moment.isoformat()}")
    return moment.astimezone(SHANGHAI).date()


def system_clock() -> datetime:
    """Return now, as the machine sees it; handed to the engine as its clock, never called elsewhere."""
    return datetime.now(UTC)
