"""A task's page: its form, what the case already knows for it, the decisions one can take, and what each of them leads to.

What a button says is not written down anywhere: the process is run one step further on a copy that nobody stores, and the button names what
would open. A label can therefore never promise what the drawing does not do.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine import model
from engine.batch import Batch
from engine.errors import EngineError, Message, NotFound, Rejected
from engine.instants import from_text
from engine.people.jurisdiction import Subject, require, verdict
from engine.people.levels import Level
from engine.reading.limits import limit_view
from engine.reading.timeline import STATUS_WORDS
from engine.runtime import Execution, Surroundings
from engine.verbs import rows
from engine.verbs.complete import RETURN_TO
from engine.verbs.subjects import OPEN, task_subject
from engine.verbs.task_ids import parse_task_id, task_id_of
from engine.views import ActionView, AttachmentView, Choice, OutcomeView, SlotView, TaskView

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from engine.ground import Ground
    from engine.people.actor import Actor
    from engine.runtime import Definition

ACTION_WORDS: Mapping[str, Message] = {
    "complete": Message("办理", "Deal with it"),
    "claim": Message("领取", "Claim"),
    "release": Message("退领", "Release"),
    "reassign": Message("改派", "Reassign"),
    "withdraw": Message("撤回申请", "Withdraw the application"),
    "object": Message("登记异议", "Register an objection"),
    "replay": Message("审计回放", "Audit replay"),
}


@dataclass(frozen=True, slots=True)
class LoadedCase:
    """A case read for showing: its row, definition, the process on a copy, and its open tasks."""

    case: rows.CaseRow
    definition: Definition
    execution: Execution
    surroundings: Surroundings
    held_duty: str | None
    open_tasks: tuple[rows.TaskRow, ...]
    subject: Subject
    now: datetime

    @property
    def data(self) -> Mapping[str, Any]:
        """What the case knows."""
        return self.execution.data


def load_case(ground: Ground, connection: Connection, case_id: int, actor: Actor) -> LoadedCase:
    """Read a case of the actor's jurisdiction; NotFound for any other."""
    batch = Batch(connection)
    wanted = {"case_id": case_id, "person_hash": actor.person_hash}
    found = 0 < case_id <= rows.LARGEST_KEY and batch.select(rows.READ_CASE, wanted)
    if not found:
        raise NotFound(Message("没有找到这件办件", "There is no such case, or it is not in your jurisdiction"))
    case, held = rows.as_case(found[0])
    now = ground.clock()
    definition = ground.definition(case.definition_digest)
    subject = Subject(
        case_region=case.region_code,
        case_open=case.status == OPEN,
        decided=bool(case.decided),
        kin=frozenset(json.loads(case.kin)),
        started_by=case.started_by,
        held_duty=held,
        starter_roles=ground.starter_roles(definition),
    )
    require("see", actor, subject)
    surroundings = ground.imagined(case, definition, now)
    execution = Execution.restore(definition, case.state, surroundings, key=ground.keyring.state_key_of(case.id))
    return LoadedCase(case, definition, execution, surroundings, held, rows.open_tasks(batch, case_id), subject, now)


def task_view(ground: Ground, connection: Connection, task_id: str, actor: Actor) -> TaskView:
    """Return an open task's page; NotFound outside the jurisdiction, NotOpen where it has been dealt with."""
    case_id, no = parse_task_id(task_id)
    loaded = load_case(ground, connection, case_id, actor)
    task = next((task for task in loaded.open_tasks if task.no == no), None)
    if task is None:
        raise closed_task(connection, loaded, no)
    return view_of(ground, connection, loaded, task, actor)


def closed_task(connection: Connection, loaded: LoadedCase, no: int) -> Rejected:
    """Return the refusal for a task that is not open: dealt with by whom and when, cancelled, or never there."""
    from engine.errors import NotOpen
    from engine.instants import SHANGHAI

    row = rows.task_row(Batch(connection), loaded.case.id, no)
    if row is None:
        return NotFound(Message("没有找到这项任务", "There is no such task, or it is not in your jurisdiction"))
    if row.state == "DONE" and row.closed_at:
        at = from_text(row.closed_at).astimezone(SHANGHAI)
        return NotOpen(
            Message(
                f"“{row.name}”已由{row.closed_name}于{at.month}月{at.day}日 {at:%H:%M} 办理",
                f"“{row.name}” was dealt with by {row.closed_name} on {at:%Y-%m-%d at %H:%M}",
            )
        )
    return NotOpen(Message(f"“{row.name}”已不需要办理", f"“{row.name}” is no longer open"))


