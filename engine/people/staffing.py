"""Made-up staff for the demo, the tests and the rehearsal: every role of every body of some places, held by different people.

Different natural persons in all posts is what separation of duties needs to be seen working (DESIGN.md §3.3); above the village each
role has two holders, so that one can stand aside. Nobody here can log in until a password is issued to them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from engine.instants import local_date, to_text
from engine.model import person as person_table
from engine.model import post as post_table
from engine.people.levels import Level
from engine.people.names import initials, made_up_name
from engine.people.passwords import UNUSABLE
from engine.register.id_numbers import compose

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from engine.people.organisation import Organisation, Role
    from engine.people.regions import Regions

FIRST_DAY = date(2016, 6, 1)
"""From when demo posts run: before the register's first household."""

_HOLDERS_ABOVE_VILLAGE = 2
_VILLAGE_ROLES = frozenset({"VIL_CLERK", "VIL_SECRETARY"})
"""A village has two users of the system (DOMAIN.md D5); its team and helpers come with other processes."""
_FIRST_ORDER, _LAST_ORDER = 300, 399
"""Orders of a birthday kept for staff, apart from those of made-up households."""


@dataclass(frozen=True, slots=True)
class StaffMember:
    """Somebody in a post."""

    person_id: int
    post_id: int
    staff_no: str
    name: str
    id_hash: str
    role: str
    region_code: str


def make_staff(
    connection: Connection,
    places: Sequence[str],
    *,
    organisation: Organisation,
    regions: Regions,
    person_hash: Callable[[str], str],
    now: datetime,
    seed: int = 7,
) -> tuple[StaffMember, ...]:
    """Fill every role of the bodies in the given places with people of their own, in the order of the places.

    `places` are region codes of any level; `person_hash` is the keyed hash of an ID number. The same arguments give the same people.
    Posts run from 1 June 2016, or from the day of `now` where that is earlier.
    """
    maker = _Maker(seed, person_hash, now)
    from_date = min(FIRST_DAY, local_date(now)).isoformat()
    persons: list[dict[str, object]] = []
    posts: list[dict[str, object]] = []
    for code in places:
        level = Level.of_region(code)
        place = regions.find(connection, code)
        roles = [role for role in organisation.roles.values() if role.level is level and _is_staffed(role)]
        for role in roles:
            for _ in range(1 if level is Level.VILLAGE else _HOLDERS_ABOVE_VILLAGE):
                persons.append(maker.person(code))
                body = role.body_in(place.short_name).zh
                posts.append({"role": role.code, "region_code": code, "body": body, "from_date": from_date})
    if not persons:
        return ()
    ids = connection.execute(person_table.insert().returning(person_table.c.id, sort_by_parameter_order=True), persons)
    for post, person_id in zip(posts, ids.scalars(), strict=True):
        post["person_id"] = person_id
    post_ids = connection.execute(post_table.insert().returning(post_table.c.id, sort_by_parameter_order=True), posts)
    return tuple(
        StaffMember(
            person_id=int(str(post["person_id"])),
            post_id=int(post_id),
            staff_no=str(person["staff_no"]),
            name=str(person["name"]),
            id_hash=str(person["id_hash"]),
            role=str(post["role"]),
            region_code=str(post["region_code"]),
        )
        for person, post, post_id in zip(persons, posts, post_ids.scalars(), strict=True)
    )


class _Maker:
    def __init__(self, seed: int, person_hash: Callable[[str], str], now: datetime) -> None:
        self._chance = random.Random(f"staff {seed}")  # noqa: S311  (made-up people, no secrets)
        self._person_hash = person_hash
        self._now = now
        self._today = local_date(now)
        self._numbers: set[str] = set()
        self._next_in_place: dict[str, int] = {}

    def person(self, region_code: str) -> dict[str, object]:
        chance = self._chance
        sex = chance.choice("MMF")
        age = chance.randint(25, 57)
        name = made_up_name(chance, sex=sex, age=age)
        order = self._next_in_place[region_code] = self._next_in_place.get(region_code, 0) + 1
        return {
            "staff_no": f"{initials(name)}-{region_code}-{order:02d}",
            "name": name,
            "id_hash": self._person_hash(self._id_number(sex, age)),
            "password_hash": UNUSABLE,
            "must_change_password": False,
            "created_at": to_text(self._now),
        }

    def _id_number(self, sex: str, age: int) -> str:
        while True:
            birth_date = self._today - timedelta(days=age * 365 + self._chance.randint(0, 364))
            number = compose("441424", birth_date, self._chance.randint(_FIRST_ORDER, _LAST_ORDER), sex=sex)
            if number not in self._numbers:
                self._numbers.add(number)
                return number


def _is_staffed(role: Role) -> bool:
    return role.level is not Level.VILLAGE or role.code in _VILLAGE_ROLES
