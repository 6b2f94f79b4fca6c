"""A case as one document: chevrons, brief, form, papers, timeline, diagram with its text twin, open tasks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine import model
from engine.deadlines.stages import Stage
from engine.errors import Message
from engine.instants import SHANGHAI, from_text
from engine.people.levels import Level
from engine.reading.limits import NO_LIMIT, limit_view
from engine.reading.tasks import case_actions, load_case, papers, usual_consequence, view_of
from engine.reading.timeline import STATUS_WORDS, events_of, timeline
from engine.reading.values import sections
from engine.views import CaseView, LevelStep, StepView, TimelineEntry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from engine.ground import Ground
    from engine.people.actor import Actor
    from engine.reading.tasks import LoadedCase
    from engine.runtime import Definition
    from engine.views import TaskView

_LEVEL_TITLES: Mapping[Level, Message] = {
    Level.VILLAGE: Message("村·提出", "Village: applies"),
    Level.TOWNSHIP: Message("镇·审核", "Township: reviews"),
    Level.COUNTY: Message("县·审批", "County: decides"),
    Level.CITY: Message("市·备案", "City: files"),
    Level.PROVINCE: Message("省·备案", "Province: files"),
}


def case_view(ground: Ground, connection: Connection, case_id: int, actor: Actor) -> CaseView:
    """Return a case of the actor's jurisdiction; NotFound for any other."""
    loaded = load_case(ground, connection, case_id, actor)
    case, definition = loaded.case, loaded.definition
    brief = ground.briefing(definition)
    summary = json.loads(case.summary)
    events = events_of(connection, case_id)
    tasks = _task_rows(connection, case_id)
    open_views = tuple(view_of(ground, connection, loaded, task, actor) for task in loaded.open_tasks)
    ended = events[-1]["at"] if case.status != "OPEN" and events else None
    return CaseView(
        case_id=case.id,
        case_no=case.case_no,
        process_id=case.process_id,
        title=brief.title,
        subject_name=case.subject_name,
        members=int(summary.get("members", 0)),
        category=brief.category_words(summary.get("category")),
        place=str(summary.get("place", "")),
        status=case.status,
        status_words=STATUS_WORDS.get(case.status, Message(case.status, case.status)),
        revision=case.revision,
        version=ground.version(definition.digest),
        opened_at=from_text(case.opened_at),
        ended_at=from_text(ended) if ended else None,
        limit=open_views[0].limit if open_views else None,
        levels=_levels(ground, case.status, tasks, loaded),
        brief=brief.brief(loaded.data),
        sections=sections(definition, loaded.data, places={case.region_code: str(summary.get("place", ""))}),
        attachments=papers(connection, loaded),
        timeline=(*_ahead(ground, loaded, open_views), *timeline(events, ground.calendar(case.region_code))),
        steps=_steps(ground, connection, loaded, tasks),
        diagram_xml=definition.diagrams[definition.process_id],
        element_states=element_states(definition, events, tasks),
        tasks=open_views,
        actions=case_actions(actor, loaded.subject, loaded),
    )


def _ahead(ground: Ground, loaded: LoadedCase, open_views: Sequence[TaskView]) -> list[TimelineEntry]:
    """Return what stands above the story: who has the case now, and what follows if it goes on."""
    entries: list[TimelineEntry] = []
    for row, view in zip(loaded.open_tasks, open_views, strict=True):
        after = usual_consequence(ground, loaded, row)
        entries.append(_entry("next", Message(f"下一步:{after.zh}", f"Next: {after.en}")))
        name = view.claimed_by or view.role_words.zh
        entries.append(
            _entry("current", view.name, at=from_text(row.opened_at), name=name, post=view.role_words, body=view.body)
        )
    if not open_views and loaded.case.status == "OPEN":
        entries.append(
            _entry(
                "waiting", Message("等待公示期满等时间事件", "Waiting for time to pass, such as the end of a notice")
            )
        )
    return entries


def _entry(
    tone: str,
    title: Message,
    *,
    at: datetime | None = None,
    name: str = "",
    post: Message | None = None,
    body: str = "",
) -> TimelineEntry:
    return TimelineEntry(seq=0, at=at, tone=tone, title=title, name=name, post=post or Message("", ""), body=body)


def _task_rows(connection: Connection, case_id: int) -> list[Row[Any]]:
    task, person = model.task, model.person
    holder = person.alias("holder")
    return list(
        connection.execute(
            select(task, person.c.name.label("closed_name"), holder.c.name.label("claimed_name"))
            .outerjoin(person, person.c.id == task.c.closed_by)
            .outerjoin(holder, holder.c.id == task.c.claimed_by)
            .where(task.c.case_id == case_id)
            .order_by(task.c.no)
        )
    )


