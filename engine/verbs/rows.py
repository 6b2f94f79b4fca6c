"""The rows a verb locks, and the statements it writes with: the hot path's whole vocabulary of SQL on one page.

The texts are put together from the constants of this module when it is read; values only ever travel as parameters.
"""
# ruff: noqa: S608, SIM905

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine import model
from engine.batch import Statement, insert

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from engine.batch import Batch
    from engine.people.actor import Actor


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case as its row has it."""

    id: int
    case_no: str
    process_id: str
    definition_digest: str
    region_code: str
    household_no: str
    person_no: str | None
    subject_name: str
    summary: str
    status: str
    level: int
    revision: int
    state: bytes
    event_seq: int
    event_hash: str
    returns: int
    kin: str
    papers_digest: str
    decided: bool
    started_by: int
    opened_at: str


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task as its row has it, with the name of whoever claimed or closed it."""

    no: int
    element_id: str
    name: str
    level: int
    region_code: str
    role: str
    duty: str
    form: str
    list_name: str | None
    state: str
    claimed_by: int | None
    opened_at: str
    closed_at: str | None
    outcome: str | None
    closed_by: int | None
    limit_days: int | None
    due_at: str | None
    provisional: bool
    stage: str
    clock: str
    claimed_name: str | None = None
    closed_name: str | None = None


@dataclass(frozen=True, slots=True)
class TimerRow:
    """A due moment as its row has it."""

    no: int
    task_no: int | None
    element_id: str
    stage: str
    due_at: str
    state: str


CASE_FIELDS = (
    "id case_no process_id definition_digest region_code household_no person_no subject_name summary status level revision "
    "state event_seq event_hash returns kin papers_digest decided started_by opened_at"
).split()
TASK_FIELDS = (
    "no element_id name level region_code role duty form list_name state claimed_by opened_at closed_at outcome closed_by "
    "limit_days due_at provisional stage clock"
).split()
_CASE = ", ".join(f"c.{name}" for name in CASE_FIELDS)
_TASK = ", ".join(f"t.{name}" for name in TASK_FIELDS)
_NAMES = (
    "(SELECT p.name FROM person p WHERE p.id = t.claimed_by) AS claimed_name, "
    "(SELECT p.name FROM person p WHERE p.id = t.closed_by) AS closed_name"
)
_DUTY = "(SELECT d.duty FROM case_duty d WHERE d.case_id = c.id AND d.person_hash = :person_hash) AS held_duty"

_LOCK = "SELECT id FROM process_case WHERE id = :case_id FOR UPDATE"

READ_CASE = Statement(f"SELECT {_CASE}, {_DUTY} FROM process_case c WHERE c.id = :case_id")
# Who has lost the post, or was deactivated, since the page was asked for finds nothing to act on any more (DESIGN.md §3.1).
_STANDS = (
    "EXISTS (SELECT 1 FROM post o JOIN person a ON a.id = o.person_id WHERE o.id = :post_id AND o.person_id = :person_id "
    "AND o.role = :role AND o.region_code = :region_code AND o.from_date <= :today "
    "AND (o.to_date IS NULL OR o.to_date >= :today) AND a.deactivated_at IS NULL)"
)
LOCK_CASE = Statement(f"SELECT {_CASE}, {_DUTY} FROM process_case c WHERE c.id = :case_id AND {_STANDS}", lock=_LOCK)
READ_TASK = Statement(
    f"SELECT {_CASE}, {_DUTY}, {_TASK}, {_NAMES} FROM process_case c "
    "JOIN task t ON t.case_id = c.id AND t.no = :no WHERE c.id = :case_id"
)
LOCK_TASK = Statement(
    f"SELECT {_CASE}, {_DUTY}, {_TASK}, {_NAMES} FROM process_case c "
    "JOIN task t ON t.case_id = c.id AND t.no = :no WHERE c.id = :case_id "
    f"AND {_STANDS}",
    lock=_LOCK,
)
LOCK_TIMER = Statement(
    f"SELECT {_CASE}, NULL AS held_duty, w.no, w.task_no, w.element_id, w.stage, w.due_at, w.state "
    "FROM process_case c JOIN timer w ON w.case_id = c.id AND w.no = :no WHERE c.id = :case_id",
    lock=_LOCK,
)
SELECT_TASK = Statement(f"SELECT {_TASK}, {_NAMES} FROM task t WHERE t.case_id = :case_id AND t.no = :no")
OPEN_TASKS = Statement(
    f"SELECT {_TASK}, {_NAMES} FROM task t WHERE t.case_id = :case_id AND t.state = 'OPEN' ORDER BY t.no"
)
EARLIER_CLOCK = Statement(
    "SELECT t.clock, t.closed_at, t.outcome, t.form FROM task t WHERE t.case_id = :case_id AND t.element_id = :element_id "
    "AND t.state <> 'OPEN' ORDER BY t.no DESC LIMIT 1"
)

