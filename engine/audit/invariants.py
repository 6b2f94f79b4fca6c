"""What must be true of the rows at any moment, whatever was done, in whatever order, whoever was killed in between.

The verbs keep these by construction and the tables by constraint; here they are asked for afterwards, of the rows
as they lie there. A nightly run, a test after every random walk and an auditor after an alarm read the same list.
Nothing is repaired here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, and_, func, or_, select

from engine.audit.agreement import differences
from engine.audit.replay import fold
from engine.instants import local_date, to_text
from engine.model import (
    audit_event,
    case_duty,
    ledger_entry,
    message,
    person,
    post,
    process_case,
    settlement,
    signature,
    task,
    timer,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_STUCK_AFTER_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that should never be: the rule's name, what it concerns, and what was found."""

    rule: str
    where: str
    found: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.where}: {self.found}"


def check_invariants(connection: Connection, now: datetime | None = None) -> list[Violation]:
    """Return everything that is not as it must be; with `now`, posts that have ended and overdue messages count too."""
    found: list[Violation] = []
    for check in _CHECKS:
        found.extend(check(connection, now))
    return found


def check_rows(connection: Connection) -> list[Violation]:
    """Return only what somebody must have changed behind the engine's back, not what merely has not been done yet."""
    return [violation for check in _ROW_CHECKS for violation in check(connection, None)]


def _cases_go_on(connection: Connection, _now: datetime | None) -> Iterator[Violation]:
    """An open case waits for somebody or for a moment; a closed one for nobody."""
    waiting = select(task.c.no).where(task.c.case_id == process_case.c.id, task.c.state == "OPEN").exists()
    mine = and_(timer.c.case_id == process_case.c.id, timer.c.state.in_(["ARMED", "PAUSED", "FAILED"]))
    armed = select(timer.c.no).where(mine).exists()
    # A limit watches somebody's task; only a moment the drawing itself waits for keeps a case going.
    drawn = select(timer.c.no).where(mine, timer.c.task_no.is_(None)).exists()
    case = select(process_case.c.case_no)
    for (case_no,) in connection.execute(case.where(process_case.c.status == "OPEN", ~waiting, ~drawn)):
        yield Violation("an open case waits for somebody", case_no, "no open task and no due moment")
    for (case_no,) in connection.execute(case.where(process_case.c.status != "OPEN", or_(waiting, armed))):
        yield Violation("a closed case waits for nobody", case_no, "an open task or an armed moment")


def _tasks_have_holders(connection: Connection, now: datetime | None) -> Iterator[Violation]:
    held = and_(post.c.role == task.c.role, post.c.region_code == task.c.region_code)
    if now is not None:
        today = local_date(now).isoformat()
        held = and_(held, post.c.from_date <= today, or_(post.c.to_date.is_(None), post.c.to_date >= today))
    statement = select(task.c.case_id, task.c.no, task.c.role, task.c.region_code).where(
        task.c.state == "OPEN", ~select(post.c.id).where(held).exists()
    )
    for row in connection.execute(statement):
        yield Violation(
            "a task has a holder", f"task {row.case_id}-{row.no}", f"nobody is {row.role} of {row.region_code}"
        )


def _tasks_are_open_once(connection: Connection, _now: datetime | None) -> Iterator[Violation]:
    statement = (
        select(task.c.case_id, task.c.element_id, func.count().label("count"))
        .where(task.c.state == "OPEN")
        .group_by(task.c.case_id, task.c.element_id)
        .having(func.count() > 1)
    )
    for row in connection.execute(statement):
        yield Violation("a step is open once", f"case {row.case_id} {row.element_id}", f"open {row.count} times")


def _moments_belong_to_open_tasks(connection: Connection, _now: datetime | None) -> Iterator[Violation]:
    watched = and_(task.c.case_id == timer.c.case_id, task.c.no == timer.c.task_no, task.c.state == "OPEN")
    statement = select(timer.c.case_id, timer.c.no).where(
        timer.c.state.in_(["ARMED", "PAUSED"]), timer.c.task_no.is_not(None), ~select(task.c.no).where(watched).exists()
    )
    for row in connection.execute(statement):
        yield Violation("a limit watches an open task", f"timer {row.case_id}-{row.no}", "its task is not open")


