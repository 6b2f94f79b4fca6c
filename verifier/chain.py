"""The rules of one audit event: its hash, its place in its stream, and what its columns must say.

A stream (a case, a person, the system) is a chain: the hash of an event covers the hash before it and the whole
body. The columns beside the body are there to be searched by; each of them is found again in the body or follows
from it, so that not one byte of a row can be changed unnoticed.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any, NamedTuple

GENESIS = "0" * 64
"""What stands before the first event of a stream."""

_CASE = "case:"


class Problem(NamedTuple):
    """Something that does not hold: which record, and what was found, in Chinese and in English."""

    where: str
    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.where}: {self.zh} · {self.en}"


class EventRow(NamedTuple):
    """An audit event as it is stored."""

    stream: str
    seq: int
    case_id: int | None
    kind: str
    at: str
    actor_id: int | None
    region_code: str
    body: str
    prev_hash: str
    hash: str

    @property
    def where(self) -> str:
        """Return how a report names this event."""
        return f"audit_event {self.stream} #{self.seq}"


class Link(NamedTuple):
    """The event before: its number in the stream and its hash."""

    seq: int
    hash: str


START = Link(0, GENESIS)


def seal(prev_hash: str, body: str) -> str:
    """Return the hash of an event: SHA-256 over a version tag, the hash before it and its body."""
    return sha256(as_stored(f"bangfu-event-v1\n{prev_hash}\n{body}")).hexdigest()


def as_stored(text: str) -> bytes:
    """Return the bytes of a text as they lie there; what is no UTF-8 any more came as escaped surrogates and goes back."""
    return text.encode("utf-8", "surrogateescape")


def check_event(row: EventRow, before: Link, problems: list[Problem]) -> dict[str, Any]:
    """Check one event against the one before it, add what does not hold, and return its body ({} where it cannot be read)."""
    check_link(row, before, problems)
    try:
        body = json.loads(row.body)
    except (TypeError, ValueError):
        body = None
    if not isinstance(body, dict):
        problems.append(Problem(row.where, "内容无法读取", "the body cannot be read"))
        return {}
    _check_columns(row, body, problems)
    return body


def check_link(row: EventRow, before: Link, problems: list[Problem]) -> None:
    """Check an event's number, the hash before it and its own hash."""
    if row.seq != before.seq + 1:
        problems.append(
            Problem(
                row.where,
                f"编号不连续:应为第 {before.seq + 1} 号,实为第 {row.seq} 号(有事件缺失或被移动)",
                f"expected number {before.seq + 1}, found {row.seq}: an event is missing or was moved",
            )
        )
    if row.prev_hash != before.hash:
        problems.append(
            Problem(
                row.where,
                "前一条哈希与前一事件不符",
                "prev_hash does not match the event before it",
            )
        )
    if not isinstance(row.body, str) or not isinstance(row.prev_hash, str) or seal(row.prev_hash, row.body) != row.hash:
        problems.append(Problem(row.where, "内容与哈希不符", "the hash does not match the body"))


def _check_columns(row: EventRow, body: dict[str, Any], problems: list[Problem]) -> None:
    actor = body.get("actor")
    said = (
        body.get("stream"),
        body.get("seq"),
        body.get("kind"),
        body.get("at"),
        body.get("region"),
        actor.get("person") if isinstance(actor, dict) else None,
        case_of(row.stream, body),
    )
    found = (row.stream, row.seq, row.kind, row.at, row.region_code, row.actor_id, row.case_id)
    if said == found:
        return
    for name, wanted, value in zip(_COLUMNS, said, found, strict=True):
        if wanted != value:
            problems.append(
                Problem(
                    row.where,
                    f"{name} 列与内容不符:内容为 {wanted!r},列为 {value!r}",
                    f"column {name} is {value!r}, but the sealed body says {wanted!r}",
                )
            )


_COLUMNS = ("stream", "seq", "kind", "at", "region_code", "actor_id", "case_id")


def case_of(stream: str, body: dict[str, Any]) -> int | None:
    """Return the case an event is about: its stream's own, or the one its body names."""
    if not isinstance(stream, str):
        return None  # SQLite keeps whatever a hand puts in, bytes for text too
    if stream.startswith(_CASE):
        number = stream[len(_CASE) :]
        return int(number) if number.isascii() and number.isdigit() else None
    found = body.get("case_id")
    return found if isinstance(found, int) else None