NEXT_NUMBER = Statement(
    "INSERT INTO case_counter (prefix, last_no) VALUES (:prefix, 1) "
    "ON CONFLICT (prefix) DO UPDATE SET last_no = case_counter.last_no + 1 RETURNING last_no"
)
UPDATE_CASE = Statement(
    "UPDATE process_case SET revision = :revision, state = :state, status = :status, level = :level, summary = :summary, "
    "event_seq = :event_seq, event_hash = :event_hash, returns = :returns, decided = :decided, ended_at = :ended_at, "
    "ended_by = :ended_by WHERE id = :id AND revision = :seen_revision"
)
PAPER_SLOTS = Statement("SELECT DISTINCT a.slot FROM attachment a WHERE a.case_id = :case_id AND a.replaced_at IS NULL")
UPDATE_PAPERS = Statement("UPDATE process_case SET papers_digest = :papers_digest WHERE id = :id")
CLOSE_TASK = Statement(
    "UPDATE task SET state = :state, outcome = :outcome, closed_by = :closed_by, closed_at = :closed_at "
    "WHERE case_id = :case_id AND no = :no AND state = 'OPEN'"
)
CLAIM_TASK = Statement(
    "UPDATE task SET claimed_by = :claimed_by, claimed_post = :claimed_post "
    "WHERE case_id = :case_id AND no = :no AND state = 'OPEN'"
)
MOVE_TASK = Statement(
    "UPDATE task SET role = :role, stage = :stage, claimed_by = NULL, claimed_post = NULL "
    "WHERE case_id = :case_id AND no = :no AND state = 'OPEN'"
)
STAGE_TASK = Statement("UPDATE task SET stage = :stage WHERE case_id = :case_id AND no = :no AND state = 'OPEN'")
INSERT_TASK = Statement(
    "INSERT INTO task (case_id, no, element_id, name, level, region_code, role, duty, form, list_name, state, opened_at, "
    "limit_days, due_at, provisional, stage, clock) VALUES (:case_id, :no, :element_id, :name, :level, :region_code, :role, "
    ":duty, :form, :list_name, 'OPEN', :opened_at, :limit_days, :due_at, :provisional, 'NONE', :clock)"
)
INSERT_TIMER = Statement(
    "INSERT INTO timer (case_id, no, task_no, element_id, stage, due_at, state, provisional) "
    "VALUES (:case_id, :no, :task_no, :element_id, :stage, :due_at, 'ARMED', :provisional)"
)
MOVE_TIMER = Statement(
    "UPDATE timer SET stage = :stage, due_at = :due_at, state = :state "
    "WHERE case_id = :case_id AND no = :no AND state = 'ARMED'"
)
CANCEL_TIMERS_OF_TASK = Statement(
    "UPDATE timer SET state = 'CANCELLED' WHERE case_id = :case_id AND task_no = :task_no AND state = 'ARMED'"
)
CANCEL_TIMER = Statement(
    "UPDATE timer SET state = 'CANCELLED' WHERE case_id = :case_id AND no = :no AND state = 'ARMED'"
)
SHELVE_TIMER = Statement("UPDATE timer SET state = 'FAILED' WHERE case_id = :case_id AND no = :no AND state = 'ARMED'")
UNSHELVE_TIMER = Statement(
    "UPDATE timer SET state = 'ARMED' WHERE case_id = :case_id AND no = :no AND state = 'FAILED'"
)
HOLD_DUTY = Statement(
    "INSERT INTO case_duty (case_id, person_hash, duty) VALUES (:case_id, :person_hash, :duty) "
    "ON CONFLICT (case_id, person_hash) DO UPDATE SET duty = excluded.duty WHERE case_duty.duty = excluded.duty"
)
INSERT_SIGNATURE = insert(
    model.signature,
    *(
        "case_id event_seq task_no person_id person_hash duty payload payload_digest algorithm key_id value signed_at"
    ).split(),
)
INSERT_EVENT = insert(model.audit_event, *"stream seq case_id kind at actor_id region_code body prev_hash hash".split())
INSERT_MESSAGE = Statement(
    "INSERT INTO message (dedupe_key, kind, case_id, task_no, role, region_code, person_id, content, created_at, state, "
    "attempts, next_at) VALUES (:dedupe_key, :kind, :case_id, :task_no, :role, :region_code, :person_id, :content, "
    ":created_at, 'OWED', 0, :next_at)"
)

