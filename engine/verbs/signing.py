"""What exactly is signed: the case as the signer saw it, the decision, the words, and who decides in which post.

The document is the same on the sign page and in the verb; its digest travels with the form, and if anything in it has changed in
between the digests differ and nothing is signed (RELIABILITY.md §3.5). A reminder that the clock sent meanwhile changes nothing that
is signed, so it does not cost anybody their page. The signature is made by the installation's key after the person has proved
themselves; the algorithm is named in the row, so that another one can be used later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from engine.audit.canonical import canonical
from engine.audit.signatures import sign
from engine.errors import Message, NotPermitted
from engine.instants import to_text
from engine.verbs.case_work import SignedAct

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from engine.audit.keys import Keyring
    from engine.people.accounts import Proof
    from engine.people.actor import Actor
    from engine.verbs.rows import CaseRow, TaskRow

PROOF_HOLDS_FOR = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Document:
    """What a signature covers; `digest` is what the signer compares."""

    content: Mapping[str, Any]
    digest: str


def document(
    *,
    case: CaseRow,
    task: TaskRow,
    actor: Actor,
    outcome: str,
    opinion: str,
    values: Mapping[str, Any],
    data: Mapping[str, Any],
) -> Document:
    """Put together what will be signed: case, decision, typed values, all data known before, papers, and the signer's post."""
    content = {
        "v": 1,
        "case": case.case_no,
        "definition": case.definition_digest,
        "task": task.no,
        "element": task.element_id,
        "step": task.name,
        "level": task.level,
        "duty": task.duty,
        "outcome": outcome,
        "opinion": opinion,
        "values": dict(values),
        "data_digest": digest_of(data),
        "papers_digest": case.papers_digest,
        "signer": {
            "person": actor.person_id,
            "person_hash": actor.person_hash,
            "name": actor.name,
            "role": actor.role,
            "region": actor.region_code,
            "body": actor.body,
        },
    }
    return Document(content, digest_of(content))


def digest_of(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON, 64 hex digits."""
    return sha256(canonical(value).encode()).hexdigest()


def make_signature(keyring: Keyring, case: CaseRow, signed: Document, proof: Proof, now: datetime) -> SignedAct:
    """Sign a document in the name of whoever has just proved themselves."""
    made = sign(
        keyring,
        {
            **signed.content,
            "digest": signed.digest,
            "revision": case.revision,
            "auth": {"method": proof.method, "at": to_text(proof.at)},
            "at": to_text(now),
            "prev_event_hash": case.event_hash,
        },
    )
    return SignedAct(
        payload=made.payload_text,
        payload_digest=made.digest,
        algorithm=made.algorithm,
        key_id=made.key_id,
        value=made.value,
    )


def require_proof(actor: Actor, proof: Proof | None, now: datetime) -> Proof:
    """Let only a fresh proof of this very person pass; a signature without one is refused."""
    if proof is None or proof.person_id != actor.person_id:
        raise NotPermitted(
            Message("签署需要再次验证您的密码", "Signing needs your password once more"), rule="needs_proof"
        )
    if not timedelta(0) <= now - proof.at <= PROOF_HOLDS_FOR:
        raise NotPermitted(
            Message(
                "身份验证已过期,请再输入一次密码", "The proof of your identity has expired; enter your password again"
            ),
            rule="proof_expired",
        )
    return proof
