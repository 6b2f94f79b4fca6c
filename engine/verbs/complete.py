"""Completing a task: agree, hand in, return for correction, refuse. Every one of them is an outcome of the drawing.

The order is always the same: lock, look whether somebody was faster, permit, read the decision, compare what was seen with what is,
sign, let the process go on, write it all down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import Conflict, Invalid, Message, NotFound, NotOpen, NotPermitted
from engine.instants import SHANGHAI, from_text, local_date
from engine.people.jurisdiction import require
from engine.texts import can_be_kept
from engine.verbs import rows
from engine.verbs.case_work import CaseWork
from engine.verbs.signing import Document, document, make_signature, require_proof
from engine.verbs.subjects import OPEN
from engine.verbs.task_ids import parse_task_id, task_id_of
from engine.views import Receipt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from engine.ground import Ground
    from engine.people.accounts import Proof
    from engine.people.actor import Actor
    from engine.runtime import Form

SHORTEST_REASON = 5
"""A return or refusal says why, in at least so many characters (UX.md §2.2)."""
LONGEST_OPINION = 500

SUBMITTED = "SUBMIT"
"""The outcome of a task whose form asks for no decision."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the actor decided, read against the form: outcome, its words, and all values the process gets."""

    outcome: str
    words: Message
    tone: str
    opinion: str
    values: Mapping[str, Any]


RETURN_TO = "return_to"
"""The field that says which level a return goes to (BPMN.md C1)."""
FILING = "file"
"""A query between city, province and county is no return for correction: the household has nothing to do with it."""


def complete(
    ground: Ground,
    connection: Connection,
    *,
    task_id: str,
    actor: Actor,
    outcome: str,
    values: Mapping[str, Any],
    opinion: str,
    seen_revision: int,
    seen_digest: str | None,
    proof: Proof | None,
) -> Receipt:
    """Complete one open task with an outcome; see :meth:`engine.process_engine.ProcessEngine.complete`."""
    work, task, held = lock_task(ground, connection, task_id, actor)
    subject = work.subject(task, held)
    if task.state != OPEN:
        return already_done(work, task, actor, outcome, subject)
    require("complete", actor, subject)
    decision = read_decision(work, task, outcome, values, opinion)
    proof = require_proof(actor, proof, work.now)
    shown = document(
        case=work.case,
        task=task,
        actor=actor,
        outcome=decision.outcome,
        opinion=decision.opinion,
        values=decision.values,
        data=work.data,
    )
    if seen_digest is None and seen_revision != work.case.revision:
        raise Conflict(
            Message(
                "您打开页面之后,这件办件已有变化,请核对后再办理。您填写的内容都在",
                f"The case has moved on since you opened it (you saw revision {seen_revision}, it is now at "
                f"{work.case.revision}). Nothing you typed is lost; please look again",
            )
        )
    if seen_digest is not None and seen_digest != shown.digest:
        raise Conflict(
            Message(
                "内容已变更,请重新核对后签署", "What you were shown has changed; please check it again before signing"
            )
        )
    return carry_out(work, task, actor, decision, shown, proof)


def carry_out(
    work: CaseWork,
    task: rows.TaskRow,
    actor: Actor,
    decision: Decision,
    shown: Document,
    proof: Proof,
    *,
    kind: str = "task_completed",
) -> Receipt:
    """Sign the decision, let the process go on, and write everything down."""
    work.hold_duty(actor, task.duty)
    work.sign(task.no, actor, task.duty, make_signature(work.ground.keyring, work.case, shown, proof, work.now))
    work.close_task(task.no, outcome=decision.outcome, by=actor.person_id)
    if decision.tone == "return":
        work.summarise(sent_back=True)
        if task.duty != FILING:
            work.count_return()
    work.step(lambda execution: execution.complete(str(task.no), decision.values))
    work.summarise(
        opinion={
            "level": task.level,
            "name": actor.name,
            "at": work.at,
            "outcome": decision.outcome,
            "zh": decision.words.zh,
            "en": decision.words.en,
            "text": decision.opinion,
        }
    )
    body: dict[str, Any] = {
        "task": {
            "no": task.no,
            "element": task.element_id,
            "name": task.name,
            "level": task.level,
            "opened_at": task.opened_at,
            "stage": task.stage,
        },
        "outcome": decision.outcome,
        "outcome_zh": decision.words.zh,
        "outcome_en": decision.words.en,
        "tone": decision.tone,
        "opinion": decision.opinion,
        "input": dict(decision.values),
        "document": shown.digest,
    }
    work.finish(kind, actor, body)
    return receipt(work, decision.words, actor, digest=shown.digest)


def receipt(work: CaseWork, words: Message, actor: Actor, *, digest: str = "") -> Receipt:
    """Answer a verb: where the case stands, what opened, and the actor's own next task in it, if any."""
    opened = tuple(task_id_of(work.case.id, int(task.ref)) for task in work.opened)
    mine = next(
        (
            task_id_of(work.case.id, int(task.ref))
            for task in work.opened
            if task.properties["post"] == actor.role
            and task.level is not None
            and task.level.region_of(work.case.region_code) == actor.region_code
        ),
        None,
    )
    return Receipt(
        case_id=work.case.id,
        case_no=work.case.case_no,
        revision=work.revision,
        status=work.status,
        event_seq=work.seq,
        words=words,
        opened=opened,
        next_task_id=mine,
        digest=digest,
    )


