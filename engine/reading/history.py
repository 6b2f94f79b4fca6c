"""An auditor's replay of one case: the verdict first, then the picture after every event (UX.md §2.7).

Everything shown comes from the sealed events by the fold; the case's own rows are only compared with it. So the page
can be believed exactly as far as its verdict says, and a case whose rows somebody has changed still shows what truly
happened, with a mark that the rows say otherwise. Private values are masked here as on every other page, also inside
the raw record; the evidence package has the sealed bytes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lxml import etree
from sqlalchemy import select

from engine import model
from engine.audit.agreement import differences, unseen
from engine.audit.replay import fold
from engine.audit.verify import reading_bytes, verify_case
from engine.batch import Batch
from engine.errors import EngineError, Message, NotFound
from engine.instants import SHANGHAI, from_text
from engine.people.jurisdiction import Subject, require
from engine.reading.timeline import title_of
from engine.reading.values import field_view, masked, sections
from engine.runtime import Execution
from engine.verbs import rows
from engine.verbs.subjects import OPEN
from engine.views import FrameView, HistoryView

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection, Row

    from engine.audit.replay import Frame
    from engine.audit.verify import Report
    from engine.ground import Ground
    from engine.people.actor import Actor
    from engine.runtime import Definition

_FLOW = "{http://www.omg.org/spec/BPMN/20100524/MODEL}sequenceFlow"
_SHORTEST_SECRET = 2
"""Private texts shorter than this are masked by their name only: a single character would blot out half the record."""


def history(ground: Ground, connection: Connection, case_id: int, actor: Actor) -> HistoryView:
    """Return a case's replay to an auditor of its jurisdiction; NotFound outside it, NotPermitted for other posts."""
    case, definition = _case(ground, connection, case_id, actor)
    with reading_bytes(connection):
        events = connection.execute(
            select(model.audit_event)
            .where(model.audit_event.c.stream == f"case:{case_id}")
            .order_by(model.audit_event.c.seq)
        ).all()
    report = verify_case(connection, ground.keyring, case_id)
    bodies, unreadable = _bodies(events)
    frames = () if unreadable else fold(bodies, definition.elements)
    against = [unreadable] if unreadable else _against(ground, connection, case, definition, frames)
    flows = _flow_ids(definition)
    return HistoryView(
        case_id=case.id,
        case_no=case.case_no,
        subject_name=case.subject_name,
        diagram_xml=definition.diagrams[definition.process_id],
        frames=tuple(
            _frame_view(definition, frame, body, row, flows)
            for frame, body, row in zip(frames, bodies, events, strict=False)
        ),
        verified=report.is_whole and not against,
        checks=_checks(report, against),
        first_bad=_first_bad(report, against),
    )


def _case(ground: Ground, connection: Connection, case_id: int, actor: Actor) -> tuple[rows.CaseRow, Definition]:
    wanted = {"case_id": case_id, "person_hash": actor.person_hash}
    found = 0 < case_id <= rows.LARGEST_KEY and Batch(connection).select(rows.READ_CASE, wanted)
    if not found:
        raise NotFound(Message("没有找到这件办件", "There is no such case, or it is not in your jurisdiction"))
    case, held = rows.as_case(found[0])
    definition = ground.definition(case.definition_digest)
    subject = Subject(case_region=case.region_code, case_open=case.status == OPEN, held_duty=held)
    require("see", actor, subject)
    require("replay", actor, subject)
    return case, definition


def _bodies(events: Sequence[Row[Any]]) -> tuple[list[dict[str, Any]], Message | None]:
    bodies = []
    for event in events:
        try:
            body = json.loads(event.body)
        except (TypeError, ValueError):
            body = None
        if not isinstance(body, dict) or not {"seq", "kind", "at"} <= body.keys() or not _can_be_shown(event):
            return [], Message(f"第 {event.seq} 号事件无法读取", f"Event {event.seq} cannot be read")
        bodies.append(body)
    return bodies, None


def _can_be_shown(event: Row[Any]) -> bool:
    """Say whether every text of a row is one: SQLite keeps whatever bytes a hand puts in, a page can only show text."""
    try:
        return all(isinstance(text, str) and bool(text.encode()) for text in (event.body, event.hash, event.prev_hash))
    except UnicodeEncodeError:
        return False


# ---- the verdict -------------------------------------------------------------------------------------------------------


def _against(
    ground: Ground, connection: Connection, case: rows.CaseRow, definition: Definition, frames: Sequence[Frame]
) -> list[Message]:
    """Return what the case's rows say otherwise than the replay does."""
    task, person, signature = model.task, model.person, model.signature
    tasks = connection.execute(
        select(task, person.c.name.label("claimed_name"))
        .outerjoin(person, person.c.id == task.c.claimed_by)
        .where(task.c.case_id == case.id)
    ).all()
    surroundings = ground.imagined(case, definition, ground.clock())
    try:
        data = Execution.restore(definition, case.state, surroundings, key=ground.keyring.state_key_of(case.id)).data
    except EngineError as error:
        return [Message("办件的运行状态被改动,无法读取", error.reason)]
    signed = connection.execute(
        select(signature.c.event_seq, signature.c.payload).where(signature.c.case_id == case.id)
    ).all()
    found = differences(frames, status=case.status, papers_digest=case.papers_digest, tasks=tasks, data=data)
    return [*found, *unseen(frames, signed)]