def view_of(ground: Ground, connection: Connection, loaded: LoadedCase, task: rows.TaskRow, actor: Actor) -> TaskView:
    """Return how one open task is shown to this actor."""
    form = loaded.definition.forms[task.form]
    level = Level(task.level)
    subject = task_subject(ground, loaded.subject, task)
    role = ground.organisation.title(task.role)
    names = list(form.content["schema"]["properties"])
    known = {name: loaded.data[name] for name in names if name in loaded.data and name not in form.reset_fields}
    draft = _draft(connection, actor, f"task:{loaded.case.id}-{task.no}")
    return TaskView(
        task_id=task_id_of(loaded.case.id, task.no),
        case_id=loaded.case.id,
        case_no=loaded.case.case_no,
        element_id=task.element_id,
        name=Message(task.name, ground.briefing(loaded.definition).english_step(task.element_id, task.name)),
        level=level,
        role_words=role,
        body=ground.body_name(connection, task.role, task.region_code),
        limit=limit_view(
            ground,
            loaded.case.region_code,
            now=loaded.now,
            clock=task.clock,
            due_at=task.due_at,
            provisional=task.provisional,
            stage=task.stage,
            moved=task.stage in {"RED", "TAKEOVER", "UPPER2"},
            explain=True,
        ),
        claimed_by=task.claimed_name,
        claimed_by_me=task.claimed_by == actor.person_id,
        form=form.content,
        fields={name: loaded.definition.dictionary.entry(name) or {} for name in names},
        values=known,
        outcomes=outcomes_of(ground, loaded, task),
        slots=slots_of(connection, loaded, form.content.get("attachments", ())),
        actions=tuple(_action(name, actor, subject) for name in ("complete", "claim", "release", "reassign")),
        revision=loaded.case.revision,
        signed=True,
        draft=draft,
    )


def _action(name: str, actor: Actor, subject: Subject) -> ActionView:
    found = verdict(name, actor, subject)
    return ActionView(name, ACTION_WORDS[name], found.permitted, found.reason, found.rule)


def case_actions(actor: Actor, subject: Subject, loaded: LoadedCase) -> tuple[ActionView, ...]:
    """Return what may be done to the case itself."""
    actions = [_action("withdraw", actor, subject), _action("replay", actor, subject)]
    if any(wait.kind == "message" and wait.message == "objection" for wait in loaded.execution.waits):
        actions.append(_action("object", actor, subject))
    return tuple(actions)


def outcomes_of(ground: Ground, loaded: LoadedCase, task: rows.TaskRow) -> tuple[OutcomeView, ...]:
    """Return the decisions a task offers, each with the button that says its consequence."""
    form = loaded.definition.forms[task.form]
    if form.outcome is None:
        after = consequence(ground, loaded, task, {})
        return (
            OutcomeView(
                value="SUBMIT",
                words=Message("提交", "Submit"),
                line=after,
                button=Message(f"提交并签字,{after.zh}", f"Submit and sign, {after.en}"),
                tone="positive",
                needs_opinion=False,
            ),
        )
    found = []
    targets = _return_targets(loaded, task)
    for choice in form.outcome.choices:
        answers: dict[str, Any] = {form.outcome.field: choice.value}
        if choice.tone == "return" and targets:
            answers[RETURN_TO] = targets[0].value
        after = consequence(ground, loaded, task, answers)
        found.append(
            OutcomeView(
                value=choice.value,
                words=Message(choice.zh, choice.en),
                line=choice.line if choice.line.zh else after,
                button=Message(f"{choice.zh}并签字,{after.zh}", f"{choice.en} and sign, {after.en}"),
                tone=choice.tone,
                needs_opinion=choice.needs_opinion,
                return_targets=targets if choice.tone == "return" else (),
            )
        )
    return tuple(found)


def _return_targets(loaded: LoadedCase, task: rows.TaskRow) -> tuple[Choice, ...]:
    form = loaded.definition.forms[task.form]
    if RETURN_TO not in form.content["schema"]["properties"]:
        return ()
    allowed = form.content["schema"]["properties"][RETURN_TO].get("enum")
    entry = loaded.definition.dictionary.entry(RETURN_TO) or {}
    return tuple(
        Choice(choice["value"], Message(choice["zh"], choice["en"]))
        for choice in entry.get("choices", ())
        if allowed is None or choice["value"] in allowed
    )


