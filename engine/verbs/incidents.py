"""Accidents inside a process: written down where an administrator sees them, and tried again at their word.

The verb that met the accident has been rolled back whole; the case stands as if it had never been asked. What was asked is kept, so that a
retry is the same verb by the same person with the same values; only signatures need the person again (DESIGN.md §3.10).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, or_, select, update

from engine import model
from engine.audit.canonical import canonical
from engine.audit.writing import append
from engine.errors import EngineError, Message, NotFound, NotOpen
from engine.instants import local_date, to_text
from engine.people.jurisdiction import ADMINISTRATOR
from engine.verbs.rows import LARGEST_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

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
    _tell_administrators(connection, int(number), case_id, region, now)
    return int(number)


def _tell_administrators(connection: Connection, number: int, case_id: int | None, region: str, now: datetime) -> None:
    """Owe a message to each administrator's post whose jurisdiction covers the place; without a place, to all of them."""
    posts, cases, at = model.post, model.process_case, to_text(now)
    places = connection.execute(
        select(posts.c.region_code)
        .where(
            posts.c.role == ADMINISTRATOR,
            or_(posts.c.to_date.is_(None), posts.c.to_date >= local_date(now).isoformat()),
        )
        .distinct()
        .order_by(posts.c.region_code)
    ).scalars()
    case_no = None
    if case_id is not None:
        case_no = connection.execute(select(cases.c.case_no).where(cases.c.id == case_id)).scalar()
    # Only the numbers: the reason may hold a value of the case, and it stands in the incident.
    content = canonical({"case_no": case_no or f"#{number}", "incident": number})
    for place in places:
        if region and not region.startswith(place):
            continue
        connection.execute(
            insert(model.message).values(
                dedupe_key=f"incident-{number}-{place}",
                kind="incident",
                case_id=case_id,
                role=ADMINISTRATOR,
                region_code=place,
                content=content,
                created_at=at,
                state="OWED",
                next_at=at,
            )
        )


def resolve_incident(connection: Connection, incident_id: int, actor: Actor, now: datetime) -> None:
    """Mark an incident as dealt with; NotOpen when it was already."""
    row = find_incident(connection, incident_id, actor)
    if row.resolved_at is not None:
        raise NotOpen(Message("该故障已处理", "The incident has been dealt with already"))
    connection.execute(
        update(model.incident).where(model.incident.c.id == incident_id).values(resolved_at=to_text(now))
    )
    append(connection, "system", "incident_resolved", now, actor, row.region_code, incident=incident_id)


def within_reach(actor: Actor) -> ColumnElement[bool]:
    """Return which incidents an administrator deals with: those of their own place, and those of no place."""
    region = model.incident.c.region_code
    return or_(region == "", region.startswith(actor.region_code))


def find_incident(connection: Connection, incident_id: int, actor: Actor) -> Any:
    """Return an incident's row; NotFound where there is none within the actor's reach."""
    table = model.incident
    row = (
        connection.execute(select(table).where(table.c.id == incident_id, within_reach(actor))).one_or_none()
        if 0 < incident_id <= LARGEST_KEY
        else None
    )
    if row is None:
        raise NotFound(Message("没有这条故障记录", "There is no such incident"))
    return row
