"""Who acts: a person in one post, as a value that no database session can change under our hands."""

from __future__ import annotations

from dataclasses import dataclass

from engine.people.levels import Level


@dataclass(frozen=True, slots=True)
class Actor:
    """A person acting in one of their posts; what they may do follows from these values alone."""

    person_id: int
    person_hash: str
    name: str
    staff_no: str
    post_id: int
    role: str
    title_zh: str
    title_en: str
    region_code: str
    body: str
    relatives: frozenset[str] = frozenset()
    """Keyed hashes of the ID numbers of declared relatives."""

    @property
    def level(self) -> Level:
        """The level of government of the post's jurisdiction."""
        return Level.of_region(self.region_code)
