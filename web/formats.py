"""How moments, money and numbers look on a page: Asia/Shanghai, two decimals, the reader's language.

Inside, everything is aware UTC and integer fen (DESIGN.md §3.5, §3.6); this is the one place where they become text.
"""

from __future__ import annotations

from datetime import date, datetime

from engine.instants import SHANGHAI, from_text
from web.words import language, t

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_KILO = 1024


def money(fen: int | None) -> str:
    """Return an amount in yuan with two decimals and thousands marks: 1087122 → 10,871.22."""
    if fen is None:
        return ""
    sign = "−" if fen < 0 else ""
    yuan, rest = divmod(abs(fen), 100)
    return f"{sign}{yuan:,}.{rest:02d}"


def local(moment: datetime) -> datetime:
    """Return the moment on the clocks of China."""
    return moment.astimezone(SHANGHAI)


def moment(text: str | datetime) -> datetime:
    """Return the moment of a stored text, where a row comes as it is stored."""
    return text if isinstance(text, datetime) else from_text(text)


def stamp(at: datetime | None) -> str:
    """Return month, day and time for a list: 11-06 16:02."""
    return local(at).strftime("%m-%d %H:%M") if at else ""


def stamp_day(moment: datetime | None) -> str:
    """Return month and day for a list: 11-06."""
    return local(moment).strftime("%m-%d") if moment else ""


def full(moment: datetime | None) -> str:
    """Return the whole moment: 2018-11-06 16:02:17."""
    return local(moment).strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def iso_day(moment: datetime | date | None) -> str:
    """Return the day in full: 2018-11-06."""
    if isinstance(moment, datetime):
        moment = local(moment).date()
    return moment.isoformat() if moment else ""


def clock(moment: datetime | None) -> str:
    """Return the time of day: 16:02."""
    return local(moment).strftime("%H:%M") if moment else ""


def day(moment: datetime | None) -> str:
    """Return the day as one says it: 12月3日, 3 Dec."""
    if moment is None:
        return ""
    there = local(moment)
    return f"{there.day} {_MONTHS[there.month - 1]}" if language() == "en" else f"{there.month}月{there.day}日"


def due(moment: datetime | None) -> str:
    """Return a limit as one says it: 12月3日 17:30 前, by 3 Dec 17:30."""
    if moment is None:
        return ""
    return str(t("{day} {time} 前", "by {day} {time}", day=day(moment), time=clock(moment)))


def size(count: int) -> str:
    """Return a file's size in words: 812 B, 340 KB, 1.2 MB."""
    if count < _KILO:
        return f"{count} B"
    if count < _KILO * _KILO:
        return f"{count // _KILO} KB"
    return f"{count * 10 // (_KILO * _KILO) / 10:.1f} MB"


def grouped(digest: str) -> str:
    """Return the head and the tail of a digest in groups of four, as the sign sheet prints it: 7F3A 91C2 E04B … 5D18."""
    upper = digest.upper()
    return f"{upper[0:4]} {upper[4:8]} {upper[8:12]} … {upper[-4:]}" if len(upper) > 16 else upper  # noqa: PLR2004


FILTERS = {
    "moment": moment,
    "money": money,
    "stamp": stamp,
    "stamp_day": stamp_day,
    "full": full,
    "iso_day": iso_day,
    "clock": clock,
    "day": day,
    "due": due,
    "size": size,
    "grouped": grouped,
}