def _signatures_are_in_order(connection: Connection, _now: datetime | None) -> Iterator[Violation]:
    """Signatures follow each other in time, and each belongs to the done task of its signer."""
    statement = (
        select(
            signature.c.case_id,
            signature.c.event_seq,
            signature.c.signed_at,
            signature.c.person_id,
            task.c.state,
            task.c.closed_by,
        )
        .select_from(
            signature.outerjoin(task, and_(task.c.case_id == signature.c.case_id, task.c.no == signature.c.task_no))
        )
        .order_by(signature.c.case_id, signature.c.event_seq)
    )
    for case_id, rows in groupby(connection.execute(statement), key=lambda row: row.case_id):
        before = ""
        for row in rows:
            where = f"signature case:{case_id} #{row.event_seq}"
            if row.signed_at < before:
                yield Violation("signatures are in order", where, f"{row.signed_at} after {before}")
            if row.state != "DONE" or row.closed_by != row.person_id:
                yield Violation(
                    "a signature closes its signer's task", where, f"the task is {row.state}, by {row.closed_by}"
                )
            before = row.signed_at


def _one_duty_a_person(connection: Connection, _now: datetime | None) -> Iterator[Violation]:
    held = and_(case_duty.c.case_id == signature.c.case_id, case_duty.c.person_hash == signature.c.person_hash)
    statement = (
        select(signature.c.case_id, signature.c.event_seq, signature.c.duty, case_duty.c.duty.label("held"))
        .select_from(signature.outerjoin(case_duty, held))
        .where(or_(case_duty.c.duty.is_(None), case_duty.c.duty != signature.c.duty))
    )
    for row in connection.execute(statement):
        yield Violation(
            "one person, one duty on a case",
            f"signature case:{row.case_id} #{row.event_seq}",
            f"signed as {row.duty}, holds {row.held}",
        )


def _paid_once(connection: Connection, _now: datetime | None) -> Iterator[Violation]:
    """A case pays once, only while it stands, and no settlement is paid twice."""
    statement = (
        select(ledger_entry.c.case_id, ledger_entry.c.kind, func.count().label("count"))
        .where(ledger_entry.c.case_id.is_not(None))
        .group_by(ledger_entry.c.case_id, ledger_entry.c.kind)
        .having(func.count() > 1)
    )
    for row in connection.execute(statement):
        yield Violation("a case pays once", f"case {row.case_id} {row.kind}", f"{row.count} entries")
    ended = select(process_case.c.case_no, process_case.c.status).where(
        process_case.c.status.in_(["REJECTED", "WITHDRAWN", "NOTHING_TO_PAY"]),
        select(ledger_entry.c.id).where(ledger_entry.c.case_id == process_case.c.id).exists(),
    )
    for row in connection.execute(ended):
        yield Violation("only a case that was approved pays", row.case_no, f"it is {row.status} and has a ledger entry")
    freed = select(settlement.c.settlement_no, process_case.c.case_no).where(
        settlement.c.case_id == process_case.c.id,
        process_case.c.status.in_(["REJECTED", "WITHDRAWN", "NOTHING_TO_PAY"]),
    )
    for row in connection.execute(freed):
        yield Violation("an ended case holds no settlement", row.case_no, f"it still holds {row.settlement_no}")


def _nothing_owed_is_stuck(connection: Connection, now: datetime | None) -> Iterator[Violation]:
    stuck = or_(message.c.state == "FAILED", message.c.attempts > _STUCK_AFTER_ATTEMPTS)
    if now is not None:
        day = to_text(now)[:10]
        stuck = or_(stuck, and_(message.c.state == "OWED", message.c.next_at < day, message.c.created_at < day))
    for row in connection.execute(select(message.c.dedupe_key, message.c.state, message.c.attempts).where(stuck)):
        yield Violation(
            "what is owed is delivered", f"message {row.dedupe_key}", f"{row.state} after {row.attempts} attempts"
        )


def _rows_follow_events(connection: Connection, _now: datetime | None) -> Iterator[Violation]:
    """Cases, tasks and the ledger say what the sealed events say (RELIABILITY.md F32)."""
    cases = select(
        process_case.c.id,
        process_case.c.case_no,
        process_case.c.status,
        process_case.c.papers_digest,
        process_case.c.revision,
        process_case.c.event_seq,
        process_case.c.ended_by,
    ).order_by(process_case.c.id)
    for case in connection.execute(cases).all():
        bodies = connection.execute(
            select(audit_event.c.body).where(audit_event.c.stream == f"case:{case.id}").order_by(audit_event.c.seq)
        ).scalars()
        try:
            events = [json.loads(body) for body in bodies]
            frames = fold(events, {})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            yield Violation("a case's events can be read", case.case_no, f"{type(error).__name__}: {error}")
            continue
        rows = connection.execute(_tasks_of(case.id)).all()
        known = frames[-1].data if frames else {}
        for difference in differences(
            frames, status=case.status, papers_digest=case.papers_digest, tasks=rows, data=known
        ):
            yield Violation("rows follow events", case.case_no, difference.en)
        yield from _case_row(case, events)
        yield from _closed_tasks(case.case_no, events, rows)
        yield from _ledger(connection, case, known)


