"""What is owed, handed out for delivery and settled: the engine's side of :mod:`notifications.delivery`.

A message is a row written in the transaction of the deed. Taking it leases it: it is owed again at the end of the lease, so a worker
that dies loses nothing and two workers never hold the same one. Who is addressed is looked up at the moment of taking, because a
post may have changed hands since. Each verb is one transaction and may be repeated.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from engine import model
from engine.instants import from_text, local_date, to_text
from engine.people.posts import holders

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from sqlalchemy import Connection

    from engine.database import Database


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person a message reaches, and the body whose post they hold."""

    person_id: int
    staff_no: str
    reason: str


@dataclass(frozen=True, slots=True)
class OwedMessage:
    """A message leased to one round of delivery; `sent` and `failed` are (person, channel) pairs of earlier rounds."""

    key: str
    kind: str
    case_id: int | None
    task_no: int | None
    content: Mapping[str, Any]
    created_at: datetime
    attempts: int
    recipients: tuple[Recipient, ...]
    sent: frozenset[tuple[int, str]]
    failed: frozenset[tuple[int, str]]


class Outbox:
    """The door for the delivery; it sees only the message, notice and delivery tables."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def take_messages(self, *, now: datetime, limit: int, lease_seconds: int) -> tuple[OwedMessage, ...]:
        """Lease the messages owed at `now`, oldest first, until the lease ends, and with each what else its case owes."""
        table = model.message
        due = (table.c.state == "OWED", table.c.next_at <= to_text(now))
        order = (table.c.next_at, table.c.created_at, table.c.dedupe_key)
        with self.database.transaction() as connection:
            statement = select(table).where(*due).order_by(*order).with_for_update(skip_locked=True)
            rows = list(connection.execute(statement.limit(limit)))
            # What else is owed about the same cases comes along, so that the stages of one delay are judged together.
            cases = {row.case_id for row in rows if row.case_id is not None}
            known = [row.dedupe_key for row in rows]
            rows += connection.execute(statement.where(table.c.case_id.in_(cases), table.c.dedupe_key.not_in(known)))
            if not rows:
                return ()
            connection.execute(
                update(table)
                .where(table.c.dedupe_key.in_([row.dedupe_key for row in rows]))
                .values(attempts=table.c.attempts + 1, next_at=to_text(now + timedelta(seconds=lease_seconds)))
            )
            return tuple(self._message(connection, row, now) for row in rows)

    def post_notice(self, message_key: str, *, person_id: int, now: datetime, **values: Any) -> None:
        """Write a notice into a person's notice centre; the same one again changes nothing."""
        table = model.notice
        key = f"{message_key}:{person_id}"
        with self.database.transaction() as connection:
            if connection.execute(select(table.c.id).where(table.c.dedupe_key == key)).first() is None:
                connection.execute(
                    insert(table).values(dedupe_key=key, person_id=person_id, created_at=to_text(now), **values)
                )

    def begin_delivery(self, message_key: str, *, person_id: int, channel: str, message_id: str, now: datetime) -> None:
        """Note that a sending is about to happen."""
        table = model.delivery
        noted = {"message_id": message_id, "state": "SENDING", "attempted_at": to_text(now), "error": None}
        with self.database.transaction() as connection:
            if not connection.execute(
                update(table).where(*_one(message_key, person_id, channel)).values(noted)
            ).rowcount:
                connection.execute(
                    insert(table).values(message_key=message_key, person_id=person_id, channel=channel, **noted)
                )

    def end_delivery(self, message_key: str, *, person_id: int, channel: str, state: str, error: str | None) -> None:
        """Note how a sending ended: SENT, FAILED, or SENDING still, with the error of this attempt."""
        with self.database.transaction() as connection:
            connection.execute(
                update(model.delivery).where(*_one(message_key, person_id, channel)).values(state=state, error=error)
            )

    def settle_message(self, message_key: str, *, state: str, next_at: datetime, error: str | None) -> None:
        """Close a message as SENT or FAILED, or leave it OWED until `next_at`; a settled one stays as it is."""
        table = model.message
        with self.database.transaction() as connection:
            connection.execute(
                update(table)
                .where(table.c.dedupe_key == message_key, table.c.state == "OWED")
                .values(state=state, next_at=to_text(next_at), last_error=error)
            )

    def _message(self, connection: Connection, row: Any, now: datetime) -> OwedMessage:
        table = model.delivery
        done = connection.execute(
            select(table.c.person_id, table.c.channel, table.c.state).where(table.c.message_key == row.dedupe_key)
        ).all()
        return OwedMessage(
            key=row.dedupe_key,
            kind=row.kind,
            case_id=row.case_id,
            task_no=row.task_no,
            content=json.loads(row.content),
            created_at=from_text(row.created_at),
            attempts=row.attempts + 1,
            recipients=_recipients(connection, row, local_date(now)),
            sent=frozenset((d.person_id, d.channel) for d in done if d.state == "SENT"),
            failed=frozenset((d.person_id, d.channel) for d in done if d.state == "FAILED"),
        )


def _one(message_key: str, person_id: int, channel: str) -> tuple[Any, ...]:
    table = model.delivery
    return table.c.message_key == message_key, table.c.person_id == person_id, table.c.channel == channel


def _recipients(connection: Connection, row: Any, today: date) -> tuple[Recipient, ...]:
    if row.person_id is not None:
        person = model.person
        found = connection.execute(
            select(person.c.id, person.c.staff_no).where(
                person.c.id == row.person_id, person.c.deactivated_at.is_(None)
            )
        ).all()
        return tuple(Recipient(one.id, one.staff_no, "") for one in found)
    # Whoever holds the post at this moment; somebody who holds it twice is told once.
    people = {one.person_id: one for one in reversed(holders(connection, row.role, row.region_code, today))}
    return tuple(Recipient(one.person_id, one.staff_no, one.body) for _, one in sorted(people.items()))
