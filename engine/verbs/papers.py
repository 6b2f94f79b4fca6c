"""Drafts and papers: what a person has typed and uploaded before anything is decided.

A draft belongs to the person who typed it and is kept exactly as typed, right or wrong, so that a refusal, a lost line or a new
session loses nothing. A paper is kept under its digest; a replaced one stays in the row as history.
"""

from __future__ import annotations

import json
import secrets
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from engine import model
from engine.audit.writing import append
from engine.errors import Invalid, Message, NotFound
from engine.instants import to_text
from engine.people.jurisdiction import require
from engine.texts import can_be_kept
from engine.verbs import rows
from engine.verbs.complete import lock_task
from engine.verbs.start import papers_digest
from engine.verbs.task_ids import parse_task_id

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from engine.ground import Ground
    from engine.people.actor import Actor

LARGEST_PAPER = 5_000_000
MOST_DRAFT_CHARACTERS = 100_000

_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "application/pdf"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
)
"""How the files begin that may be uploaded; the content decides, not the name."""


def save_draft(
    connection: Connection,
    *,
    actor: Actor,
    subject: str,
    content: Mapping[str, Any],
    household_no: str | None,
    now: datetime,
) -> str:
    """Keep what a person has typed for a subject; one unused draft a person, subject and household, the newest content wins."""
    # Kept exactly as typed, so whatever is not plain goes in as an escape: a draft is no place to refuse a character.
    text = json.dumps(dict(content))
    if sum(len(f"{name}{value}") for name, value in content.items()) > MOST_DRAFT_CHARACTERS or len(subject) > 64:  # noqa: PLR2004  (the column's width)
        raise Invalid(Message("草稿太长,没有保存", "The draft is too long and was not saved"))
    if not can_be_kept(subject) or not can_be_kept(household_no or "") or len(household_no or "") > 24:  # noqa: PLR2004  (the column's width)
        raise Invalid(Message("草稿没有这样的事项", "There is nothing of that name to keep a draft for"))
    table = model.draft
    known = connection.execute(
        select(table.c.id).where(
            table.c.person_id == actor.person_id,
            table.c.subject == subject,
            table.c.household_no == household_no if household_no else table.c.household_no.is_(None),
            table.c.used_at.is_(None),
        )
    ).scalar()
    if known is not None:
        connection.execute(update(table).where(table.c.id == known).values(content=text, updated_at=to_text(now)))
        return str(known)
    draft_id = secrets.token_hex(16)
    connection.execute(
        insert(table).values(
            id=draft_id,
            person_id=actor.person_id,
            post_id=actor.post_id,
            subject=subject,
            household_no=household_no,
            content=text,
            updated_at=to_text(now),
        )
    )
    return draft_id


def attach_to_draft(
    connection: Connection, *, actor: Actor, draft_id: str, slot: str, file_name: str, content: bytes, now: datetime
) -> str:
    """Put a paper into a slot of a draft; an earlier one in the same slot stays beside it. Return the paper's id."""
    table = model.draft
    # Locked, so that it is not handed in while a paper is put into it.
    owner = (
        can_be_kept(draft_id)
        and connection.execute(
            select(table.c.person_id).where(table.c.id == draft_id, table.c.used_at.is_(None)).with_for_update()
        ).scalar()
    )
    if owner != actor.person_id:
        raise NotFound(Message("没有找到这份草稿", "There is no such draft of yours"))
    return _insert(connection, actor, slot, file_name, content, now, draft_id=draft_id)


