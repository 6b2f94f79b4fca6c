"""Whether what is stored now is what the events led to: the last picture against the rows, signatures against the fold.

The chain proves that nobody changed the story; this proves that nobody changed the ending. A status, an open task, a
post that holds it or a value in the case's data that no event explains was written by another hand than ours
(RELIABILITY.md §3.3, F32).
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from engine.audit.canonical import canonical
from engine.errors import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.audit.replay import Frame

NO_PAPERS = "0" * 64


def differences(
    frames: Sequence[Frame], *, status: str, papers_digest: str, tasks: Iterable[Any], data: Mapping[str, Any]
) -> list[Message]:
    """Return a sentence for each thing that is not as the events left it; `tasks` are the case's task rows, open or not."""
    if not frames:
        return [Message("没有任何审计事件", "There is no event at all")]
    last = frames[-1]
    found: list[Message] = []
    if status != last.status:
        found.append(_differs("状态", "status", last.status, status))
    running = _papers_digests(frames)[-1]
    if papers_digest != running:
        found.append(_differs("材料摘要", "papers_digest", running[:12], papers_digest[:12]))
    found.extend(_task_differences(last, tasks))
    known = {name: value for name, value in data.items() if value is not None}
    found.extend(
        Message(f"数据“{name}”与事件不符", f"The value {name} is not what the events led to")
        for name in sorted({*known, *last.data})
        if known.get(name) != last.data.get(name)
    )
    return found


def _task_differences(last: Frame, tasks: Iterable[Any]) -> list[Message]:
    found = []
    rows = {row.no: row for row in tasks if row.state == "OPEN"}
    told = {task.no: task for task in last.waiting}
    for no in sorted({*rows, *told}):
        row, task = rows.get(no), told.get(no)
        if task is None:
            found.append(_differs(f"任务 {no}", f"task {no}", "not open", "open"))
        elif row is None:
            found.append(_differs(f"任务 {no}({task.name})", f"task {no} ({task.element})", "open", "not open"))
        else:
            pairs: tuple[tuple[str, object, object], ...] = (
                ("element_id", task.element, row.element_id),
                ("level", task.level, row.level),
                ("region_code", task.region, row.region_code),
                ("role", task.role, row.role),
                ("stage", task.stage, row.stage),
                ("due_at", task.due_at, row.due_at),
                ("claimed_by", task.holder, row.claimed_name),
            )
            found.extend(
                _differs(f"任务 {no} 的 {column}", f"{column} of task {no}", wanted, had)
                for column, wanted, had in pairs
                if wanted != had
            )
    return found


def unseen(frames: Sequence[Frame], signatures: Iterable[Any]) -> list[Message]:
    """Return a sentence for each signature whose text does not cover what its signer was shown at that step.

    The text names digests of all data and papers before the step; they are computed again from the fold. The first step is
    signed in the act that makes the data, so there only the papers are compared.
    """
    places = {frame.seq: place for place, frame in enumerate(frames)}
    digests = _papers_digests(frames)
    found = []
    for row in signatures:
        place = places.get(row.event_seq)
        try:
            payload = json.loads(row.payload)
        except ValueError:
            payload = None
        if place is None or not isinstance(payload, dict):
            continue  # the proof names these
        papers = digests[place if place == 0 else place - 1]
        if payload.get("papers_digest") != papers:
            found.append(
                Message(
                    f"第 {row.event_seq} 号事件签署时的材料与回放不符",
                    f"The papers signed with event {row.event_seq} are not those of the replay",
                )
            )
        if place and payload.get("data_digest") != digest_of(frames[place - 1].data):
            found.append(
                Message(
                    f"第 {row.event_seq} 号事件签署时所见的数据与回放不符",
                    f"The data signed with event {row.event_seq} are not those of the replay",
                )
            )
    return found


def digest_of(data: Mapping[str, Any]) -> str:
    """Return the digest a signature names for data."""
    return sha256(canonical(dict(data)).encode()).hexdigest()


def _papers_digests(frames: Sequence[Frame]) -> list[str]:
    """Return the running digest over the papers after each frame."""
    running, known, found = NO_PAPERS, 0, []
    for frame in frames:
        papers = list(frame.papers.values())
        for paper in papers[known:]:
            running = sha256(f"{running}\n{paper['id']}\n{paper['slot']}\n{paper['sha256']}".encode()).hexdigest()
        known = len(papers)
        found.append(running)
    return found


def _differs(zh: str, en: str, wanted: object, had: object) -> Message:
    return Message(f"{zh}应为 {wanted!s},现为 {had!s}", f"Expected {en} to be {wanted!s}, found {had!s}")
