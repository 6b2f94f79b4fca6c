"""The installation's keys: for the state of cases, for recognising a natural person, for signing.

They lie as files of mode 0600 in the instance folder, never in the database, so that whoever can write rows cannot
also make them look right. Losing the state key makes running cases unreadable and losing the person key makes
people unrecognisable: the folder belongs into the backup, apart from the database's.
"""

from __future__ import annotations

import hmac
import os
import secrets
from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from engine.errors import EngineError
from verifier.signatures import PublicKeys, key_id_of

if TYPE_CHECKING:
    from pathlib import Path

KEY_BYTES = 32
_FILES = ("state.key", "person.key", "signing.key")


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys in use. `key_id` names the signing key in every signature; older public keys are kept beside it."""

    state_key: bytes
    person_key: bytes
    signing_key: Ed25519PrivateKey
    key_id: str
    public_keys: dict[str, bytes] = field(default_factory=dict)
    """Raw Ed25519 public keys by key id."""

    @classmethod
    def load(cls, folder: Path, *, create: bool = True) -> Keyring:
        """Read the keys of an installation; where there are none and `create` is set, make them.

        Refuses keys that are too short or that others may read: EngineError says which file and what to do.
        """
        keys = folder / "keys"
        if create and not keys.exists():
            keys.mkdir(parents=True, mode=0o700)
            for name in _FILES:
                _write(keys / name, secrets.token_bytes(KEY_BYTES))
        state, person, signing = (_read(keys / name) for name in _FILES)
        earlier = {key_id_of(raw): raw for raw in map(_read_public, sorted(keys.glob("*.pub")))}
        return cls._from_bytes(state, person, signing, earlier)

    @classmethod
    def renew_signing_key(cls, folder: Path) -> Keyring:
        """Put a new signing key in place of the old one, whose public half stays, so that what it signed can be checked for ever."""
        old = cls.load(folder, create=False)
        keys = folder / "keys"
        public = keys / f"{old.key_id}.pub"
        if not public.exists():
            _write(public, old.public_keys[old.key_id])
        fresh = keys / "signing.key.new"
        _write(fresh, secrets.token_bytes(KEY_BYTES))
        fresh.replace(keys / "signing.key")
        return cls.load(folder, create=False)

    @classmethod
    def for_tests(cls, seed: bytes = b"tests") -> Keyring:
        """Return keys that are the same every time, for tests and rehearsals; never for an installation."""
        state, person, signing = (sha256(seed + name.encode()).digest() for name in _FILES)
        return cls._from_bytes(state, person, signing)

    @classmethod
    def _from_bytes(
        cls, state: bytes, person: bytes, signing: bytes, earlier: dict[str, bytes] | None = None
    ) -> Keyring:
        private = Ed25519PrivateKey.from_private_bytes(signing)
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        key_id = key_id_of(public)
        return cls(state, person, private, key_id, {**(earlier or {}), key_id: public})

    def state_key_of(self, case_id: int) -> bytes:
        """Return the key that seals one case's state, so that no case's state passes for another's."""
        return hmac.digest(self.state_key, b"case:%d" % case_id, "sha256")

    def person_hash(self, id_no: str) -> str:
        """Return the keyed hash by which a natural person is recognised without their ID number being stored."""
        return hmac.new(self.person_key, id_no.strip().upper().encode(), sha256).hexdigest()

    def sign(self, content: bytes) -> str:
        """Return the base64 Ed25519 signature of some bytes."""
        return b64encode(self.signing_key.sign(content)).decode()

    def verify(self, key_id: str, content: bytes, signature: str) -> bool:
        """Say whether a signature is right; an unknown key signs nothing."""
        return PublicKeys(self.public_keys).verify(key_id, content, signature)

    def private_bytes(self) -> bytes:
        """Return the raw signing key, for a backup that is kept apart."""
        return self.signing_key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())


def _write(path: Path, key: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)


def _read_public(path: Path) -> bytes:
    raw = path.read_bytes()
    if len(raw) != KEY_BYTES or key_id_of(raw) != path.stem:
        raise EngineError("", f"The public key file {path.name} does not hold the key it is named after; restore it")
    return raw


def _read(path: Path) -> bytes:
    try:
        key = path.read_bytes()
    except FileNotFoundError as error:
        raise EngineError(
            "", f"The key file {path.name} is missing from the instance folder; restore it from its backup"
        ) from error
    if len(key) != KEY_BYTES:
        raise EngineError("", f"The key file {path.name} should hold {KEY_BYTES} bytes, found {len(key)}")
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise EngineError("", f"The key file {path.name} may be read by others; set its mode to 0600")
    return key
