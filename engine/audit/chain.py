"""The link from one audit event to the next.

Each stream (a case, a person, the system) is a chain of its own: the hash of an event covers the hash before it and the whole body. There is no
global lock on the hot path; the order over all streams is given later, by the checkpointer (DESIGN.md §3.9).
"""

from __future__ import annotations

from hashlib import sha256

GENESIS = "0" * 64
"""What stands before the first event of a stream."""


def seal(prev_hash: str, body: str) -> str:
    """Return the hash of an event: SHA-256 over a version tag, the hash before it and its canonical body."""
    return sha256(f"bangfu-event-v1\n{prev_hash}\n{body}".encode()).hexdigest()
