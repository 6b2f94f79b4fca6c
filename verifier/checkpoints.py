"""The rules of a checkpoint: a signed statement of how many events there were, and of the root of the tree over them.

Each names the digest of the one before, so they are a chain too; a copy of them outside the database shows when the
database has gone back to yesterday, however consistently.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from verifier.chain import GENESIS, Problem, as_stored

if TYPE_CHECKING:
    from verifier.signatures import PublicKeys

KIND = "bangfu-checkpoint-v1"


class CheckpointRow(NamedTuple):
    """A checkpoint as it is stored."""

    no: int
    size: int
    root: str
    body: str
    key_id: str
    value: str
    made_at: str

    @property
    def where(self) -> str:
        """Return how a report names this checkpoint."""
        return f"checkpoint #{self.no}"


def digest_of(body: str) -> str:
    """Return what the next checkpoint calls this one by."""
    return sha256(as_stored(body)).hexdigest()


def check_checkpoint(
    row: CheckpointRow, before: CheckpointRow | None, keys: PublicKeys, problems: list[Problem]
) -> dict[str, Any]:
    """Check a checkpoint by itself and against the one before; return what it states ({} where it cannot be read)."""
    text = row.body if isinstance(row.body, str) else ""
    if not keys.verify(row.key_id, as_stored(text), row.value):
        problems.append(
            Problem(row.where, "签名无效", f"the signature is not one of key {row.key_id} over this checkpoint")
        )
    try:
        stated = json.loads(text)
    except ValueError:
        stated = None
    if not isinstance(stated, dict):
        problems.append(Problem(row.where, "内容无法读取", "the checkpoint cannot be read"))
        return {}
    wanted = {
        "kind": KIND,
        "no": row.no,
        "size": row.size,
        "root": row.root,
        "key_id": row.key_id,
        "at": row.made_at,
    }
    if before is not None or row.no == 1:
        wanted["previous"] = GENESIS if before is None else digest_of(before.body)
    for name, value in wanted.items():
        if stated.get(name) != value:
            problems.append(
                Problem(
                    row.where,
                    f"{name} 与签署的内容不符:签署为 {stated.get(name)!r},实为 {value!r}",
                    f"{name} is {value!r}, but the signed text says {stated.get(name)!r}",
                )
            )
    return stated
