"""Places: Guangdong's provinces, cities, counties, townships and villages, their names and what lies within what.

The table travels with the package (regions.csv.gz, written by script/extract_regions.py) and carries its source and its day in its
first lines. A code is a prefix (DESIGN.md §3.2), so "within" is a range of codes and needs no walk through parents; `parent` only
serves lists. 东莞市 and 中山市 have no counties (DOMAIN.md D1): their townships have the city as parent, there is no row 441900 or
442000, and a question for that county-level code is answered with the city, whose six-digit national code it is. So the prefix rule
holds for them as well: cutting a village's code at six digits always gives a place that can be named.
"""

from __future__ import annotations

import csv
import gzip
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, bindparam, select

from engine.errors import Message, NotFound
from engine.model import region as region_table
from engine.people.levels import Level

if TYPE_CHECKING:
    from sqlalchemy import Connection

CITIES_WITHOUT_COUNTIES = frozenset({"4419", "4420"})
_TABLE = "regions.csv.gz"

# What village-level bodies are called, longest first, and what people call the place itself.
_PLACE_OF_BODY = (
    (re.compile(r"(?:村)?村民委员会$"), "村"),
    (re.compile(r"(?:村)?村委会$"), "村"),
    (re.compile(r"(?:社区)?(?:居民委员会|居委会)$"), "社区"),
)


@dataclass(frozen=True, slots=True)
class Region:
    """A place: its code, its official name (for a village its committee's) and the place above it."""

    code: str
    name: str
    parent: str

    @property
    def level(self) -> Level:
        """The level of government of the place."""
        return Level.of_region(self.code)

    @property
    def short_name(self) -> str:
        """What people call the place: 新亨村 for 新亨村委会; other levels keep their name."""
        if len(self.code) != Level.VILLAGE.digits:
            return self.name
        for pattern, word in _PLACE_OF_BODY:
            if pattern.search(self.name):
                return pattern.sub(word, self.name)
        return self.name


@dataclass(frozen=True, slots=True)
class RegionTable:
    """The packaged table: its rows in the order of their codes, where it comes from and the day it speaks of."""

    rows: tuple[Region, ...]
    source: str
    licence: str
    as_of: str


@lru_cache(maxsize=1)
def read_table(content: bytes | None = None) -> RegionTable:
    """Read the packaged table of places (or another one in the same form)."""
    packed = content if content is not None else resources.files("engine.people").joinpath(_TABLE).read_bytes()
    lines = gzip.decompress(packed).decode().splitlines()
    notes = dict(line[2:].split(": ", 1) for line in lines if line.startswith("# "))
    rows = csv.reader(line for line in lines if not line.startswith("# "))
    next(rows)
    places = tuple(Region(code, name, parent) for code, name, parent in rows)
    return RegionTable(places, notes["source"], notes["licence"], notes["as_of"])


def load_regions(connection: Connection, table: RegionTable | None = None) -> int:
    """Bring the places of the table into the database and return how many rows were new or had changed.

    May be repeated at will: what is there stays, a place that got another name gets it, and none is ever removed, because cases and
    posts refer to places that may have been merged since.
    """
    table = table or read_table()
    known = {
        row.code: (row.name, row.parent or "")
        for row in connection.execute(select(region_table.c.code, region_table.c.name, region_table.c.parent))
    }
    fresh = [place for place in table.rows if place.code not in known]
    changed = [place for place in table.rows if place.code in known and known[place.code] != (place.name, place.parent)]
    if fresh:
        connection.execute(region_table.insert(), [_row(place, table) for place in fresh])
    if changed:
        statement = region_table.update().where(region_table.c.code == bindparam("known_code"))
        values: dict[str, object] = {name: bindparam(name) for name in ("name", "parent", "level", "source", "as_of")}
        connection.execute(
            statement.values(values), [{**_row(place, table), "known_code": place.code} for place in changed]
        )
    return len(fresh) + len(changed)


def in_region(column: ColumnElement[str], code: str) -> ColumnElement[bool]:
    """Say "lies in this place" about a column of region codes, as a range an index can serve."""
    if not code.isdigit():
        raise ValueError(f"Expected a region code of digits, found {code!r}")
    return (column >= code) & (column < str(int(code) + 1))


class Regions:
    """Names of places, each looked up once: a place's name does not change while a server runs."""

    def __init__(self) -> None:
        self._known: dict[str, Region] = {}

    def find(self, connection: Connection, code: str) -> Region:
        """Return a place by its code; 441900 and 442000 are answered with the city itself. NotFound for any other unknown code."""
        known = self._known.get(code)
        if known is not None:
            return known
        wanted = code[:4] if len(code) == Level.COUNTY.digits and code[:4] in CITIES_WITHOUT_COUNTIES else code
        columns = region_table.c
        row = connection.execute(
            select(columns.code, columns.name, columns.parent).where(columns.code == wanted)
        ).one_or_none()
        if row is None:
            raise NotFound(Message(f"没有代码为 {code} 的地区", f"Expected a place with the code {code}, found none"))
        found = self._known[code] = Region(row.code, row.name, row.parent or "")
        return found

    def path(self, connection: Connection, code: str, *, since: Level = Level.COUNTY) -> tuple[Region, ...]:
        """Return the places from level `since` down to the place itself; each place once, also where a city has no counties."""
        places: list[Region] = []
        for level in sorted(Level, key=lambda level: level.digits):
            if since.digits <= level.digits <= len(code):
                place = self.find(connection, code[: level.digits])
                if not places or places[-1].code != place.code:
                    places.append(place)
        return tuple(places) if places else (self.find(connection, code),)

    def path_name(self, connection: Connection, code: str, *, since: Level = Level.COUNTY) -> str:
        """Return the place as one says it, from the county down: 五华县 华城镇 新亨村."""
        return " ".join(place.short_name for place in self.path(connection, code, since=since))


def place_name(connection: Connection, code: str) -> str:
    """Return a place as one says it, from its county down, in one query: 五华县 华城镇 新亨村."""
    digits = sorted(level.digits for level in Level if Level.COUNTY.digits <= level.digits <= len(code)) or [len(code)]
    columns = region_table.c
    statement = select(columns.code, columns.name, columns.parent).where(
        columns.code.in_([code[:length] for length in digits])
    )
    rows = connection.execute(statement.order_by(columns.code))
    return " ".join(Region(row.code, row.name, row.parent or "").short_name for row in rows)


def children(connection: Connection, code: str) -> tuple[Region, ...]:
    """Return the places directly below a place, in the order of their codes."""
    columns = region_table.c
    rows = connection.execute(
        select(columns.code, columns.name, columns.parent).where(columns.parent == code).order_by(columns.code)
    )
    return tuple(Region(row.code, row.name, row.parent or "") for row in rows)


def places_within(connection: Connection, code: str, level: Level) -> tuple[Region, ...]:
    """Return every place of one level inside a place, in the order of their codes."""
    columns = region_table.c
    condition = in_region(columns.code, code) & (columns.level == level.digits)
    rows = connection.execute(
        select(columns.code, columns.name, columns.parent).where(condition).order_by(columns.code)
    )
    return tuple(Region(row.code, row.name, row.parent or "") for row in rows)


def _row(place: Region, table: RegionTable) -> dict[str, object]:
    return {
        "code": place.code,
        "name": place.name,
        "parent": place.parent or None,
        "level": len(place.code),
        "source": table.source,
        "as_of": table.as_of,
    }