def lock_task(
    ground: Ground, connection: Connection, task_id: str, actor: Actor
) -> tuple[CaseWork, rows.TaskRow, str | None]:
    """Lock a task's case; NotFound where there is none in the actor's jurisdiction."""
    from engine.batch import Batch

    case_id, no = parse_task_id(task_id)
    batch = Batch(connection)
    found = rows.lock_task(batch, case_id, no, actor, local_date(ground.clock()))
    if found is None:
        raise NotFound(Message("没有找到这项任务", "There is no such task, or it is not in your jurisdiction"))
    case, held, task = found
    # The time is read under the lock: whoever waited for it comes later than whoever held it.
    work = CaseWork(ground, batch, case, ground.clock())
    require("see", actor, work.subject(task, held))
    return work, task, held


def already_done(work: CaseWork, task: rows.TaskRow, actor: Actor, outcome: str, _subject: object) -> Receipt:
    """Answer a second press: the same act gets its answer again, another person's act is a conflict that names them."""
    if task.state == "DONE" and task.closed_by == actor.person_id and task.outcome == outcome:
        return Receipt(
            case_id=work.case.id,
            case_no=work.case.case_no,
            revision=work.case.revision,
            status=work.case.status,
            event_seq=work.case.event_seq,
            words=Message("已办理,无需重复提交", "Already done; it was recorded once"),
            repeated=True,
        )
    if task.state == "DONE":
        at = from_text(task.closed_at).astimezone(SHANGHAI) if task.closed_at else None
        when_zh = f"于{at.month}月{at.day}日 {at:%H:%M} " if at else ""
        when_en = f" on {at:%Y-%m-%d at %H:%M}" if at else ""
        name = task.closed_name or "他人"
        raise Conflict(
            Message(
                f"{name}已{when_zh}办理“{task.name}”。您的意见没有提交,已为您保留",
                f"{name} dealt with “{task.name}”{when_en}. Your opinion was not submitted; it is kept",
            )
        )
    raise NotOpen(
        Message(
            f"“{task.name}”已不需要办理:办件已撤回或已转到别的环节。您填写的内容已为您保留",
            f"“{task.name}” is no longer open: the case was withdrawn or went another way. What you typed is kept",
        )
    )


def read_decision(
    work: CaseWork, task: rows.TaskRow, outcome: str, values: Mapping[str, Any], opinion: str
) -> Decision:
    """Read what was decided against the form: declared values only, a known outcome, reasons where they are due."""
    form = work.definition.forms[task.form]
    typed = dict(values)
    errors: dict[str, Message] = {}
    opinion = opinion.strip()
    words = Message("提交", "Submitted")
    tone = "positive"
    if form.outcome is None:
        if outcome not in {"", SUBMITTED}:
            errors["outcome"] = Message("此环节不作决定", "No decision is taken at this step")
        outcome = SUBMITTED
    else:
        choice = next((choice for choice in form.outcome.choices if choice.value == outcome), None)
        if choice is None:
            errors["outcome"] = Message("请选择办理结论", "Choose a decision")
        else:
            words, tone = Message(choice.zh, choice.en), choice.tone
            typed[form.outcome.field] = outcome
            errors.update(_reason_errors(choice.needs_opinion, opinion))
    if len(opinion) > LONGEST_OPINION:
        errors["opinion"] = Message(
            f"意见最多 {LONGEST_OPINION} 字,现有 {len(opinion)} 字",
            f"An opinion has at most {LONGEST_OPINION} characters; this one has {len(opinion)}",
        )
    if not can_be_kept(opinion):
        errors["opinion"] = Message("意见中有不能保存的字符", "The opinion contains a character that cannot be stored")
    if tone != "return":
        # Where to send it back to is no part of a decision that sends nothing back.
        typed.pop(RETURN_TO, None)
    errors.update(_form_errors(form, typed))
    if tone == "positive":
        errors.update(missing_papers(work, form))
    if errors:
        raise Invalid(
            Message(
                f"有 {len(errors)} 处需要改正,已填内容都在",
                f"{len(errors)} places need correcting; nothing typed is lost",
            ),
            fields=errors,
        )
    if tone == "return" and task.duty != FILING:
        _limit_returns(work)
    return Decision(outcome=outcome, words=words, tone=tone, opinion=opinion, values=typed)


def missing_papers(work: CaseWork, form: Form) -> dict[str, Message]:
    """Return a sentence for every paper a step must have and the case has not; a return or a refusal needs none."""
    required = [slot for slot in form.attachments if slot.required]
    if not required:
        return {}
    present = {str(row[0]) for row in work.batch.select(rows.PAPER_SLOTS, {"case_id": work.case.id})}
    return {
        f"paper:{slot.slot}": Message(f"缺少材料:{slot.zh}", f"A required paper is missing: {slot.en}")
        for slot in required
        if slot.slot not in present
    }


def _reason_errors(needed: bool, opinion: str) -> dict[str, Message]:  # noqa: FBT001  (read from the form's file)
    if not needed or len(opinion) >= SHORTEST_REASON:
        return {}
    return {
        "opinion": Message(
            f"请写明理由,至少 {SHORTEST_REASON} 个字", f"Say why, in at least {SHORTEST_REASON} characters"
        )
    }


def _form_errors(form: Form, typed: Mapping[str, Any]) -> Mapping[str, Message]:
    return form.check(typed)


def _limit_returns(work: CaseWork) -> None:
    most = int(work.surroundings.parameter("case.most_returns"))
    if work.case.returns >= most:
        raise NotPermitted(
            Message(
                f"本件已退回 {work.case.returns} 次,最多 {most} 次;请作出决定",
                f"The case has been returned {work.case.returns} times, and {most} is the most; please decide it",
            ),
            rule="most_returns",
        )