def attach_to_task(
    ground: Ground, connection: Connection, *, actor: Actor, task_id: str, slot: str, file_name: str, content: bytes
) -> str:
    """Put a paper into a case while dealing with one of its tasks; the case moves on by one revision and an event tells it."""
    work, task, held = lock_task(ground, connection, task_id, actor)
    require("attach", actor, work.subject(task, held))
    paper_id = _insert(connection, actor, slot, file_name, content, work.now, case_id=parse_task_id(task_id)[0])
    row = connection.execute(
        select(
            model.attachment.c.id,
            model.attachment.c.slot,
            model.attachment.c.file_name,
            model.attachment.c.size,
            model.attachment.c.sha256,
        ).where(model.attachment.c.id == paper_id)
    ).one()
    work.batch.put(
        rows.UPDATE_PAPERS,
        {"id": work.case.id, "papers_digest": papers_digest(work.case.papers_digest, [row])},
        expect=1,
    )
    work.finish(
        "paper_attached",
        actor,
        {
            "task": {"no": task.no, "element": task.element_id, "name": task.name, "level": task.level},
            "attachments": [
                {"id": row.id, "slot": row.slot, "file_name": row.file_name, "size": row.size, "sha256": row.sha256}
            ],
        },
    )
    return paper_id


def remove_from_draft(connection: Connection, *, actor: Actor, paper_id: str, now: datetime) -> None:
    """Take a paper out of a draft again; one that lies in a case stays."""
    table = model.attachment
    if not can_be_kept(paper_id):
        raise NotFound(Message("没有找到这份材料", "There is no such paper in a draft of yours"))
    found = connection.execute(
        update(table)
        .where(
            table.c.id == paper_id,
            table.c.uploaded_by == actor.person_id,
            table.c.case_id.is_(None),
            table.c.replaced_at.is_(None),
        )
        .values(replaced_at=to_text(now))
    )
    if found.rowcount != 1:
        raise NotFound(Message("没有找到这份材料", "There is no such paper in a draft of yours"))


def reveal(ground: Ground, connection: Connection, *, case_id: int, name: str, actor: Actor) -> str:
    """Return a masked value in full and leave a trace of who looked."""
    from engine.reading.tasks import load_case

    loaded = load_case(ground, connection, case_id, actor)
    require("reveal", actor, loaded.subject)
    entry = loaded.definition.dictionary.entry(name)
    if entry is None or not entry.get("private") or name not in loaded.data:
        raise NotFound(Message("没有这一项", "There is no such value"))
    append(
        connection,
        f"person:{actor.person_id}",
        "data_revealed",
        ground.clock(),
        actor,
        loaded.case.region_code,
        case_id=case_id,
        case=loaded.case.case_no,
        field=name,
    )
    return str(loaded.data[name])


def _insert(
    connection: Connection,
    actor: Actor,
    slot: str,
    file_name: str,
    content: bytes,
    now: datetime,
    *,
    draft_id: str | None = None,
    case_id: int | None = None,
) -> str:
    media_type = _media_type(content)
    if not can_be_kept(slot):
        raise Invalid(Message("没有这一类材料", "There is no such kind of paper"))
    paper_id = secrets.token_hex(16)
    connection.execute(
        insert(model.attachment).values(
            id=paper_id,
            draft_id=draft_id,
            case_id=case_id,
            slot=slot[:48],
            file_name=plain_name(file_name),
            media_type=media_type,
            size=len(content),
            sha256=sha256(content).hexdigest(),
            content=content,
            uploaded_by=actor.person_id,
            uploaded_at=to_text(now),
        )
    )
    return paper_id


def _media_type(content: bytes) -> str:
    if not content:
        raise Invalid(Message("文件是空的,请重新选择", "The file is empty; choose it again"))
    if len(content) > LARGEST_PAPER:
        most = LARGEST_PAPER // 1_000_000
        raise Invalid(Message(f"文件太大,最多 {most} MB", f"The file is too large; {most} MB is the most"))
    for beginning, media_type in _KINDS:
        if content.startswith(beginning):
            return media_type
    raise Invalid(
        Message(
            "只能上传 PDF、JPG、PNG 文件,请重新拍照或另存",
            "Only PDF, JPG and PNG files can be uploaded; take a photo or save it as one",
        )
    )


def plain_name(file_name: str) -> str:
    """Return a file's own name without folders and without characters that no name needs."""
    name = file_name.replace("\\", "/").rpartition("/")[2]
    cleaned = "".join(character for character in name if character.isprintable() and character not in '<>:"|?*')
    return cleaned[-120:] or "未命名"
