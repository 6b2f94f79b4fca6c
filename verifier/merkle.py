"""The tree over all events (RFC 9162, section 2.1): one root for everything, and a short proof for each.

A leaf is the hash of an event; the order is the one the checkpointer gave. To go on, only the frontier is needed:
the roots of the complete subtrees on the tree's right edge, never more than the number of bits of its size.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from verifier.chain import as_stored

if TYPE_CHECKING:
    from collections.abc import Sequence

EMPTY_ROOT = sha256(b"").hexdigest()


def leaf(event_hash: str) -> bytes:
    """Return the leaf of an event: SHA-256 over 0x00 and the event's hash as text."""
    return sha256(b"\x00" + as_stored(event_hash)).digest()


def node(left: bytes, right: bytes) -> bytes:
    """Return the node over two: SHA-256 over 0x01 and both."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """A growing tree of which only the right edge is kept."""

    def __init__(self, size: int = 0, peaks: Sequence[str] = ()) -> None:
        if len(peaks) != size.bit_count():
            raise ValueError(f"Expected {size.bit_count()} peaks for a tree of {size}, found {len(peaks)}")
        self.size = size
        self._peaks = [bytes.fromhex(peak) for peak in peaks]

    @property
    def peaks(self) -> list[str]:
        """The roots of the complete subtrees, the largest first."""
        return [peak.hex() for peak in self._peaks]

    def add(self, event_hash: str) -> None:
        """Add the next event."""
        peak = leaf(event_hash)
        size = self.size
        while size & 1:
            peak = node(self._peaks.pop(), peak)
            size >>= 1
        self._peaks.append(peak)
        self.size += 1

    def root(self) -> str:
        """Return the root over everything added so far."""
        if not self._peaks:
            return EMPTY_ROOT
        found = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            found = node(peak, found)
        return found.hex()


def paths(hashes: Sequence[str], wanted: Sequence[int]) -> dict[int, list[str]]:
    """Return the inclusion proof of each wanted position in the tree over all hashes, from the leaf upwards."""
    found: dict[int, list[str]] = {position: [] for position in wanted}
    places = {position: position for position in wanted}
    level = [leaf(one) for one in hashes]
    while len(level) > 1:
        for position, place in places.items():
            other = place ^ 1
            if other < len(level):
                found[position].append(level[other].hex())
            places[position] = place >> 1
        above = [node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return found


def included(event_hash: str, position: int, size: int, path: Sequence[str], root: str) -> bool:
    """Say whether a proof shows that an event stands at this position of the tree with this root (RFC 9162, 2.1.3.2)."""
    if not 0 <= position < size:
        return False
    place, last = position, size - 1
    found = leaf(event_hash)
    for step in path:
        if last == 0:
            return False
        other = bytes.fromhex(step)
        if place & 1 or place == last:
            found = node(other, found)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            found = node(found, other)
        place >>= 1
        last >>= 1
    return last == 0 and found.hex() == root
