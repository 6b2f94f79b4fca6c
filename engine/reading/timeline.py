"""The timeline of a case: its audit events in a person's words, with posts and bodies as they were then.

It reads the events and nothing else, so what it says cannot differ from what is proved.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine import model
from engine.deadlines.stages import Stage
from engine.errors import Message
from engine.instants import from_text, local_date
from engine.views import TimelineEntry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from engine.deadlines.calendar import WorkingCalendar

STATUS_WORDS: Mapping[str, Message] = {
    "OPEN": Message("办理中", "Open"),
    "COMPLETED": Message("已办结", "Completed"),
    "REJECTED": Message("不予救助", "Refused"),
    "WITHDRAWN": Message("已撤回", "Withdrawn"),
    "NOTHING_TO_PAY": Message("无可救助金额", "Nothing to pay"),
}


def events_of(connection: Connection, case_id: int) -> list[dict[str, Any]]:
    """Return the bodies of a case's events, in order."""
    rows = connection.execute(
        select(model.audit_event.c.body)
        .where(model.audit_event.c.stream == f"case:{case_id}")
        .order_by(model.audit_event.c.seq)
    )
    return [json.loads(row.body) for row in rows]


def timeline(events: Sequence[Mapping[str, Any]], calendar: WorkingCalendar) -> tuple[TimelineEntry, ...]:
    """Return the case's story, newest first."""
    return tuple(_entry(event, calendar) for event in reversed(events))


def _entry(event: Mapping[str, Any], calendar: WorkingCalendar) -> TimelineEntry:
    actor = event.get("actor") or {}
    task = event.get("task") or {}
    used: int | None = None
    if event["kind"] == "task_completed" and task.get("opened_at"):
        used = calendar.working_days_between(
            local_date(from_text(task["opened_at"])), local_date(from_text(event["at"]))
        )
    return TimelineEntry(
        seq=event["seq"],
        at=from_text(event["at"]),
        tone=_tone(event),
        title=title_of(event),
        name=str(actor.get("name", "")),
        post=Message(str(actor.get("title_zh", "")), str(actor.get("title_en", ""))),
        body=str(actor.get("body", "")),
        lines=_lines(event),
        opinion=str(event.get("opinion") or event.get("reason") or ""),
        signature_digest=str(event.get("signature", "")),
        used_days=used,
    )


def _tone(event: Mapping[str, Any]) -> str:
    kind = event["kind"]
    if kind == "task_completed":
        return {"return": "returned", "refusal": "refused"}.get(str(event.get("tone")), "ok")
    if kind == "case_started":
        return "ok"
    if kind == "case_withdrawn":
        return "refused"
    return "system"


def title_of(event: Mapping[str, Any]) -> Message:
    """Return what an event says happened, as a title."""
    kind = event["kind"]
    step = str((event.get("task") or {}).get("name", ""))
    stage = Stage(event["stage"]).text if "stage" in event else Message("", "")
    titles = {
        "case_started": Message("受理申请", "Received the application"),
        "task_completed": Message(f"{step}:{event.get('outcome_zh', '')}", f"{step}: {event.get('outcome_en', '')}"),
        "task_claimed": Message(f"领取 {step}", f"Claimed {step}"),
        "task_released": Message(f"退领 {step}", f"Released {step}"),
        "task_reassigned": Message(f"改派 {step}", f"Reassigned {step}"),
        "case_withdrawn": Message("撤回申请", "Withdrew the application"),
        "stage_reached": Message(f"{stage.zh}:{step}", f"{step}: {stage.en}"),
        "timer_fired": Message(f"{event.get('name') or '时间到'}", f"{event.get('name') or 'Time came'}"),
        "paper_attached": Message(f"补充材料:{step}", f"Added a paper: {step}"),
        "message_received": Message("登记异议", "Registered an objection"),
    }
    return titles.get(kind, Message(kind, kind))


def _lines(event: Mapping[str, Any]) -> tuple[Message, ...]:
    lines: list[Message] = []
    for step in event.get("steps", ()):
        if step["kind"] == "decision":
            numbers = "、".join(str(hit["number"]) for hit in step["hits"])
            title = step.get("title", step["table"])
            lines.append(Message(f"{title}:第 {numbers} 行命中", f"Table {step['table']}: row {numbers} hit"))
    passed = set(event.get("closed", ()))
    for opened in event.get("opened", ()):
        if opened["no"] in passed:
            continue
        lines.append(Message(f"转至 {opened['name']}", f"On to {opened['name']}"))
    if "moved_to" in event:
        lines.append(Message("改由本单位负责人办理", "Moved to the leader of the body"))
    if "ended" in event:
        words = STATUS_WORDS.get(event["ended"]["status"], Message(event["ended"]["status"], event["ended"]["status"]))
        lines.append(Message(f"办件结束:{words.zh}", f"The case ended: {words.en}"))
    return tuple(lines)
