"""Opening a case for a household: number it, take its facts from the register, and hand it to the first step.

Whoever receives the application may be the village clerk, whose step the first one is; then handing in completes and signs it at once. A
township window opens the case with what the household brought, and the village finds it in its inbox (DOMAIN.md B3 step 1).
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, or_, select, update

from engine import model
from engine.audit.canonical import canonical
from engine.audit.chain import GENESIS
from engine.batch import Batch
from engine.errors import Conflict, EngineError, Invalid, Message, NotFound
from engine.instants import local_date, to_text
from engine.people.jurisdiction import Subject, require, verdict
from engine.people.levels import within
from engine.people.regions import place_name
from engine.texts import can_be_kept
from engine.verbs import rows
from engine.verbs.case_work import CaseWork
from engine.verbs.complete import SUBMITTED, Decision, receipt
from engine.verbs.signing import document, make_signature, require_proof

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Row

    from engine.ground import Ground
    from engine.people.accounts import Proof
    from engine.people.actor import Actor
    from engine.runtime import Definition, Element, OpenTask
    from engine.views import Receipt

EMPTY_PAPERS = "0" * 64


def start(
    ground: Ground,
    connection: Connection,
    *,
    actor: Actor,
    process_id: str,
    household_no: str,
    person_no: str,
    values: Mapping[str, Any],
    draft_id: str | None,
    proof: Proof | None,
) -> Receipt:
    """Open a case; see :meth:`engine.process_engine.ProcessEngine.start`."""
    now = ground.clock()
    definition = ground.latest(connection, process_id)
    household, members = find_household(connection, household_no, actor)
    require("start", actor, start_subject(ground, definition, household, members))
    applicant = next((member for member in members if member.person_no == person_no), None)
    if applicant is None:
        wanted = Message("请选择本户的一名成员", "Choose a member of this household")
        raise Invalid(wanted, fields={"person_no": wanted})
    refuse_second_case(connection, process_id, household_no, person_no)
    papers = papers_of(connection, draft_id, actor, household_no)
    refuse_unready(definition, values, papers)
    case = _insert_case(ground, connection, definition, household, members, applicant, actor, papers, now)
    batch = Batch(connection)
    work = CaseWork(ground, batch, case, now)
    work.begin({**facts(definition, household, members, applicant, case.case_no), **values})
    first = work.execution.tasks[0]
    task = _first_row(work, first)
    if verdict("complete", actor, work.subject(task)).permitted:
        _hand_in(work, first, task, actor, values, require_proof(actor, proof, now))
    work.finish(
        "case_started", actor, {"household": household_no, "input": dict(values), "papers": papers_words(papers)}
    )
    _adopt_papers(connection, draft_id, papers, case.id, to_text(now))
    return receipt(work, Message("已受理", "Received"), actor)


def find_household(connection: Connection, household_no: str, actor: Actor) -> tuple[Row[Any], list[Row[Any]]]:
    """Return a household of the actor's jurisdiction with its members; NotFound for any other."""
    household = (
        connection.execute(select(model.household).where(model.household.c.household_no == household_no)).one_or_none()
        if can_be_kept(household_no)
        else None
    )
    if household is None or not within(household.region_code, actor.region_code):
        raise NotFound(Message("没有找到这一户", "There is no such household, or it is not in your jurisdiction"))
    members = connection.execute(
        select(model.member).where(model.member.c.household_no == household_no).order_by(model.member.c.person_no)
    ).all()
    return household, list(members)


def start_subject(ground: Ground, definition: Definition, household: Row[Any], members: list[Row[Any]]) -> Subject:
    """Return what jurisdiction needs to know before a case exists."""
    return Subject(
        case_region=household.region_code,
        kin=frozenset(member.id_hash for member in members),
        starter_roles=ground.starter_roles(definition),
    )


def first_task(definition: Definition) -> Element:
    """Return the first step a person does: the user task nearest to the start event."""
    elements = definition.elements
    queue = [
        element.id
        for element in elements.values()
        if element.kind == "startEvent" and element.process_id == definition.process_id
    ]
    seen: set[str] = set()
    while queue:
        element = elements[queue.pop(0)]
        if element.kind == "userTask":
            return element
        seen.add(element.id)
        queue.extend(target for target in element.targets if target not in seen)
    raise AssertionError(f"{definition.process_id} has no user task")


