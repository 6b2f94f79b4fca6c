"""Who takes part, and how they are: quick or slow, forgetful, careful or not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine import Actor
    from engine.rehearsing import Stage
    from web.rehearsal.whims import Whims

_PACES = (0.7, 0.4, 0.2, 0.08)
_PACE_WEIGHTS = (25, 40, 25, 10)
_LEADERS = {2: "PRV_LEADER", 4: "CIT_LEADER", 6: "CTY_LEADER", 9: "TWN_LEADER", 12: "VIL_SECRETARY"}
"""Digits of a jurisdiction → whoever leads the bodies there (DOMAIN.md B0.1)."""


@dataclass(frozen=True, slots=True)
class Player:
    """One person in a post. `pace` is how likely a task is dealt with on the day it is seen, `strength` how many in a day."""

    actor: Actor
    pace: float
    forgets: float
    careless: float
    strength: int

    @property
    def key(self) -> str:
        """What whims about this person are drawn from."""
        return self.actor.staff_no


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody, in a fixed order."""

    players: tuple[Player, ...]
    _by_post: dict[tuple[str, str], list[Player]] = field(default_factory=dict)

    @classmethod
    def of(cls, stage: Stage, whims: Whims) -> Cast:
        """Return everybody in a post of the county and above it, each with habits of their own."""
        players = tuple(
            _player(stage.engine.actor(one.person_id, one.post_id), whims)
            for one in sorted(stage.county.staff, key=lambda one: one.staff_no)
        )
        by_post: dict[tuple[str, str], list[Player]] = {}
        for player in players:
            by_post.setdefault((player.actor.role, player.actor.region_code), []).append(player)
        return cls(players, by_post)

    def holders(self, role: str, region_code: str) -> list[Player]:
        """Return whoever holds a post in a place."""
        return self._by_post.get((role, region_code), [])

    def of_role(self, role: str) -> Iterable[Player]:
        """Return whoever holds a post anywhere."""
        return (player for player in self.players if player.actor.role == role)

    def leader(self, region_code: str) -> Player | None:
        """Return the leader of the bodies of a place."""
        found = self.holders(_LEADERS[len(region_code)], region_code)
        return found[0] if found else None


def _player(actor: Actor, whims: Whims) -> Player:
    whim = whims.about("habits", actor.staff_no)
    return Player(
        actor=actor,
        pace=whim.choices(_PACES, _PACE_WEIGHTS)[0],
        # Leaders have much else to do.
        forgets=0.2 if actor.role in _LEADERS.values() else whim.choice((0.0, 0.02, 0.08)),
        careless=whim.choice((0.02, 0.06, 0.12)),
        strength=whim.randint(8, 25),
    )
