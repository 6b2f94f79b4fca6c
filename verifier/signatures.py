"""The rules of one signature: the right key over exactly this text, and the text about exactly this event.

A signature's text names the case, the task, the decision, the signer and the hash of the event before, so it can be
moved neither to another case nor to another moment. The text of the base64 value is part of the proof too: of
several spellings of the same bytes only one is right.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from verifier.chain import Problem, as_stored

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHM = "ed25519"


class SignatureRow(NamedTuple):
    """A signature as it is stored."""

    case_id: int
    event_seq: int
    task_no: int
    person_id: int
    person_hash: str
    duty: str
    payload: str
    payload_digest: str
    algorithm: str
    key_id: str
    value: str
    signed_at: str

    @property
    def where(self) -> str:
        """Return how a report names this signature."""
        return f"signature case:{self.case_id} #{self.event_seq}"


class PublicKeys:
    """The public halves of an installation's signing keys, by key id, each made ready once."""

    def __init__(self, raw: Mapping[str, bytes]) -> None:
        self.raw = dict(raw)
        self._keys = {key_id: Ed25519PublicKey.from_public_bytes(content) for key_id, content in raw.items()}

    def verify(self, key_id: str, content: bytes, value: str) -> bool:
        """Say whether `value`, in base64, is this key's signature of `content`; an unknown key signs nothing."""
        key = self._keys.get(key_id)
        if key is None or not isinstance(value, str):
            return False
        try:
            signature = b64decode(value, validate=True)
            if b64encode(signature).decode() != value:
                return False
            key.verify(signature, content)
        except (InvalidSignature, ValueError):
            return False
        return True


def key_id_of(raw: bytes) -> str:
    """Return the name of a public key: the first sixteen hex digits of its SHA-256."""
    return sha256(raw).hexdigest()[:16]


def check_signature(
    row: SignatureRow, event: Mapping[str, Any], prev_hash: str, keys: PublicKeys, problems: list[Problem]
) -> None:
    """Check a signature by itself and against the event it belongs to; add what does not hold."""
    content = as_stored(row.payload) if isinstance(row.payload, str) else b""
    if sha256(content).hexdigest() != row.payload_digest:
        problems.append(Problem(row.where, "签署内容与摘要不符", "payload_digest does not match the payload"))
    if row.algorithm != ALGORITHM:
        problems.append(Problem(row.where, f"未知签名算法 {row.algorithm}", f"unknown algorithm {row.algorithm}"))
    elif not keys.verify(row.key_id, content, row.value):
        problems.append(
            Problem(row.where, "签名无效", f"the signature is not one of key {row.key_id} over this payload")
        )
    if event.get("signature") != row.payload_digest:
        problems.append(
            Problem(
                row.where, "事件中记录的签名摘要与此不符", "the sealed event records another signature digest, or none"
            )
        )
    try:
        payload = json.loads(content)
    except ValueError:  # also what is no UTF-8
        payload = None
    if not isinstance(payload, dict):
        problems.append(Problem(row.where, "签署内容无法读取", "the payload cannot be read"))
        return
    signer = payload.get("signer")
    signer = signer if isinstance(signer, dict) else {}
    for name, wanted, found in (
        ("case", payload.get("case"), event.get("case")),
        ("prev_event_hash", payload.get("prev_event_hash"), prev_hash),
        ("task_no", payload.get("task"), row.task_no),
        ("duty", payload.get("duty"), row.duty),
        ("person_id", signer.get("person"), row.person_id),
        ("person_hash", signer.get("person_hash"), row.person_hash),
        ("signed_at", payload.get("at"), row.signed_at),
    ):
        if wanted != found:
            problems.append(
                Problem(
                    row.where,
                    f"{name} 与签署内容不符:签署内容为 {wanted!r},实为 {found!r}",
                    f"{name} is {found!r}, but the signed payload says {wanted!r}",
                )
            )