def running_case(connection: Connection, process_id: str, household_no: str, person_no: str) -> tuple[int, str] | None:
    """Return the id and number of the running case of this kind for this person, if there is one."""
    table = model.process_case
    row = connection.execute(
        select(table.c.id, table.c.case_no).where(
            table.c.household_no == household_no,
            table.c.process_id == process_id,
            table.c.person_no == person_no,
            table.c.status == "OPEN",
        )
    ).first()
    return None if row is None else (int(row.id), str(row.case_no))


def refuse_second_case(connection: Connection, process_id: str, household_no: str, person_no: str) -> None:
    """Refuse to open a second case while one is running."""
    running = running_case(connection, process_id, household_no, person_no)
    if running is not None:
        raise Conflict(
            Message(
                f"该成员已有在办件 {running[1]},不能重复发起",
                f"Case {running[1]} is running for this person; a second one cannot be opened",
            )
        )


def papers_of(connection: Connection, draft_id: str | None, actor: Actor, household_no: str) -> list[Any]:
    """Return the papers uploaded with an unused draft of this actor's for this household; NotFound for any other draft.

    A draft is handed in once: its papers belong to that case from then on. It is locked, so that nothing is added while it is handed in.
    """
    if draft_id is None:
        return []
    drafts, table = model.draft, model.attachment
    found = (
        can_be_kept(draft_id)
        and connection.execute(
            select(drafts.c.id)
            .where(
                drafts.c.id == draft_id,
                drafts.c.person_id == actor.person_id,
                drafts.c.used_at.is_(None),
                or_(drafts.c.household_no.is_(None), drafts.c.household_no == household_no),
            )
            .with_for_update()
        ).scalar()
    )
    if not found:
        raise NotFound(
            Message("没有找到这份草稿,或已经提交", "There is no such draft of yours, or it has been handed in already")
        )
    return list(
        connection.execute(
            select(table.c.id, table.c.slot, table.c.file_name, table.c.size, table.c.sha256)
            .where(table.c.draft_id == draft_id, table.c.uploaded_by == actor.person_id, table.c.replaced_at.is_(None))
            .order_by(table.c.id)
        ).all()
    )


def papers_words(papers: list[Any]) -> list[dict[str, Any]]:
    """Return papers as an event tells them."""
    return [
        {"id": paper.id, "slot": paper.slot, "file_name": paper.file_name, "size": paper.size, "sha256": paper.sha256}
        for paper in papers
    ]


def papers_digest(before: str, papers: list[Any]) -> str:
    """Carry a running digest on over more papers: SHA-256 of what was, the paper's id and its content's digest."""
    for paper in papers:
        before = sha256(f"{before}\n{paper.id}\n{paper.slot}\n{paper.sha256}".encode()).hexdigest()
    return before


def refuse_unready(definition: Definition, values: Mapping[str, Any], papers: list[Any]) -> None:
    """Refuse an application whose form or papers are not complete, naming every fault at once (一次性告知)."""
    form = definition.forms[first_task(definition).properties["form"]]
    errors: dict[str, Message] = dict(form.check(values))
    present = {paper.slot for paper in papers}
    for slot in form.attachments:
        if slot.required and slot.slot not in present:
            errors[f"paper:{slot.slot}"] = Message(f"缺少材料:{slot.zh}", f"A required paper is missing: {slot.en}")
    if errors:
        raise Invalid(
            Message(
                f"有 {len(errors)} 处需要改正,已填内容都在",
                f"{len(errors)} places need correcting; nothing typed is lost",
            ),
            fields=errors,
        )


def facts(
    definition: Definition,
    household: Row[Any],
    members: list[Row[Any]],
    applicant: Row[Any],
    case_no: str,
) -> dict[str, Any]:
    """Return what the register knows, under the names the data dictionary of the process has for it."""
    known: dict[str, Any] = {
        "case_no": case_no,
        "household_no": household.household_no,
        "person_no": applicant.person_no,
        "head_name": household.head_name,
        "village_group": household.village_group,
        "household_size": len(members),
        "household_category": household.category,
        "region_code": household.region_code,
        "county_code": household.region_code[:6],
        "patient_name": applicant.name,
        "patient_id_no": applicant.id_no,
        "patient_relation": applicant.relation,
        "bank_name": household.bank_name,
        "bank_card": household.bank_card,
        "phone": household.phone,
    }
    declared = definition.dictionary.fields
    return {name: value for name, value in known.items() if name in declared and value not in {"", None}}


