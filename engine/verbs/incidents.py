"""Accidents inside a process: written down where an administrator sees them, and tried again at their word.

The verb that met the accident has been rolled back whole; the case stands as if it had never been asked. What was asked is kept, so that a
retry is the same verb by the same person with the same values; only signatures need the person again (DESIGN.md §3.10).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from engine import model
from engine.audit.canonical import canonical
from engine.audit.writing import append
from engine.errors import EngineError, Message, NotFound, NotOpen
from engine.instants import to_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from engine.people.actor import Actor


class Accident(EngineError):  # noqa: N818  (the word of DESIGN.md: a refusal is an answer, an accident is ours)
    """An accident that has been written down; `incident_id` is the number the person is told."""

    def __init__(self, error: EngineError, incident_id: int) -> None:
        super().__init__(error.element_id, error.reason)
        self.incident_id = incident_id


def raise_incident(
    connection: Connection,
    *,
    verb: str,
    subject: Mapping[str, Any],
    case_id: int | None,
    error: EngineError,
    actor: Actor | None,
    now: datetime,
) -> int:
    """Write an accident down, or count one more attempt at the same thing; return its number."""
    table = model.incident
    text = canonical(dict(subject))
    known = connection.execute(
        select(table.c.id).where(
            table.c.resolved_at.is_(None),
            table.c.verb == verb,
            table.c.subject == text,
            table.c.element_id == error.element_id,
        )
    ).scalar()
    if known is not None:
        connection.execute(
            update(table).where(table.c.id == known).values(attempts=table.c.attempts + 1, reason=error.reason)
        )
        return int(known)
    region = ""
    if case_id is not None:
        cases = model.process_case
        region = connection.execute(select(cases.c.region_code).where(cases.c.id == case_id)).scalar() or ""
    number = connection.execute(
        insert(table)
        .values(
            case_id=case_id,
            region_code=region,
            verb=verb,
            subject=text,
            element_id=error.element_id,
            reason=error.reason,
            occurred_at=to_text(now),
            attempts=1,
        )
        .returning(table.c.id)
    ).scalar_one()
    append(
        connection,
        "system",
        "incident_raised",
        now,
        actor,
        region,
        incident=int(number),
        verb=verb,
        case_id=case_id,
        element=error.element_id,
        reason=error.reason,
    )
    return int(number)


def resolve_incident(connection: Connection, incident_id: int, actor: Actor, now: datetime) -> None:
    """Mark an incident as dealt with; NotOpen when it was already."""
    row = find_incident(connection, incident_id)
    if row.resolved_at is not None:
        raise NotOpen(Message("该故障已处理", "The incident has been dealt with already"))
    connection.execute(
        update(model.incident).where(model.incident.c.id == incident_id).values(resolved_at=to_text(now))
    )
    append(connection, "system", "incident_resolved", now, actor, row.region_code, incident=incident_id)


def find_incident(connection: Connection, incident_id: int) -> Any:
    """Return an incident's row; NotFound where there is none."""
    row = connection.execute(select(model.incident).where(model.incident.c.id == incident_id)).one_or_none()
    if row is None:
        raise NotFound(Message("没有这条故障记录", "There is no such incident"))
    return row
