"""One county made up whole: its places, a person in every post, its households. For the demo, the tests and the rehearsal.

What it makes is ordinary rows; nothing in the engine knows that they are made up, save the mark test_data on every household.
The door for tests is :func:`build_county`: two towns with two villages each and 40 households take some hundredths of a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.instants import local_date
from engine.people.levels import Level, within
from engine.people.persons import declare_relative
from engine.people.regions import RegionTable, load_regions, read_table
from engine.people.staffing import make_staff
from engine.register.synthetic import make_register

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from engine.people.organisation import Organisation
    from engine.people.regions import Regions
    from engine.people.staffing import StaffMember
    from engine.register.synthetic import Register

COUNTY = "441424"
"""五华县, in 梅州市 (one of the twelve helped cities, DOMAIN.md D1)."""
TOWN = "441424104"
VILLAGE = "441424104233"
"""华城镇新亨村: the town and the village that come first, so that a walk through the demo can name its places."""

_HAS_A_RELATIVE = "TWN_CIVIL"


@dataclass(frozen=True, slots=True)
class County:
    """What was made: codes of places, people in posts, numbers of households."""

    code: str
    towns: tuple[str, ...]
    villages: tuple[str, ...]
    staff: tuple[StaffMember, ...]
    household_nos: tuple[str, ...]
    villages_of_households: tuple[str, ...]

    def holders(self, role: str, region_code: str = "") -> tuple[StaffMember, ...]:
        """Return everybody in a role, in a place or (without one) anywhere in the county and above it."""
        return tuple(
            one for one in self.staff if one.role == role and (not region_code or one.region_code == region_code)
        )

    def holder(self, role: str, region_code: str = "") -> StaffMember:
        """Return the first holder of a role; KeyError when nobody holds it there."""
        found = self.holders(role, region_code)
        if not found:
            raise KeyError(f"{role} in {region_code or self.code}")
        return found[0]

    def households_in(self, region_code: str) -> tuple[str, ...]:
        """Return the numbers of the households of a place."""
        pairs = zip(self.household_nos, self.villages_of_households, strict=True)
        return tuple(number for number, village in pairs if within(village, region_code))


def build_county(
    connection: Connection,
    *,
    organisation: Organisation,
    regions: Regions,
    person_hash: Callable[[str], str],
    now: datetime,
    county: str = COUNTY,
    towns: int | None = None,
    villages_per_town: int | None = None,
    households: int = 3000,
    seed: int = 7,
) -> County:
    """Make a county in an empty register: places, staff of all five levels, households.

    `towns` and `villages_per_town` take only the first few (None: all of them); 华城镇 and 新亨村 come first. The province and the city
    above the county are staffed too. Everything is written on the given connection; the caller's transaction commits it.
    """
    table = read_table()
    codes = [place.code for place in table.rows]
    chosen_towns = _first(
        [code for code in codes if len(code) == Level.TOWNSHIP.digits and within(code, county)], towns, TOWN
    )
    villages: list[str] = []
    for town in chosen_towns:
        # Villages before communities of townspeople (below 200): this is a rural register.
        inside = [code for code in codes if len(code) == Level.VILLAGE.digits and within(code, town)]
        villages += _first(sorted(inside, key=lambda code: (code[9:] < "200", code)), villages_per_town, VILLAGE)
    above = [county[: Level.PROVINCE.digits], county[: Level.CITY.digits], county]
    places = [*above, *chosen_towns, *villages]
    wanted = frozenset(places)
    rows = tuple(place for place in table.rows if place.code in wanted)
    load_regions(connection, RegionTable(rows, table.source, table.licence, table.as_of))
    staff = make_staff(
        connection, places, organisation=organisation, regions=regions, person_hash=person_hash, now=now, seed=seed
    )
    register = make_register(villages, households, seed=seed, as_of=local_date(now), person_hash=person_hash)
    register.store(connection)
    _declare_relatives(connection, staff, register, now)
    return County(
        code=county,
        towns=tuple(chosen_towns),
        villages=tuple(villages),
        staff=staff,
        household_nos=tuple(row["household_no"] for row in register.households),
        villages_of_households=tuple(row["region_code"] for row in register.households),
    )


def _declare_relatives(connection: Connection, staff: Sequence[StaffMember], register: Register, now: datetime) -> None:
    """Let each town's second civil affairs officer have a relative: the head of the town's first household.

    Standing aside can be seen that way, and no case is stuck for it, since the first officer may act.
    """
    heads = {member["household_no"]: member["id_hash"] for member in register.members if member["relation"] == "户主"}
    first_of_town: dict[str, str] = {}
    for row in register.households:
        first_of_town.setdefault(row["region_code"][: Level.TOWNSHIP.digits], heads[row["household_no"]])
    seen: set[str] = set()
    for one in staff:
        if one.role != _HAS_A_RELATIVE:
            continue
        if one.region_code in seen and one.region_code in first_of_town:
            declare_relative(
                connection, one.person_id, id_hash=first_of_town[one.region_code], relation="叔侄", now=now
            )
        seen.add(one.region_code)


def _first(codes: Sequence[str], count: int | None, favourite: str) -> list[str]:
    ordered = sorted(codes, key=lambda code: code != favourite)
    return ordered if count is None else ordered[:count]