def _insert_case(
    ground: Ground,
    connection: Connection,
    definition: Definition,
    household: Row[Any],
    members: list[Row[Any]],
    applicant: Row[Any],
    actor: Actor,
    papers: list[Any],
    now: Any,
) -> rows.CaseRow:
    brief = ground.briefing(definition)
    number = _next_number(connection, f"{brief.number_prefix}-{household.region_code[:6]}-{local_date(now).year}")
    row = {
        "case_no": number,
        "process_id": definition.process_id,
        "definition_digest": definition.digest,
        "region_code": household.region_code,
        "household_no": household.household_no,
        "person_no": applicant.person_no,
        "subject_name": household.head_name,
        "initials": household.head_initials,
        "summary": canonical({"members": len(members), "place": place_name(connection, household.region_code)}),
        "status": "OPEN",
        "level": 12,
        "revision": 0,
        "state": b"",
        "event_seq": 0,
        "event_hash": GENESIS,
        "kin": json.dumps(sorted(member.id_hash for member in members)),
        "papers_digest": papers_digest(EMPTY_PAPERS, papers),
        "decided": False,
        "started_by": actor.person_id,
        "opened_at": to_text(now),
        "returns": 0,
    }
    case_id = connection.execute(
        insert(model.process_case).values(**row).returning(model.process_case.c.id)
    ).scalar_one()
    fields = {name: row[name] for name in rows.CASE_FIELDS if name != "id"}
    return rows.CaseRow(id=int(case_id), **fields)


def _next_number(connection: Connection, prefix: str) -> str:
    found = Batch(connection).select(rows.NEXT_NUMBER, {"prefix": prefix})
    return f"{prefix}-{int(found[0][0]):06d}"


def _first_row(work: CaseWork, first: OpenTask) -> rows.TaskRow:
    """Return the first task as its row will have it."""
    level = first.level
    if level is None:
        raise EngineError(first.element_id, "The first task has no lane")
    return rows.TaskRow(
        no=int(first.ref),
        element_id=first.element_id,
        name=first.name,
        level=level.digits,
        region_code=level.region_of(work.case.region_code),
        role=first.properties["post"],
        duty=first.properties["duty"],
        form=first.properties["form"],
        list_name=None,
        state="OPEN",
        claimed_by=None,
        opened_at=work.at,
        closed_at=None,
        outcome=None,
        closed_by=None,
        limit_days=None,
        due_at=None,
        provisional=False,
        stage="NONE",
        clock="{}",
    )


def _hand_in(
    work: CaseWork, first: OpenTask, task: rows.TaskRow, actor: Actor, values: Mapping[str, Any], proof: Proof
) -> None:
    """Complete and sign the first step in the same act."""
    work.settle()
    decision = Decision(SUBMITTED, Message("提交", "Submitted"), "positive", "", dict(values))
    shown = document(
        case=work.case, task=task, actor=actor, outcome=SUBMITTED, opinion="", values=values, data=work.execution.data
    )
    work.hold_duty(actor, task.duty)
    work.sign(task.no, actor, task.duty, make_signature(work.ground.keyring, work.case, shown, proof, work.now))
    work.close_task(task.no, outcome=decision.outcome, by=actor.person_id)
    work.step(lambda execution: execution.complete(first.ref, dict(values)))


def _adopt_papers(connection: Connection, draft_id: str | None, papers: list[Any], case_id: int, at: str) -> None:
    if draft_id is None:
        return
    table = model.attachment
    adopted = connection.execute(
        update(table)
        .where(table.c.id.in_([paper.id for paper in papers]), table.c.case_id.is_(None), table.c.replaced_at.is_(None))
        .values(case_id=case_id)
    )
    if adopted.rowcount != len(papers):
        raise Conflict(
            Message(
                "提交时材料有变动,请核对后再提交", "The papers changed while they were handed in; please look again"
            )
        )
    connection.execute(update(model.draft).where(model.draft.c.id == draft_id).values(used_at=at))
