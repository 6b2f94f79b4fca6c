"""Passwords: how they are kept (argon2id), which ones are good enough, and how one is made up.

A hash costs about a tenth of a second and 64 MiB on purpose, so at most two run at once in a process (RELIABILITY.md F20): a storm of
log-ins waits, it does not starve everybody else of memory. An account without a password holds :data:`UNUSABLE`, which nothing matches.
"""

from __future__ import annotations

import secrets
import threading
import unicodedata
from base64 import b64encode
from contextlib import contextmanager
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from engine.errors import Conflict, Invalid, Message

if TYPE_CHECKING:
    from collections.abc import Iterator

UNUSABLE = "!"
SHORTEST = 10
LONGEST = 128
_AT_ONCE = 2
_PATIENCE_SECONDS = 20.0
_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)
_places = threading.BoundedSemaphore(_AT_ONCE)

# Without letters and digits that look alike: people copy these from paper.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP_LENGTH = 3, 4

# What everybody tries first. A list of the world's leaked passwords is the installation's to add.
_GUESSED_FIRST = (
    "password",
    "passw0rd",
    "12345678",
    "123456789",
    "qwerty",
    "abc123",
    "admin",
    "bangfu",
    "1qaz2wsx",
    "11111111",
    "88888888",
    "woaini",
)


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password, with its own salt."""
    with _place():
        return _hasher.hash(_normal(password))


def matches(password: str, stored: str) -> bool:
    """Say whether a password belongs to a stored hash; takes equally long where there is no usable hash at all."""
    usable = stored if stored.startswith("$argon2id$") else _decoy()
    with _place():
        try:
            _hasher.verify(usable, _normal(password))
        except (VerificationError, InvalidHashError):
            return False
    return usable is stored


def needs_new_hash(stored: str) -> bool:
    """Say whether a hash was made with weaker settings than today's and should be made anew at the next log-in."""
    return stored.startswith("$argon2id$") and _hasher.check_needs_rehash(stored)


def make_password() -> str:
    """Make up a password of 12 signs in three groups: about 59 bits, easy to read out and to type."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))
    return "-".join(groups)


def require_good(password: str, *, staff_no: str, name: str) -> None:
    """Refuse a new password that is too short, too plain, or the first one would try (RELIABILITY.md, ASVS 6.2)."""
    plain = _normal(password)
    reason: Message | None = None
    if len(plain) < SHORTEST:
        reason = Message(
            f"密码至少 {SHORTEST} 位，现为 {len(plain)} 位",
            f"Expected at least {SHORTEST} characters, found {len(plain)}",
        )
    elif len(plain) > LONGEST:
        reason = Message(f"密码最长 {LONGEST} 位", f"Expected at most {LONGEST} characters, found {len(plain)}")
    elif len({_kind(sign) for sign in plain}) < 2 or len(set(plain)) < 5:  # noqa: PLR2004
        reason = Message(
            "密码应含字母、数字、符号中的两种，且不能只有几个相同字符",
            "Expected two kinds of characters and at least five different ones",
        )
    elif staff_no.lower() in plain.lower() or name in plain:
        reason = Message("密码不能包含工号或姓名", "The password must not contain your staff number or name")
    elif any(guess in plain.lower() for guess in _GUESSED_FIRST):
        reason = Message("密码过于常见", "The password contains one of those that are tried first")
    if reason is not None:
        raise Invalid(reason, fields={"new_password": reason})


def _kind(sign: str) -> str:
    return "digit" if sign.isdigit() else "letter" if sign.isalpha() else "sign"


def _normal(password: str) -> str:
    # One keyboard writes full-width digits, another half-width: the same password. Lone surrogates from a broken browser become "?".
    return unicodedata.normalize("NFKC", password).encode("utf-8", "replace").decode()[: 4 * LONGEST]


def _decoy() -> str:
    # The form of a hash with today's settings around random bytes: costs what a real one costs, and nothing can match it.
    salt, value = (
        b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (_hasher.salt_len, _hasher.hash_len)
    )
    settings = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    return f"$argon2id$v=19${settings}${salt}${value}"


@contextmanager
def _place() -> Iterator[None]:
    if not _places.acquire(timeout=_PATIENCE_SECONDS):
        raise Conflict(
            Message("登录的人太多，请稍后再试", "Too many people are logging in at this moment; please try again")
        )
    try:
        yield
    finally:
        _places.release()
