"""The brake on guessing passwords: how many wrong ones an account or an address may give (RELIABILITY.md F20).

A try is counted before the password is looked at and given back when it was right, so that a hundred tries at the same moment are still a
hundred tries. After the last one allowed there is a pause of a quarter of an hour, never longer and never lengthened by knocking: a
stranger can slow a clerk down but not shut her out. Unknown accounts are counted just like known ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy.dialects import postgresql, sqlite

from engine.errors import Message, NotPermitted
from engine.instants import from_text, to_text
from engine.model import login_throttle

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

WINDOW = timedelta(minutes=15)
PER_ACCOUNT = 5
PER_ADDRESS = 60
"""A whole township office may sit behind one address."""


@dataclass(frozen=True, slots=True)
class Tries:
    """How often one subject may fail before it pauses."""

    subject: str
    allowed: int


def account(staff_no: str) -> Tries:
    """Return the limit of an account, known or not; the name is hashed because anything at all may have been typed."""
    return Tries(f"account:{sha256(staff_no.lower().encode('utf-8', 'replace')).hexdigest()}", PER_ACCOUNT)


def address(client_address: str) -> Tries:
    """Return the limit of a network address."""
    return Tries(f"address:{sha256(client_address.encode('utf-8', 'replace')).hexdigest()}", PER_ADDRESS)


def count_try(connection: Connection, tries: Tries, now: datetime) -> bool:
    """Count one try and say whether it was the last one allowed; NotPermitted while the subject pauses."""
    columns = login_throttle.c
    start = {"subject": tries.subject, "failures": 0, "window_started_at": to_text(now)}
    maker = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    # One statement makes or locks the row: between two, somebody who proved themselves could take it away (`forget`).
    counted = maker(login_throttle).values(start)
    counted = counted.on_conflict_do_update(index_elements=[columns.subject], set_={"subject": tries.subject})
    row = connection.execute(counted.returning(login_throttle)).one()
    if row.blocked_until is not None and to_text(now) < row.blocked_until:
        raise pausing(from_text(row.blocked_until), now)
    # The window runs from the last failure: any quarter of an hour then holds at most so many tries.
    is_over = row.blocked_until is not None or now - from_text(row.window_started_at) > WINDOW
    failures = 1 if is_over else row.failures + 1
    is_last = failures >= tries.allowed
    values = {
        "failures": failures,
        "window_started_at": to_text(now),
        "blocked_until": to_text(now + WINDOW) if is_last else None,
    }
    connection.execute(login_throttle.update().where(columns.subject == tries.subject).values(values))
    return is_last


def forget(connection: Connection, tries: Tries) -> None:
    """Start anew for a subject that proved itself."""
    connection.execute(login_throttle.delete().where(login_throttle.c.subject == tries.subject))


def give_back(connection: Connection, tries: Tries) -> None:
    """Take back the one try that turned out right; the others stay counted, or one's own account would hide one's guessing."""
    columns = login_throttle.c
    connection.execute(
        login_throttle.update()
        .where(columns.subject == tries.subject, columns.failures > 0)
        .values(failures=columns.failures - 1, blocked_until=None)
    )


def sweep(connection: Connection, now: datetime) -> int:
    """Delete counters that no longer matter and return how many there were."""
    limit = to_text(now - WINDOW)
    return connection.execute(login_throttle.delete().where(login_throttle.c.window_started_at < limit)).rowcount


def pausing(until: datetime, now: datetime) -> NotPermitted:
    """Return the refusal of a subject that pauses, with the time left."""
    minutes = max(1, -(-int((until - now).total_seconds()) // 60))
    return NotPermitted(
        Message(
            f"输错次数过多，请 {minutes} 分钟后再试", f"Too many wrong tries; please try again in {minutes} minutes"
        ),
        rule="throttled",
    )