def _checks(report: Report, against: Sequence[Message]) -> tuple[tuple[Message, bool], ...]:
    def holds(table: str) -> bool:
        return not any(problem.where.startswith(table) for problem in report.problems)

    covered, events = min(report.covered, report.events), report.events
    if report.anchored_at:
        at = from_text(report.anchored_at).astimezone(SHANGHAI)
        anchored = Message(f"已锚定 {at:%m-%d %H:%M}", f"Anchored {at:%Y-%m-%d %H:%M}")
    elif covered:
        anchored = Message(
            f"已锚定 {covered} / {events},其余待下一锚点",
            f"Anchored {covered} of {events}, the rest at the next checkpoint",
        )
    else:
        anchored = Message("待下一锚点", "To be anchored at the next checkpoint")
    return (
        (Message(f"事件链完整 {events} / {events}", f"Chain whole, {events} of {events}"), holds("audit_event")),
        (
            Message(
                f"签名有效 {report.signatures} / {report.signatures}",
                f"Signatures valid, {report.signatures} of {report.signatures}",
            ),
            holds("signature"),
        ),
        (
            Message(
                f"材料一致 {report.papers} / {report.papers}", f"Papers unchanged, {report.papers} of {report.papers}"
            ),
            holds("attachment"),
        ),
        (Message("重放结果与当前状态一致", "The replay agrees with the case as it is"), not against),
        (anchored, not any("covered" in problem.en for problem in report.problems)),
    )


def _first_bad(report: Report, against: Sequence[Message]) -> Message | None:
    bad = report.first_bad
    if bad is not None:
        return Message(f"{bad.where}:{bad.zh}", f"{bad.where}: {bad.en}")
    return against[0] if against else None


# ---- the pictures ------------------------------------------------------------------------------------------------------


def _frame_view(
    definition: Definition,
    frame: Frame,
    body: Mapping[str, Any],
    row: Row[Any],
    flows: Mapping[tuple[str, str], tuple[str, ...]],
) -> FrameView:
    return FrameView(
        n=frame.n,
        seq=frame.seq,
        kind=frame.kind,
        at=from_text(frame.at),
        title=title_of(body),
        actor=_actor_words(frame.actor),
        opinion=frame.opinion,
        states=dict(frame.states),
        flows=tuple(flow for way in frame.flows for flow in flows.get(way, ())),
        changes=tuple(_change(definition, name, pair) for name, pair in sorted(frame.changes.items())),
        decisions=tuple(_decision_words(definition, step) for step in frame.decisions),
        form=sections(definition, frame.data),
        signature_digest=frame.signature,
        hash=row.hash,
        prev_hash=row.prev_hash,
        raw=json.dumps(_without_secrets(definition, frame, body), ensure_ascii=False, indent=2, sort_keys=True),
    )


def _actor_words(actor: Mapping[str, Any]) -> Message:
    if "name" in actor:
        name, body = actor["name"], actor.get("body", "")
        return Message(
            f"{name} {body} {actor.get('title_zh', '')}".strip(), f"{name}, {actor.get('title_en', '')}, {body}"
        )
    return Message("定时器", "The clock") if "clock" in actor else Message("系统", "The system")


def _change(definition: Definition, name: str, pair: tuple[Any, Any]) -> tuple[Message, Message, Message]:
    before, after = (field_view(definition, name, {name: value}) for value in pair)
    nothing = Message("", "")
    return (
        before.words,
        nothing if pair[0] is None else before.text,
        nothing if pair[1] is None else after.text,
    )


def _decision_words(definition: Definition, step: Mapping[str, Any]) -> Message:
    element = definition.elements.get(step["element"])
    table = element.name if element is not None else step["table"]
    hits = step["hits"]
    numbers_zh = "、".join(str(hit["number"]) for hit in hits) or "无"
    numbers_en = ", ".join(str(hit["number"]) for hit in hits) or "none"
    citations = ";".join(dict.fromkeys(hit["citation"] for hit in hits if hit.get("citation")))
    return Message(
        f"{table}({step['table']})第 {numbers_zh} 行命中" + (f":{citations}" if citations else ""),
        f"{step['table']}: row {numbers_en} hit" + (f" ({citations})" if citations else ""),
    )


def _flow_ids(definition: Definition) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the sequence flows from one shape to another, by the two shapes."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for drawing in definition.diagrams.values():
        for flow in etree.fromstring(drawing.encode(), parser).iter(_FLOW):
            way = flow.get("sourceRef", ""), flow.get("targetRef", "")
            found[way] = (*found.get(way, ()), flow.get("id", ""))
    return found


def _without_secrets(definition: Definition, frame: Frame, body: Mapping[str, Any]) -> Any:
    """Return an event with every private value masked, wherever it stands in it."""
    private = {name: entry for name, entry in definition.dictionary.fields.items() if entry.get("private")}
    secrets: dict[str, str] = {}
    sources: Iterable[Mapping[str, Any]] = (
        frame.data,
        body.get("input", {}),
        {name: pair[0] for name, pair in frame.changes.items()},
        {name: pair[1] for name, pair in frame.changes.items()},
    )
    for source in sources:
        for name in private.keys() & source.keys():
            if isinstance(source[name], str) and len(source[name]) >= _SHORTEST_SECRET:
                secrets[source[name]] = masked(private[name], source[name]).zh
    return _masked_tree(body, private, secrets)


def _masked_tree(value: Any, private: Mapping[str, Mapping[str, Any]], secrets: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            name: _hidden(inner, private[name]) if name in private else _masked_tree(inner, private, secrets)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_masked_tree(inner, private, secrets) for inner in value]
    if isinstance(value, str):
        for secret, mask in secrets.items():
            if secret in value:
                value = value.replace(secret, mask)
    return value


def _hidden(value: Any, entry: Mapping[str, Any]) -> Any:
    if value is None:
        return None
    if isinstance(value, list):
        return [_hidden(one, entry) for one in value]
    return masked(entry, value).zh
