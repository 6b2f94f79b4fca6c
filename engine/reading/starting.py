"""The page that opens a case: for whom, what the register knows, what has to be filled in, and whether one is running already."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine import model
from engine.errors import Message
from engine.people.jurisdiction import Subject, verdict
from engine.people.regions import place_name
from engine.reading.tasks import attachment_view
from engine.register.id_numbers import mask
from engine.verbs.start import facts, find_household, first_task, running_case, start_subject
from engine.views import SlotView, StartForm

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from engine.ground import Ground
    from engine.people.actor import Actor
    from engine.views import AttachmentView


@dataclass(frozen=True, slots=True)
class StartChoice:
    """A process one may or may not open a case of."""

    process_id: str
    title: Message
    version: int
    permitted: bool
    reason: Message | None


def start_choices(ground: Ground, connection: Connection, actor: Actor) -> tuple[StartChoice, ...]:
    """Return every deployed process with the answer whether this post may open a case of it."""
    table = model.definition
    names = connection.execute(select(table.c.process_id).distinct().order_by(table.c.process_id)).scalars().all()
    found = []
    for name in names:
        definition = ground.latest(connection, name)
        subject = Subject(case_region=actor.region_code, starter_roles=ground.starter_roles(definition))
        answer = verdict("start", actor, subject)
        found.append(
            StartChoice(
                name,
                ground.briefing(definition).title,
                ground.version(definition.digest),
                answer.permitted,
                answer.reason,
            )
        )
    return tuple(found)


def start_form(
    ground: Ground, connection: Connection, process_id: str, household_no: str, person_no: str | None, actor: Actor
) -> StartForm:
    """Return the form for a member of a household (the head where none is named)."""
    from engine.people.jurisdiction import require

    definition = ground.latest(connection, process_id)
    household, members = find_household(connection, household_no, actor)
    require("start", actor, start_subject(ground, definition, household, members))
    applicant = next((one for one in members if one.person_no == person_no), None) or next(
        (one for one in members if one.name == household.head_name), members[0]
    )
    element = first_task(definition)
    form = definition.forms[element.properties["form"]]
    known = facts(definition, household, members, applicant, "")
    draft_id, typed, papers = _draft(connection, actor, process_id, household_no)
    values: dict[str, Any] = {name: known[name] for name in form.fields if name in known}
    return StartForm(
        process_id=process_id,
        title=ground.briefing(definition).title,
        household={
            "household_no": household.household_no,
            "head_name": household.head_name,
            "place": place_name(connection, household.region_code),
            "village_group": household.village_group,
            "category": household.category,
            "category_words": ground.briefing(definition).choice_words("household_category", household.category),
            "bank_name": household.bank_name,
            "person_no": applicant.person_no,
            "person_name": applicant.name,
            "members": [
                {
                    "person_no": one.person_no,
                    "name": one.name,
                    "relation": one.relation,
                    "id_masked": mask(one.id_no),
                    "died_on": one.died_on,
                    "running": running_case(connection, process_id, household_no, one.person_no),
                }
                for one in members
            ],
        },
        form=form.content,
        fields={name: definition.dictionary.entry(name) or {} for name in form.fields},
        values={**values, **typed},
        slots=tuple(
            SlotView(
                slot.slot,
                Message(slot.zh, slot.en),
                slot.required,
                tuple(paper for paper in papers if paper.slot == slot.slot),
            )
            for slot in form.attachments
        ),
        running_case=running_case(connection, process_id, household_no, applicant.person_no),
        draft_id=draft_id,
        after=(),
    )


def _draft(
    connection: Connection, actor: Actor, process_id: str, household_no: str
) -> tuple[str, dict[str, Any], tuple[AttachmentView, ...]]:
    table, paper, person = model.draft, model.attachment, model.person
    row = connection.execute(
        select(table.c.id, table.c.content)
        .where(
            table.c.person_id == actor.person_id,
            table.c.subject == f"start:{process_id}",
            table.c.household_no == household_no,
            table.c.used_at.is_(None),
        )
        .order_by(table.c.updated_at.desc())
    ).first()
    if row is None:
        return "", {}, ()
    found = connection.execute(
        select(paper, person.c.name)
        .join(person, person.c.id == paper.c.uploaded_by)
        .where(paper.c.draft_id == row.id, paper.c.replaced_at.is_(None))
        .order_by(paper.c.uploaded_at)
    )
    return row.id, dict(json.loads(row.content)), tuple(attachment_view(one, {}) for one in found)
