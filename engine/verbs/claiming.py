"""Claim, release and reassign: who works on a task, without moving the case."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import select

from engine import model
from engine.errors import Conflict, Invalid, Message, NotFound, NotPermitted
from engine.instants import local_date
from engine.people import posts
from engine.people.jurisdiction import require, verdict
from engine.texts import can_be_kept
from engine.verbs import rows
from engine.verbs.complete import LONGEST_OPINION, SHORTEST_REASON, already_done, lock_task, receipt
from engine.verbs.subjects import OPEN

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from engine.ground import Ground
    from engine.people.actor import Actor
    from engine.verbs.case_work import CaseWork
    from engine.views import Receipt


def claim(ground: Ground, connection: Connection, *, task_id: str, actor: Actor) -> Receipt:
    """Take a task of one's post for oneself, so that colleagues see who works on it."""
    work, task, held = lock_task(ground, connection, task_id, actor)
    if task.state != OPEN:
        return already_done(work, task, actor, "", None)
    if task.claimed_by == actor.person_id:
        return _nothing_new(work)
    require("claim", actor, work.subject(task, held))
    _give(work, task, person_id=actor.person_id, post_id=actor.post_id)
    work.finish("task_claimed", actor, {"task": _named(task)})
    return receipt(work, Message("已领取", "Claimed"), actor)


def release(ground: Ground, connection: Connection, *, task_id: str, actor: Actor) -> Receipt:
    """Give a claimed task back to everybody who holds its post."""
    work, task, held = lock_task(ground, connection, task_id, actor)
    if task.state != OPEN:
        return already_done(work, task, actor, "", None)
    require("release", actor, work.subject(task, held))
    _give(work, task, person_id=None, post_id=None)
    work.finish("task_released", actor, {"task": _named(task)})
    return receipt(work, Message("已退领", "Released"), actor)


def reassign(
    ground: Ground, connection: Connection, *, task_id: str, actor: Actor, to_person_id: int, reason: str
) -> Receipt:
    """Give a task to a named holder of its post; only the leader of the body, or one above, may."""
    work, task, held = lock_task(ground, connection, task_id, actor)
    if task.state != OPEN:
        return already_done(work, task, actor, "", None)
    require("reassign", actor, work.subject(task, held))
    reason = reason.strip()
    if not SHORTEST_REASON <= len(reason) <= LONGEST_OPINION or not can_be_kept(reason):
        wanted = Message(
            f"请写明改派理由,{SHORTEST_REASON} 至 {LONGEST_OPINION} 个字",
            f"Say why, in {SHORTEST_REASON} to {LONGEST_OPINION} characters",
        )
        raise Invalid(wanted, fields={"reason": wanted})
    holder = _holder(connection, task, to_person_id, local_date(work.now).isoformat())
    if task.claimed_by == to_person_id:
        raise Conflict(Message(f"任务已在{holder[1]}手中", f"{holder[1]} has the task already"))
    _refuse_one_who_may_not_act(ground, connection, work, task, to_person_id, holder[0])
    _give(work, task, person_id=to_person_id, post_id=holder[0])
    work.owe(
        "task_reassigned",
        {"step": task.name, "level": task.level},
        suffix=f"-{task.no}",
        person_id=to_person_id,
        task_no=task.no,
    )
    work.finish(
        "task_reassigned",
        actor,
        {"task": _named(task), "to": {"person": to_person_id, "name": holder[1]}, "reason": reason},
    )
    return receipt(work, Message(f"已改派给{holder[1]}", f"Reassigned to {holder[1]}"), actor)


def _give(work: CaseWork, task: rows.TaskRow, *, person_id: int | None, post_id: int | None) -> None:
    work.batch.put(
        rows.CLAIM_TASK,
        {"case_id": work.case.id, "no": task.no, "claimed_by": person_id, "claimed_post": post_id},
        expect=1,
    )


def _named(task: rows.TaskRow) -> dict[str, object]:
    return {"no": task.no, "element": task.element_id, "name": task.name, "level": task.level}


def _nothing_new(work: CaseWork) -> Receipt:
    from engine.views import Receipt

    return Receipt(
        case_id=work.case.id,
        case_no=work.case.case_no,
        revision=work.case.revision,
        status=work.case.status,
        event_seq=work.case.event_seq,
        words=Message("您已领取该任务", "You have claimed this task already"),
        repeated=True,
    )


def _refuse_one_who_may_not_act(
    ground: Ground, connection: Connection, work: CaseWork, task: rows.TaskRow, person_id: int, post_id: int
) -> None:
    """Refuse to give a task to somebody who may not act on this case: it would lie with them while nobody else may."""
    other = posts.actor(connection, person_id, post_id, local_date(work.now), organisation=ground.organisation)
    duty = model.case_duty
    held = connection.execute(
        select(duty.c.duty).where(duty.c.case_id == work.case.id, duty.c.person_hash == other.person_hash)
    ).scalar()
    found = verdict("complete", other, replace(work.subject(task, held), claimed_by=None))
    if not found.permitted and found.reason is not None:
        raise NotPermitted(
            Message(
                f"不能改派给{other.name}:{found.reason.zh}",
                f"The task cannot go to {other.name}: {found.reason.en}",
            ),
            rule=found.rule,
        )


def _holder(connection: Connection, task: rows.TaskRow, person_id: int, today: str) -> tuple[int, str]:
    post, person = model.post, model.person
    if not 0 < person_id <= rows.LARGEST_KEY:
        raise NotFound(Message("没有找到这个人", "There is no such person"))
    row = connection.execute(
        select(post.c.id, person.c.name)
        .join(person, person.c.id == post.c.person_id)
        .where(
            post.c.person_id == person_id,
            post.c.role == task.role,
            post.c.region_code == task.region_code,
            post.c.from_date <= today,
            (post.c.to_date.is_(None)) | (post.c.to_date >= today),
            person.c.deactivated_at.is_(None),
        )
    ).first()
    if row is None:
        raise NotFound(
            Message(
                "该人员现不在这个岗位上,不能改派给他",
                "That person does not hold this post now, so the task cannot go to them",
            )
        )
    return int(row.id), str(row.name)
