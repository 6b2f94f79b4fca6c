"""The inbox of a post: what may be dealt with here, most urgent first, told so that one knows whether to open it.

One index answers it (role, jurisdiction, due moment; open tasks only), whatever the number of cases in the province. Counting is of this
post's own tasks, never of all rows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, exists, func, or_, select

from engine import model
from engine.deadlines.stages import Stage
from engine.errors import Message
from engine.instants import SHANGHAI, from_text, local_date, to_text
from engine.people.jurisdiction import visible_range
from engine.people.levels import Level
from engine.reading.limits import NO_LIMIT, limit_view
from engine.texts import can_be_kept
from engine.verbs.task_ids import task_id_of
from engine.views import FilterCount, InboxPage, InboxRow, OpinionView

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Row, Select

    from engine.ground import Ground
    from engine.people.actor import Actor

PAGE_SIZE = 20

_TASK = model.task
_CASE = model.process_case

FILTERS: tuple[tuple[str, Message], ...] = (
    ("all", Message("全部", "All")),
    ("red", Message("红牌", "Red card")),
    ("yellow", Message("黄牌", "Yellow card")),
    ("today", Message("今日到期", "Due today")),
    ("near", Message("临期", "Due soon")),
    ("returned", Message("退回过", "Returned before")),
    ("mine", Message("我领取的", "Claimed by me")),
    ("paused", Message("暂停", "Clock stopped")),
)


@dataclass(frozen=True, slots=True)
class _Today:
    """The first and the last moment of today in China, as stored text."""

    begin: str
    end: str

    @classmethod
    def at(cls, now: datetime) -> _Today:
        day = local_date(now)
        begin = datetime.combine(day, time(), SHANGHAI)
        return cls(to_text(begin), to_text(begin + timedelta(days=1)))


def _condition(name: str, actor: Actor, today: _Today) -> ColumnElement[bool]:
    late = (Stage.RED.value, Stage.TAKEOVER.value, Stage.UPPER2.value)
    conditions: dict[str, ColumnElement[bool]] = {
        "all": _TASK.c.case_id == _TASK.c.case_id,
        "red": _TASK.c.stage.in_(late),
        "yellow": and_(
            _TASK.c.stage.not_in(late), or_(_TASK.c.stage == Stage.YELLOW.value, _TASK.c.due_at < today.begin)
        ),
        "today": and_(_TASK.c.due_at >= today.begin, _TASK.c.due_at < today.end),
        "near": and_(_TASK.c.stage == Stage.REMIND.value, _TASK.c.due_at >= today.end),
        "returned": _CASE.c.returns > 0,
        "mine": _TASK.c.claimed_by == actor.person_id,
        "paused": _TASK.c.clock.like('%,null,"%'),
    }
    return conditions[name]


def inbox(ground: Ground, connection: Connection, actor: Actor, *, chosen: str, page: int) -> InboxPage:
    """Return one page of the open tasks of the actor's post, with the counts of every filter."""
    now = ground.clock()
    today = _Today.at(now)
    known = {name for name, _ in FILTERS}
    chosen = chosen if chosen in known else "all"
    counts = _counts(connection, actor, today)
    total = counts[chosen]
    pages = max(1, -(-total // PAGE_SIZE))
    page = min(max(1, page), pages)
    query = (
        _rows(actor)
        .where(*_mine(actor), _condition(chosen, actor, today))
        .order_by(_TASK.c.due_at, _TASK.c.case_id, _TASK.c.no)
        .limit(PAGE_SIZE)
        .offset((page - 1) * PAGE_SIZE)
    )
    return InboxPage(
        rows=tuple(_row(ground, row, actor, now) for row in connection.execute(query)),
        filters=tuple(FilterCount(name, words, counts[name]) for name, words in FILTERS),
        chosen=chosen,
        page=page,
        pages=pages,
        total=total,
    )


def dealt_with(ground: Ground, connection: Connection, actor: Actor, *, page: int) -> InboxPage:
    """Return the tasks the actor has dealt with, newest first (已办)."""
    return _plain_page(
        ground,
        connection,
        actor,
        _rows(actor).where(_TASK.c.closed_by == actor.person_id).order_by(_TASK.c.closed_at.desc(), _TASK.c.case_id),
        select(func.count()).select_from(_TASK).where(_TASK.c.closed_by == actor.person_id),
        "done",
        page,
    )


def started(ground: Ground, connection: Connection, actor: Actor, *, page: int) -> InboxPage:
    """Return the cases the actor opened, newest first (我发起的), each by its latest task."""
    latest = select(func.max(_TASK.c.no)).where(_TASK.c.case_id == _CASE.c.id).correlate(_CASE).scalar_subquery()
    return _plain_page(
        ground,
        connection,
        actor,
        _rows(actor)
        .where(_CASE.c.started_by == actor.person_id, _TASK.c.no == latest)
        .order_by(_CASE.c.opened_at.desc(), _CASE.c.id.desc()),
        select(func.count()).select_from(_CASE).where(_CASE.c.started_by == actor.person_id),
        "started",
        page,
    )


LONGEST_SEARCH = 100


def search(ground: Ground, connection: Connection, actor: Actor, text: str, *, page: int) -> InboxPage:
    """Find cases of the actor's jurisdiction by number, head of household, pinyin initials or the last four of an ID number."""
    text = "".join(character for character in text.strip()[:LONGEST_SEARCH] if can_be_kept(character))
    low, high = visible_range(actor)
    member = model.member
    matches = [
        _CASE.c.case_no == text.upper(),
        _CASE.c.case_no.endswith(text.upper(), autoescape=True) if text.isdigit() else None,
        _CASE.c.subject_name.startswith(text, autoescape=True),
        _CASE.c.initials.startswith(text.lower(), autoescape=True) if text.isascii() and text.isalpha() else None,
        exists().where(member.c.household_no == _CASE.c.household_no, member.c.id_last4 == text.upper())
        if len(text) == 4  # noqa: PLR2004  (the last four digits of an ID number)
        else None,
    ]
    condition = or_(*(match for match in matches if match is not None))
    scope = and_(_CASE.c.region_code >= low, _CASE.c.region_code < high)
    latest = select(func.max(_TASK.c.no)).where(_TASK.c.case_id == _CASE.c.id).correlate(_CASE).scalar_subquery()
    return _plain_page(
        ground,
        connection,
        actor,
        _rows(actor)
        .where(scope, condition, _TASK.c.no == latest)
        .order_by(_CASE.c.opened_at.desc(), _CASE.c.id.desc()),
        select(func.count()).select_from(_CASE).where(scope, condition),
        "search",
        page,
    )


def _plain_page(
    ground: Ground,
    connection: Connection,
    actor: Actor,
    query: Select[Any],
    counting: Select[Any],
    chosen: str,
    page: int,
) -> InboxPage:
    now = ground.clock()
    total = int(connection.execute(counting).scalar_one())
    pages = max(1, -(-total // PAGE_SIZE))
    page = min(max(1, page), pages)
    rows = connection.execute(query.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE))
    return InboxPage(
        rows=tuple(_row(ground, row, actor, now) for row in rows),
        filters=(),
        chosen=chosen,
        page=page,
        pages=pages,
        total=total,
    )


def _mine(actor: Actor) -> tuple[ColumnElement[bool], ...]:
    return (_TASK.c.state == "OPEN", _TASK.c.role == actor.role, _TASK.c.region_code == actor.region_code)


def _counts(connection: Connection, actor: Actor, today: _Today) -> dict[str, int]:
    columns = [func.sum(case((_condition(name, actor, today), 1), else_=0)).label(name) for name, _ in FILTERS]
    row = connection.execute(
        select(*columns).select_from(_TASK.join(_CASE, _CASE.c.id == _TASK.c.case_id)).where(*_mine(actor))
    ).one()
    return {name: int(getattr(row, name) or 0) for name, _ in FILTERS}


def _rows(_actor: Actor) -> Select[Any]:
    claimer = model.person
    return select(
        _TASK,
        _CASE.c.case_no,
        _CASE.c.process_id,
        _CASE.c.definition_digest,
        _CASE.c.subject_name,
        _CASE.c.summary,
        _CASE.c.returns,
        _CASE.c.status,
        _CASE.c.region_code.label("village"),
        claimer.c.name.label("claimed_name"),
    ).select_from(
        _TASK.join(_CASE, _CASE.c.id == _TASK.c.case_id).outerjoin(claimer, claimer.c.id == _TASK.c.claimed_by)
    )


def _row(ground: Ground, row: Row[Any], actor: Actor, now: datetime) -> InboxRow:
    summary = json.loads(row.summary)
    brief = ground.briefing(ground.definition(row.definition_digest))
    limit = NO_LIMIT
    if row.state == "OPEN":
        limit = limit_view(
            ground,
            row.village,
            now=now,
            clock=row.clock,
            due_at=row.due_at,
            provisional=row.provisional,
            stage=row.stage,
            moved=row.stage in {Stage.RED.value, Stage.TAKEOVER.value, Stage.UPPER2.value},
        )
    amount = summary.get("amount_fen")
    return InboxRow(
        task_id=task_id_of(row.case_id, row.no),
        case_id=row.case_id,
        case_no=row.case_no,
        subject_name=row.subject_name,
        members=int(summary.get("members", 0)),
        category=brief.category_words(summary.get("category")),
        place=str(summary.get("place", "")),
        step=Message(row.name, brief.english_step(row.element_id, row.name)),
        level=Level(row.level),
        kind=brief.kind_words(summary.get("kind")),
        amount_fen=amount if isinstance(amount, int) else None,
        limit=limit,
        last_opinion=opinion_of(summary),
        returns=row.returns,
        claimed_by=row.claimed_name,
        claimed_by_me=row.claimed_by == actor.person_id,
        list_name=row.list_name,
    )


def opinion_of(summary: dict[str, Any]) -> OpinionView | None:
    """Return the last opinion a case's summary keeps."""
    kept = summary.get("opinion")
    if kept is None:
        return None
    return OpinionView(
        level=Level(kept["level"]),
        name=kept["name"],
        at=from_text(kept["at"]),
        outcome=Message(kept["zh"], kept["en"]),
        text=kept["text"],
    )
