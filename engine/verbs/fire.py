"""The clock acts: a stage of a limit is reached, or an event the drawing waits for is due.

The due row is the authority (DESIGN.md §3.7). Each firing is a transaction of its own; it reads its row again under the case's lock, so two
workers, a late click or a crash cannot fire it twice. What a stage does is the table C7 (workflows/escalation.dmn); no stage ever decides
anything by itself (DOMAIN.md B0.6).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from engine.batch import Batch
from engine.deadlines.clock import Clock
from engine.deadlines.stages import Stage
from engine.instants import to_text
from engine.people.levels import Level
from engine.verbs import rows
from engine.verbs.case_work import CaseWork
from engine.verbs.limits import first_stage_after
from engine.verbs.subjects import OPEN

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from engine.ground import Ground

CLOCK = "clock"
"""The actor of what the clock does."""


def fire(ground: Ground, connection: Connection, *, case_id: int, no: int) -> str | None:
    """Let one due moment act; return the stage it brought, or None when it was not due any more."""
    batch = Batch(connection)
    found = rows.lock_timer(batch, case_id, no)
    if found is None:
        return None
    case, timer = found
    now = ground.clock()
    if timer.state != "ARMED" or timer.due_at > to_text(now) or case.status != OPEN:
        return None
    work = CaseWork(ground, batch, case, now)
    if timer.stage == "EVENT":
        _let_event_happen(work, timer)
    else:
        _reach_stage(work, timer)
    return timer.stage


def _let_event_happen(work: CaseWork, timer: rows.TimerRow) -> None:
    work.batch.put(
        rows.MOVE_TIMER,
        {"case_id": work.case.id, "no": timer.no, "stage": "EVENT", "due_at": timer.due_at, "state": "FIRED"},
        expect=1,
    )
    work.step(lambda execution: execution.fire(str(timer.no)))
    element = work.definition.elements[timer.element_id]
    work.finish("timer_fired", CLOCK, {"element": timer.element_id, "name": element.name, "due_at": timer.due_at})


def _reach_stage(work: CaseWork, timer: rows.TimerRow) -> None:
    if timer.task_no is None:
        raise AssertionError(f"Timer {work.case.id}-{timer.no} has a stage but no task")
    task = rows.task_row(work.batch, work.case.id, timer.task_no)
    if task is None or task.state != OPEN:
        raise AssertionError(f"Timer {work.case.id}-{timer.no} is armed for a task that is not open")
    stage = Stage(timer.stage)
    clock = Clock.from_json(json.loads(task.clock))
    _arm_next(work, timer, clock, stage)
    told: dict[str, Any] = {
        "step": task.name,
        "level": task.level,
        "stage": stage.value,
        "due_at": task.due_at or "",
    }
    body: dict[str, Any] = {
        "task": {"no": task.no, "element": task.element_id, "name": task.name, "level": task.level},
        "stage": stage.value,
        "elapsed_days": clock.elapsed_days(work.now, work.ground.calendar(work.case.region_code)),
        "limit_days": clock.days_allowed,
        "due_at": timer.due_at,
    }
    role = task.role
    if stage is Stage.RED:
        role = work.ground.organisation.leader_of(Level(task.level))
        body["moved_to"] = role
    for addressee in _who_is_told(work, task, stage, role):
        work.owe(
            _KIND[stage],
            told,
            suffix=f"-{task.no}-{addressee[0]}-{addressee[1]}",
            role=addressee[0],
            region_code=addressee[1],
            task_no=task.no,
        )
    if role != task.role:
        # The leader must act now, but the task stays at its level: a level never loses its signature.
        work.batch.put(
            rows.MOVE_TASK, {"case_id": work.case.id, "no": task.no, "role": role, "stage": stage.value}, expect=1
        )
    else:
        work.batch.put(rows.STAGE_TASK, {"case_id": work.case.id, "no": task.no, "stage": stage.value}, expect=1)
    if stage is Stage.YELLOW:
        # The drawing's own clock: the limit has lapsed, the mark 督办 is set.
        work.step(lambda execution: execution.fire(str(timer.no)))
    work.finish("stage_reached", CLOCK, body)


def _arm_next(work: CaseWork, timer: rows.TimerRow, clock: Clock, stage: Stage) -> None:
    following, at = first_stage_after(work.ground, work.case.region_code, clock, stage)
    work.batch.put(
        rows.MOVE_TIMER,
        {
            "case_id": work.case.id,
            "no": timer.no,
            "stage": following.value if following else timer.stage,
            "due_at": to_text(at) if at else timer.due_at,
            "state": "ARMED" if following else "FIRED",
        },
        expect=1,
    )


def _who_is_told(work: CaseWork, task: rows.TaskRow, stage: Stage, role: str) -> list[tuple[str, str]]:
    """Return the posts to tell at a stage, as (role, region): DOMAIN.md B0.6."""
    organisation = work.ground.organisation
    level = Level(task.level)
    told = [(task.role, task.region_code)]
    leader = (organisation.leader_of(level), task.region_code)
    if stage >= Stage.YELLOW and leader not in told:
        told.append(leader)
    above = _upper(work, task, 1)
    if stage >= Stage.RED and above is not None:
        told.append(above)
    two_above = _upper(work, task, 2)
    if stage >= Stage.UPPER2 and two_above is not None:
        told.append(two_above)
    if (role, task.region_code) not in told:
        told.append((role, task.region_code))
    return told


def _upper(work: CaseWork, task: rows.TaskRow, steps: int) -> tuple[str, str] | None:
    """The office so many levels above a task's own that supervises it."""
    levels = list(Level)
    place = levels.index(Level(task.level)) + steps
    if place >= len(levels):
        return None
    level = levels[place]
    # Who supervises follows from the post the drawing names, also after the task has moved to the body's leader.
    post = work.definition.elements[task.element_id].properties["post"]
    office = work.ground.organisation.supervisor_at(level, post)
    return None if office is None else (office, level.region_of(work.case.region_code))


_KIND = {
    Stage.REMIND: "reminder",
    Stage.YELLOW: "yellow_card",
    Stage.RED: "red_card",
    Stage.TAKEOVER: "takeover",
    Stage.UPPER2: "upper_level",
}
