"""The evidence package of a case: everything that proves its story, in one file that can be checked without us.

A package holds the case's own chain, and the events of other streams that are about the case cannot be in it: their
chains belong to persons and hold other cases too. What it proves beyond our word is in its checkpoint: each event's
place in the tree whose root was signed and copied away. The offline verifier (`python -m verifier`) checks it; its
format stands there.
"""

from __future__ import annotations

import json
import zipfile
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.audit.canonical import canonical
from engine.audit.signatures import ALGORITHM
from engine.errors import Message, NotFound
from engine.instants import to_text
from engine.model import attachment, audit_event, checkpoint, event_order, process_case, signature
from verifier import package as form
from verifier.checkpoints import CheckpointRow
from verifier.merkle import paths
from verifier.signatures import SignatureRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from engine.audit.keys import Keyring

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""Every member bears the same date, so that the same evidence is the same file."""


def export_case(
    connection: Connection, keyring: Keyring, case_no: str, path: Path, now: datetime, *, with_papers: bool = False
) -> int:
    """Write the evidence package of a case and return how many events it holds; NotFound where there is no such case.

    `with_papers` puts the papers' content in too: bills and diagnoses, so only for whoever may see them.
    """
    case = connection.execute(
        select(process_case.c.id, process_case.c.event_seq, process_case.c.event_hash).where(
            process_case.c.case_no == case_no
        )
    ).one_or_none()
    if case is None:
        raise NotFound(Message(f"没有办件 {case_no}", f"There is no case {case_no}"))
    stream = f"case:{case.id}"
    events = connection.execute(
        select(audit_event.c.seq, audit_event.c.hash, audit_event.c.prev_hash, audit_event.c.body)
        .where(audit_event.c.stream == stream)
        .order_by(audit_event.c.seq)
    ).all()
    signatures = connection.execute(
        select(*(signature.c[name] for name in SignatureRow._fields))
        .where(signature.c.case_id == case.id)
        .order_by(signature.c.event_seq)
    ).all()
    members: dict[str, bytes] = {
        form.EVENTS: "".join(f"{row.hash}\t{row.prev_hash}\t{row.body}\n" for row in events).encode(),
        form.SIGNATURES: _lines(list(row) for row in signatures),
        **_anchor(connection, stream),
    }
    told = _papers(events)
    if with_papers:
        members.update(_contents(connection, told))
    write_package(
        path,
        keyring,
        about=case_no,
        now=now,
        members=members,
        heads={stream: [case.event_seq, case.event_hash]},
        papers=[{**paper, "included": form.PAPERS + paper["id"] in members} for paper in told],
    )
    return len(events)


def write_package(
    path: Path,
    keyring: Keyring,
    *,
    about: str,
    now: datetime,
    members: dict[str, bytes],
    heads: dict[str, list[Any]],
    papers: Sequence[dict[str, Any]] = (),
) -> None:
    """Write members, keys and a signed manifest as one file."""
    manifest = canonical(
        {
            "format": form.FORMAT,
            "about": about,
            "made_at": to_text(now),
            "members": {name: sha256(content).hexdigest() for name, content in members.items()},
            "heads": heads,
            "papers": list(papers),
        }
    ).encode()
    seal = {"algorithm": ALGORITHM, "key_id": keyring.key_id, "value": keyring.sign(manifest)}
    keys = {key_id: raw.hex() for key_id, raw in sorted(keyring.public_keys.items())}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in {
            form.MANIFEST: manifest,
            form.SEAL: canonical(seal).encode(),
            form.KEYS: canonical(keys).encode(),
            **members,
        }.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, content)


def _anchor(connection: Connection, stream: str) -> dict[str, bytes]:
    """Return the last checkpoint and the proof of each event of a stream that it covers; nothing where there is none."""
    last = connection.execute(
        select(*(checkpoint.c[name] for name in CheckpointRow._fields)).order_by(checkpoint.c.no.desc()).limit(1)
    ).one_or_none()
    if last is None:
        return {}
    mine = connection.execute(
        select(event_order.c.position, event_order.c.seq)
        .where(event_order.c.stream == stream, event_order.c.position < last.size)
        .order_by(event_order.c.seq)
    ).all()
    hashes = connection.execute(
        select(event_order.c.hash).where(event_order.c.position < last.size).order_by(event_order.c.position)
    ).scalars()
    proofs = paths(list(hashes), [row.position for row in mine])
    return {
        form.CHECKPOINT: canonical(list(last)).encode(),
        form.PROOFS: _lines([stream, row.seq, row.position, proofs[row.position]] for row in mine),
    }


def _papers(events: Sequence[Any]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for event in events:
        try:
            body = json.loads(event.body)
        except ValueError:
            continue  # a changed event goes into the package as it is, for the verifier to name
        for paper in [*body.get("papers", ()), *body.get("attachments", ())]:
            found[str(paper["id"])] = {name: paper[name] for name in ("id", "slot", "file_name", "size", "sha256")}
    return list(found.values())


def _contents(connection: Connection, told: Sequence[dict[str, Any]]) -> dict[str, bytes]:
    rows = connection.execute(
        select(attachment.c.id, attachment.c.content).where(attachment.c.id.in_([paper["id"] for paper in told]))
    )
    return {form.PAPERS + str(row.id): bytes(row.content) for row in rows}


def _lines(rows: Iterable[list[Any]]) -> bytes:
    return "".join(canonical(row) + "\n" for row in rows).encode()
