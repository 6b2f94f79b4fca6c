"""Signatures over what a signer saw: made by the installation's key, checked by anybody who has its public half."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from engine.audit.canonical import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.audit.keys import Keyring

ALGORITHM = "ed25519"
"""Named in every row, so that SM2 or a hardware key can follow without a new format (RELIABILITY.md §5.3)."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature: the canonical text it covers, its SHA-256, and how it was made."""

    payload_text: str
    digest: str
    algorithm: str
    key_id: str
    value: str


def sign(keyring: Keyring, payload: Mapping[str, Any]) -> Signed:
    """Sign a payload (see engine.verbs.signing for what it holds)."""
    text = canonical(dict(payload))
    content = text.encode()
    return Signed(text, sha256(content).hexdigest(), ALGORITHM, keyring.key_id, keyring.sign(content))


def verify_signature(
    keyring: Keyring, *, payload_text: str, digest: str, algorithm: str, key_id: str, value: str
) -> bool:
    """Say whether a stored signature is right: digest, algorithm, key and value."""
    content = payload_text.encode()
    return algorithm == ALGORITHM and sha256(content).hexdigest() == digest and keyring.verify(key_id, content, value)
