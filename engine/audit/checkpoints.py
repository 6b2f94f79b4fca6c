"""Checkpoints: the order of all events, the tree over them, and its signed head.

Nothing on the hot path waits for this. The checkpointer comes by (every few minutes, or `bangfu audit checkpoint`),
gives the events that are new their places, adds them to the Merkle tree and signs its root. Each checkpoint is also
appended to a file in the instance folder, which is not the database's: whoever puts the database back to yesterday,
or rewrites a chain with right hashes, is contradicted by it. Copies of that file belong on another machine.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, text

from engine.audit.canonical import canonical
from engine.errors import EngineError
from engine.instants import from_text, local_date, to_text
from engine.model import audit_event, checkpoint, event_order
from verifier.chain import GENESIS
from verifier.checkpoints import KIND, digest_of
from verifier.merkle import Frontier

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection, Row

    from engine.audit.keys import Keyring
    from engine.database import Database

COPY = "checkpoints.jsonl"
"""The file in the instance folder that holds every checkpoint once more."""
MOST_AT_ONCE = 50_000
_LOOK_BACK = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed head: how many events it covers, and the root of the tree over them."""

    no: int
    size: int
    root: str
    body: str
    key_id: str
    value: str
    made_at: str
    added: int
    """How many events it covers that the one before did not."""


def take_checkpoint(
    database: Database, keyring: Keyring, folder: Path, now: datetime, *, most: int = MOST_AT_ONCE
) -> Checkpoint | None:
    """Cover the events that are new, at most so many; None where there are none.

    EngineError where the database and the copy in the folder contradict each other: then nothing may be signed on top.
    """
    with database.transaction() as connection:
        made = cover(connection, keyring, folder, now, most=most)
    if made is not None:
        copy_out(folder, made)
    return made


def cover(
    connection: Connection, keyring: Keyring, folder: Path, now: datetime, *, most: int = MOST_AT_ONCE
) -> Checkpoint | None:
    """Cover what is new in the caller's transaction, as :func:`take_checkpoint` does; the copy follows once it is committed."""
    if connection.dialect.name != "sqlite":
        connection.execute(text("LOCK TABLE checkpoint IN EXCLUSIVE MODE"))
    last = _last(connection)
    _complete_copy(connection, folder, last)
    fresh = _new_events(connection, last, now, most)
    if not fresh:
        return None
    stated: dict[str, Any] = json.loads(last.body) if last is not None else {"size": 0, "frontier": [], "no": 0}
    tree = Frontier(stated["size"], stated["frontier"])
    first = tree.size
    for event in fresh:
        tree.add(event.hash)
    made = _sign(tree, stated["no"] + 1, GENESIS if last is None else digest_of(last.body), keyring, now, len(fresh))
    connection.execute(
        insert(event_order),
        [
            {"position": first + place, "stream": event.stream, "seq": event.seq, "hash": event.hash}
            for place, event in enumerate(fresh)
        ],
    )
    connection.execute(
        insert(checkpoint).values(
            no=made.no,
            size=made.size,
            root=made.root,
            body=made.body,
            key_id=made.key_id,
            value=made.value,
            made_at=made.made_at,
        )
    )
    return made


def copy_out(folder: Path, made: Checkpoint) -> None:
    """Append a committed checkpoint to the file; after a crash before this, the next checkpoint catches up."""
    _append_copy(folder, [made])


def newer_than(connection: Connection, moment: datetime) -> int:
    """Return how many events were written from a moment on; the index on the moment answers."""
    counted = select(func.count()).select_from(audit_event).where(audit_event.c.at >= to_text(moment))
    return int(connection.execute(counted).scalar_one())


def read_copy(folder: Path) -> list[dict[str, str]]:
    """Return the checkpoints of the file in the instance folder, oldest first; EngineError where a line cannot be read."""
    path = folder / COPY
    if not path.exists():
        return []
    found: list[dict[str, str]] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            entry = json.loads(line)
            found.append({"body": str(entry["body"]), "key_id": str(entry["key_id"]), "value": str(entry["value"])})
        except (ValueError, KeyError, TypeError) as error:
            raise EngineError(
                "", f"Line {number} of {COPY} is not a checkpoint; restore the file from its copy"
            ) from error
    return found


def _last(connection: Connection) -> Row[Any] | None:
    return connection.execute(select(checkpoint).order_by(checkpoint.c.no.desc()).limit(1)).one_or_none()


def _new_events(connection: Connection, last: Row[Any] | None, now: datetime, most: int) -> Sequence[Any]:
    """Return events that have no place yet.

    Only the last days are looked through, by the index on the moment, except once a day: then all of them, for an event
    that was written by a machine whose clock was wrong.
    """
    known = select(event_order.c.seq).where(
        event_order.c.stream == audit_event.c.stream, event_order.c.seq == audit_event.c.seq
    )
    statement = (
        select(audit_event.c.stream, audit_event.c.seq, audit_event.c.hash)
        .where(~known.exists())
        .order_by(audit_event.c.at, audit_event.c.stream, audit_event.c.seq)
        .limit(most)
    )
    if last is not None:
        made_at = from_text(last.made_at)
        if local_date(made_at) == local_date(now):
            statement = statement.where(audit_event.c.at >= to_text(min(made_at, now) - _LOOK_BACK))
    return connection.execute(statement).all()


def _sign(tree: Frontier, no: int, previous: str, keyring: Keyring, now: datetime, added: int) -> Checkpoint:
    at = to_text(now)
    root = tree.root()
    body = canonical(
        {
            "kind": KIND,
            "no": no,
            "size": tree.size,
            "root": root,
            "frontier": tree.peaks,
            "previous": previous,
            "at": at,
            "key_id": keyring.key_id,
        }
    )
    return Checkpoint(no, tree.size, root, body, keyring.key_id, keyring.sign(body.encode()), at, added)


def _complete_copy(connection: Connection, folder: Path, last: Row[Any] | None) -> None:
    """Bring the file up to the database, where a crash came between the two; refuse where they contradict each other."""
    copied = read_copy(folder)
    count = 0 if last is None else int(last.no)
    if len(copied) > count:
        raise EngineError(
            "",
            f"{COPY} knows {len(copied)} checkpoints but the database only {count}: "
            "the database has been put back to an earlier state, or another instance's folder is in use",
        )
    rows = connection.execute(select(checkpoint).order_by(checkpoint.c.no).offset(max(len(copied) - 1, 0))).all()
    if copied and (not rows or rows[0].body != copied[-1]["body"]):
        raise EngineError(
            "", f"Checkpoint {len(copied)} of the database is not the one in {COPY}: one of them was rewritten"
        )
    _append_copy(folder, rows[1:] if copied else rows)


def _append_copy(folder: Path, made: Sequence[Checkpoint] | Sequence[Row[Any]]) -> None:
    if not made:
        return
    lines = "".join(
        json.dumps({"body": one.body, "key_id": one.key_id, "value": one.value}, ensure_ascii=False) + "\n"
        for one in made
    )
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / COPY, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(lines.encode())
        file.flush()
        os.fsync(file.fileno())


def uncovered(connection: Connection) -> int:
    """Return how many events no checkpoint covers yet."""
    events = connection.execute(select(func.count()).select_from(audit_event)).scalar_one()
    ordered = connection.execute(select(func.count()).select_from(event_order)).scalar_one()
    return int(events) - int(ordered)