def usual_consequence(ground: Ground, loaded: LoadedCase, task: rows.TaskRow) -> Message:
    """Say what would happen if the task takes the decision its form offers first."""
    form = loaded.definition.forms[task.form]
    answers = {} if form.outcome is None else {form.outcome.field: form.outcome.choices[0].value}
    return consequence(ground, loaded, task, answers)


def consequence(ground: Ground, loaded: LoadedCase, task: rows.TaskRow, answers: Mapping[str, Any]) -> Message:
    """Say what would happen after this task with these answers, found by running the process on a copy."""
    imagined = Execution.restore(
        loaded.definition, loaded.case.state, loaded.surroundings, key=ground.keyring.state_key_of(loaded.case.id)
    )
    before = {one.ref for one in imagined.tasks}
    try:
        imagined.complete(str(task.no), answers)
    except (EngineError, Rejected):
        # What follows depends on values that are not typed yet.
        return Message("进入下一环节", "on to the next step")
    if imagined.is_finished and imagined.ended_by is not None:
        status = loaded.definition.elements[imagined.ended_by].properties.get("status", "COMPLETED")
        words = STATUS_WORDS.get(status, Message("办结", "closed"))
        return Message(f"办件结束({words.zh})", f"the case ends ({words.en.lower()})")
    opened = [one for one in imagined.tasks if one.ref not in before]
    if not opened:
        return Message("进入下一环节", "on to the next step")
    following = opened[0]
    brief = ground.briefing(loaded.definition)
    name = Message(following.name, brief.english_step(following.element_id, following.name))
    level = following.level
    if level is None:
        return Message(f"转“{name.zh}”", f"on to “{name.en}”")
    return _direction(Level(task.level), level, name)


def _direction(here: Level, there: Level, name: Message) -> Message:
    english = {
        "VILLAGE": "village",
        "TOWNSHIP": "township",
        "COUNTY": "county",
        "CITY": "city",
        "PROVINCE": "province",
    }[there.name]
    if there.digits < here.digits:
        return Message(f"报{there.lane}“{name.zh}”", f"up to the {english}: {name.en}")
    if there.digits > here.digits:
        return Message(f"到{there.lane}“{name.zh}”", f"down to the {english}: {name.en}")
    return Message(f"转“{name.zh}”", f"on to “{name.en}”")


def papers(connection: Connection, loaded: LoadedCase) -> tuple[AttachmentView, ...]:
    """Return the papers in a case, oldest first."""
    table, person = model.attachment, model.person
    found = connection.execute(
        select(
            table.c.id,
            table.c.slot,
            table.c.file_name,
            table.c.media_type,
            table.c.size,
            table.c.sha256,
            table.c.uploaded_at,
            person.c.name,
        )
        .join(person, person.c.id == table.c.uploaded_by)
        .where(table.c.case_id == loaded.case.id, table.c.replaced_at.is_(None))
        .order_by(table.c.uploaded_at, table.c.id)
    )
    words = slot_words(loaded.definition)
    return tuple(attachment_view(row, words) for row in found)


def attachment_view(row: Any, words: Mapping[str, Message]) -> AttachmentView:
    """Return a paper's row as it is shown."""
    return AttachmentView(
        id=row.id,
        slot=row.slot,
        slot_words=words.get(row.slot, Message(row.slot, row.slot)),
        file_name=row.file_name,
        media_type=row.media_type,
        size=row.size,
        short_digest=row.sha256[:8],
        uploaded_by=row.name,
        uploaded_at=from_text(row.uploaded_at),
    )


def slot_words(definition: Definition) -> dict[str, Message]:
    """Return what every slot of a process's forms is called."""
    return {
        slot["slot"]: Message(slot["zh"], slot["en"])
        for form in definition.forms.values()
        for slot in form.content.get("attachments", ())
    }


def slots_of(connection: Connection, loaded: LoadedCase, slots: Iterable[Mapping[str, Any]]) -> tuple[SlotView, ...]:
    """Return a form's slots with the papers that lie in them."""
    present: Sequence[AttachmentView] = papers(connection, loaded)
    return tuple(
        SlotView(
            slot["slot"],
            Message(slot["zh"], slot["en"]),
            bool(slot.get("required")),
            tuple(paper for paper in present if paper.slot == slot["slot"]),
        )
        for slot in slots
    )


def _draft(connection: Connection, actor: Actor, subject: str) -> dict[str, Any] | None:
    table = model.draft
    content = connection.execute(
        select(table.c.content)
        .where(table.c.person_id == actor.person_id, table.c.subject == subject, table.c.used_at.is_(None))
        .order_by(table.c.updated_at.desc())
        .limit(1)
    ).scalar()
    return None if content is None else dict(json.loads(content))
