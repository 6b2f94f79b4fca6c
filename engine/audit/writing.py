"""Appending to the chains that are not cases: log-ins, refusals, reads of personal data, administrative changes.

A case's own chain is written by the verb that moves it, with the case row as its head; the others have their heads
in audit_stream, one row a stream, locked while an event is appended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import model
from engine.audit.canonical import canonical
from engine.audit.chain import GENESIS, seal
from engine.batch import Batch, Statement, insert
from engine.instants import to_text

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from engine.people.actor import Actor

_OPEN_STREAM = Statement(
    "INSERT INTO audit_stream (stream, seq, hash) VALUES (:stream, 0, :hash) ON CONFLICT (stream) DO NOTHING"
)
_LOCK_STREAM = Statement(
    "SELECT seq, hash FROM audit_stream WHERE stream = :stream",
    lock="SELECT seq FROM audit_stream WHERE stream = :stream FOR UPDATE",
)
_MOVE_STREAM = Statement("UPDATE audit_stream SET seq = :seq, hash = :hash WHERE stream = :stream")
_INSERT = insert(
    model.audit_event,
    *["stream", "seq", "case_id", "kind", "at", "actor_id", "region_code", "body", "prev_hash", "hash"],
)


def append(
    connection: Connection,
    stream: str,
    kind: str,
    at: datetime,
    actor: Actor | None,
    region: str = "",
    **body: Any,
) -> str:
    """Append one event to a stream in the caller's transaction; return its hash.

    `actor` is None for what the system does by itself; `body` holds JSON values without floats.
    """
    batch = Batch(connection)
    batch.put(_OPEN_STREAM, {"stream": stream, "hash": GENESIS})
    batch.send()
    seq, head = batch.select(_LOCK_STREAM, {"stream": stream})[0]
    seq = int(seq) + 1
    moment = to_text(at)
    event = {
        "v": 1,
        "stream": stream,
        "seq": seq,
        "kind": kind,
        "at": moment,
        "actor": {"system": True} if actor is None else actor_words(actor),
        "region": region,
        **body,
    }
    text = canonical(event)
    hashed = seal(head, text)
    batch.put(
        _INSERT,
        {
            "stream": stream,
            "seq": seq,
            "case_id": body.get("case_id"),
            "kind": kind,
            "at": moment,
            "actor_id": None if actor is None else actor.person_id,
            "region_code": region,
            "body": text,
            "prev_hash": head,
            "hash": hashed,
        },
    )
    batch.put(_MOVE_STREAM, {"stream": stream, "seq": seq, "hash": hashed})
    batch.send()
    return hashed


def actor_words(actor: Actor | str) -> dict[str, Any]:
    """Return how an event names its actor: person, post and body as they are now, or the clock, or the system."""
    if isinstance(actor, str):
        return {actor: True}
    return {
        "person": actor.person_id,
        "name": actor.name,
        "post": actor.post_id,
        "role": actor.role,
        "title_zh": actor.title_zh,
        "title_en": actor.title_en,
        "region": actor.region_code,
        "body": actor.body,
    }