def _levels(ground: Ground, status: str, tasks: Sequence[Row[Any]], loaded: LoadedCase) -> tuple[LevelStep, ...]:
    steps = []
    highest = min((task.level for task in tasks), default=12)
    for level in Level:
        here = [task for task in tasks if task.level == level.digits]
        open_here = [task for task in here if task.state == "OPEN"]
        done = [task for task in here if task.state == "DONE"]
        if open_here:
            # Held below a level it had already reached: it was sent back.
            state = "returned" if highest < level.digits and loaded.case.returns else "current"
            used = limit_view(
                ground,
                loaded.case.region_code,
                now=loaded.now,
                clock=open_here[0].clock,
                due_at=open_here[0].due_at,
                provisional=open_here[0].provisional,
                stage=open_here[0].stage,
            )
            line = Message("办理中", "In progress")
            if used is not NO_LIMIT and used.limit_days:
                line = Message(f"办理中·第 {used.used_days} 日", f"In progress, day {used.used_days}")
        elif done:
            state = "done"
            last = done[-1]
            at = from_text(last.closed_at).astimezone(SHANGHAI)
            line = Message(f"{at:%m-%d} {last.name}", f"{at:%Y-%m-%d}")
        else:
            state = "ahead"
            line = Message("未到", "Still to come") if status == "OPEN" else Message("未经过", "Not reached")
        steps.append(LevelStep(level, state, _LEVEL_TITLES[level], line))
    return tuple(steps)


def drawn_order(definition: Definition) -> list[str]:
    """Return the shapes people act in, in the order in which the drawing reaches them."""
    elements = definition.elements
    queue = [
        one.id for one in elements.values() if one.kind == "startEvent" and one.process_id == definition.process_id
    ]
    seen: list[str] = []
    while queue:
        current = queue.pop(0)
        if current in seen:
            continue
        seen.append(current)
        queue.extend(elements[current].targets)
        if elements[current].called:
            queue.extend(
                one.id
                for one in elements.values()
                if one.kind == "startEvent" and one.process_id == elements[current].called
            )
    order = [name for name in seen if elements[name].kind == "userTask"]
    # From the village up: the order in which a reader expects the levels, kept as drawn within a level.
    return sorted(order, key=lambda name: -(elements[name].level or Level.VILLAGE).digits)


def _steps(
    ground: Ground, connection: Connection, loaded: LoadedCase, tasks: Sequence[Row[Any]]
) -> tuple[StepView, ...]:
    found: list[StepView] = []
    reached = {task.element_id for task in tasks}
    for task in tasks:
        title = ground.organisation.title(task.role)
        limit = None
        state = {"DONE": "done", "CANCELLED": "cancelled", "OPEN": "current"}[task.state]
        if task.state == "OPEN":
            limit = limit_view(
                ground,
                loaded.case.region_code,
                now=loaded.now,
                clock=task.clock,
                due_at=task.due_at,
                provisional=task.provisional,
                stage=task.stage,
            )
            if Stage(task.stage) >= Stage.YELLOW:
                state = "overdue"
        name = task.closed_name or task.claimed_name
        body = ground.body_name(connection, task.role, task.region_code)
        holder = Message(f"{body} {name or title.zh}", f"{body} {name or title.en}")
        found.append(
            StepView(
                element_id=task.element_id,
                name=task.name,
                level=Level(task.level),
                state=state,
                holder=holder,
                at=from_text(task.closed_at or task.opened_at),
                limit=limit,
            )
        )
    if loaded.case.status == "OPEN":
        for element_id in drawn_order(loaded.definition):
            element = loaded.definition.elements[element_id]
            if element_id in reached or element.level is None:
                continue
            found.append(
                StepView(
                    element_id=element_id,
                    name=element.name,
                    level=element.level,
                    state="ahead",
                    holder=ground.organisation.title(element.properties.get("post", "")),
                    at=None,
                )
            )
    return tuple(found)


def element_states(
    definition: Definition, events: Sequence[Mapping[str, Any]], tasks: Sequence[Row[Any]]
) -> dict[str, str]:
    """Return how every shape the case has passed is drawn: done, returned, cancelled, current, overdue."""
    states: dict[str, str] = {}
    for event in events:
        for step in event.get("steps", ()):
            states[step["element"]] = "done"
        task = event.get("task")
        if event["kind"] == "task_completed" and task:
            states[task["element"]] = "returned" if event.get("tone") == "return" else "done"
    for row in tasks:
        if row.state == "OPEN":
            states[row.element_id] = "overdue" if Stage(row.stage) >= Stage.YELLOW else "current"
            process = definition.elements[row.element_id].process_id
            if process != definition.process_id:
                for element in definition.elements.values():
                    if element.called == process:
                        states[element.id] = "current"
        elif row.state == "CANCELLED":
            states.setdefault(row.element_id, "cancelled")
    return states