def _tasks_of(case_id: int) -> Any:
    name = select(person.c.name).where(person.c.id == task.c.claimed_by).scalar_subquery().label("claimed_name")
    return select(task, name).where(task.c.case_id == case_id)


def _case_row(case: Any, events: Sequence[Mapping[str, Any]]) -> Iterator[Violation]:
    if not events:
        return
    last = events[-1]
    ended = next((event["ended"]["by"] for event in events if "ended" in event), None)
    for column, wanted, had in (
        ("revision", last.get("revision"), case.revision),
        ("event_seq", last.get("seq"), case.event_seq),
        ("case_no", last.get("case"), case.case_no),
        ("ended_by", ended, case.ended_by),
    ):
        if wanted != had:
            yield Violation(
                "rows follow events", case.case_no, f"process_case.{column} is {had!r}, the events say {wanted!r}"
            )


def _closed_tasks(case_no: str, events: Sequence[Mapping[str, Any]], rows: Sequence[Any]) -> Iterator[Violation]:
    """A closed task says what the event that closed it says: how, by whom, when; and what the one that opened it said."""
    opened = {one["no"]: (one, event) for event in events for one in event.get("opened", ())}
    closed = {no: ("DONE", event) for event in events for no in event.get("closed", ())}
    closed.update({no: ("CANCELLED", event) for event in events for no in event.get("cancelled", ())})
    for no in sorted({*opened} - {row.no for row in rows}):
        yield Violation("rows follow events", case_no, f"task {no} is missing")
    for row in rows:
        if row.no not in opened:
            yield Violation("rows follow events", case_no, f"task {row.no} was opened by no event")
            continue
        told, opening = opened[row.no]
        state, event = closed.get(row.no, ("OPEN", None))
        wanted: dict[str, Any] = {
            "state": state,
            "element_id": told["element"],
            "name": told["name"],
            "level": told["level"],
            "region_code": told["region"],
            "limit_days": told.get("limit_days"),
            "opened_at": opening["at"],
            "closed_at": None if event is None else event["at"],
        }
        if state == "DONE" and event is not None:
            wanted["closed_by"] = event["actor"].get("person")
            if (event.get("task") or {}).get("no") == row.no:
                wanted["outcome"] = event.get("outcome") or None
        elif event is None or state == "CANCELLED":
            wanted["closed_by"] = wanted["outcome"] = None
        for column, value in wanted.items():
            if getattr(row, column) != value:
                yield Violation(
                    "rows follow events",
                    case_no,
                    f"task {row.no}: {column} is {getattr(row, column)!r}, the events say {value!r}",
                )


def _ledger(connection: Connection, case: Any, data: Mapping[str, Any]) -> Iterator[Violation]:
    """What was paid is what was decided."""
    entries = connection.execute(select(ledger_entry).where(ledger_entry.c.case_id == case.id)).all()
    for entry in entries:
        decided = data.get("aid_fen")
        if entry.amount_fen != decided:
            yield Violation(
                "the ledger pays what was decided",
                case.case_no,
                f"ledger_entry.amount_fen is {entry.amount_fen!r}, decided were {decided!r}",
            )
        if data.get("household_no") not in {None, entry.household_no}:
            yield Violation(
                "the ledger pays what was decided", case.case_no, f"ledger_entry.household_no is {entry.household_no!r}"
            )
    if "ledger_entry_no" in data and not entries:
        yield Violation("the ledger pays what was decided", case.case_no, "the entry that was made is missing")


_Check = Callable[[Connection, datetime | None], Iterator[Violation]]

_ROW_CHECKS: tuple[_Check, ...] = (_signatures_are_in_order, _one_duty_a_person, _paid_once, _rows_follow_events)
_CHECKS: tuple[_Check, ...] = (
    _cases_go_on,
    _tasks_have_holders,
    _tasks_are_open_once,
    _moments_belong_to_open_tasks,
    _nothing_owed_is_stuck,
    *_ROW_CHECKS,
)