_CASE_WIDTH = len(CASE_FIELDS)
LARGEST_KEY = 2**63 - 1
"""The largest number a key column holds; nothing has a larger one, and the databases do not even let us ask."""


def lock_case(batch: Batch, case_id: int, actor: Actor, today: date) -> tuple[CaseRow, str | None] | None:
    """Lock a case; return it with the duty this natural person holds on it.

    None where there is no such case, or where the actor's post has ended by now.
    """
    if not 0 < case_id <= LARGEST_KEY:
        return None
    found = batch.select(LOCK_CASE, {"case_id": case_id, **_who(actor, today)})
    if not found:
        return None
    row = found[0]
    return _case(row), row[_CASE_WIDTH]


def lock_task(
    batch: Batch, case_id: int, no: int, actor: Actor, today: date
) -> tuple[CaseRow, str | None, TaskRow] | None:
    """Lock a case for the sake of one of its tasks; None where there is no such task, or the actor's post has ended by now."""
    found = batch.select(LOCK_TASK, {"case_id": case_id, "no": no, **_who(actor, today)})
    if not found:
        return None
    return as_task(found[0])


def _who(actor: Actor, today: date) -> dict[str, Any]:
    return {
        "person_hash": actor.person_hash,
        "person_id": actor.person_id,
        "post_id": actor.post_id,
        "role": actor.role,
        "region_code": actor.region_code,
        "today": today.isoformat(),
    }


def lock_timer(batch: Batch, case_id: int, no: int) -> tuple[CaseRow, TimerRow] | None:
    """Lock a case for the sake of one of its due moments; None where there is no such moment."""
    found = batch.select(LOCK_TIMER, {"case_id": case_id, "no": no})
    if not found:
        return None
    row = found[0]
    return _case(row), TimerRow(*row[_CASE_WIDTH + 1 :])


def open_tasks(batch: Batch, case_id: int) -> tuple[TaskRow, ...]:
    """Return the open tasks of a case."""
    return tuple(TaskRow(*row) for row in batch.select(OPEN_TASKS, {"case_id": case_id}))


def task_row(batch: Batch, case_id: int, no: int) -> TaskRow | None:
    """Return one task of a case under lock."""
    found = batch.select(SELECT_TASK, {"case_id": case_id, "no": no})
    return TaskRow(*found[0]) if found else None


def as_case(row: Sequence[Any]) -> tuple[CaseRow, str | None]:
    """Return a row of READ_CASE as a case and the duty its reader holds on it."""
    return _case(row), row[_CASE_WIDTH]


def as_task(row: Sequence[Any]) -> tuple[CaseRow, str | None, TaskRow]:
    """Return a row of READ_TASK or LOCK_TASK as a case, the duty its reader holds on it, and the task."""
    return _case(row), row[_CASE_WIDTH], TaskRow(*row[_CASE_WIDTH + 1 :])


def _case(row: Sequence[Any]) -> CaseRow:
    return CaseRow(*row[:_CASE_WIDTH])
