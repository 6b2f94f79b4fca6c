"""Setting up an installation: the schema, the keys, the places and the calendar; then a register, imported or made up for a demo.

These are the few acts that come before anybody can log in, so no actor stands behind them: the events name the system. Each may be
repeated; the second time finds everything in place. Commands of the web's `bangfu` come through here and nowhere else.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from engine import schema
from engine.audit.keys import Keyring
from engine.audit.writing import append
from engine.database import Database
from engine.deadlines.seed import seed_days
from engine.demonstration import COUNTY, TOWN, VILLAGE, build_county
from engine.errors import Conflict, Message, NotFound
from engine.instants import local_date, system_clock
from engine.model import calendar_day, household, person, post, region
from engine.people.accounts import Accounts
from engine.people.levels import Level
from engine.people.organisation import Organisation
from engine.people.posts import holders
from engine.people.regions import Regions, load_regions, place_name, read_table
from engine.register.importing import import_households
from engine.register.workbook import write_template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection, Table

    from engine.people.posts import Holder
    from engine.register.importing import ImportReport
    from engine.settings import Settings

__all__ = ["Demo", "DemoLogIn", "Initialised", "import_register", "initialise", "prepare_demo", "write_template"]

# Whoever wants to walk a case from the village to the province needs one of each; two where one may have to stand aside.
_LOG_INS = {
    "VIL_CLERK": 1,
    "VIL_SECRETARY": 1,
    "TWN_CIVIL": 2,
    "TWN_POV": 1,
    "TWN_LEADER": 1,
    "CTY_CIVIL": 2,
    "CTY_FIN": 1,
    "CTY_POV": 1,
    "CTY_LEADER": 1,
    "CIT_DEPT": 1,
    "CIT_LEADER": 1,
    "PRV_DEPT": 1,
    "PRV_LEADER": 1,
    "AUDITOR": 1,
    "ADMIN": 1,
}


@dataclass(frozen=True, slots=True)
class Initialised:
    """What setting up found and did."""

    places: int
    new_places: int
    source: str
    as_of: str
    new_days: int


@dataclass(frozen=True, slots=True)
class DemoLogIn:
    """A log-in to try the demo with; the password is in no other place."""

    role: str
    level: Level
    title: Message
    body: str
    name: str
    staff_no: str
    password: str


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo consists of. Without `log_ins` it was there before, and its passwords were shown then."""

    county: str
    towns: int
    villages: int
    persons: int
    households: int
    was_there: bool
    log_ins: tuple[DemoLogIn, ...]


def initialise(settings: Settings, *, clock: Callable[[], datetime] = system_clock) -> Initialised:
    """Bring the database to the newest schema, make the keys where there are none, and load places and calendar days."""
    table = read_table()
    Keyring.load(settings.instance)
    with _opened(settings) as database:
        schema.upgrade(database)
        with database.transaction() as connection:
            new_places = load_regions(connection, table)
            new_days = _load_calendar(connection, settings)
            places = connection.execute(select(func.count()).select_from(region)).scalar_one()
            if new_places or new_days:
                append(
                    connection,
                    "system",
                    "system_initialised",
                    clock(),
                    None,
                    "",
                    places=new_places,
                    days=new_days,
                    source=table.source,
                    as_of=table.as_of,
                )
    return Initialised(int(places), new_places, table.source, table.as_of, new_days)


def import_register(
    settings: Settings,
    path: Path,
    *,
    scope: str = "44",
    dry_run: bool = False,
    test_data: bool = False,
    clock: Callable[[], datetime] = system_clock,
) -> ImportReport:
    """Bring the households of a workbook into the register, all or none; see :mod:`engine.register.importing`."""
    keyring = Keyring.load(settings.instance, create=False)
    now = clock()
    with _opened(settings) as database, database.reading() if dry_run else database.transaction() as connection:
        report = import_households(
            connection,
            path,
            scope=scope,
            person_hash=keyring.person_hash,
            today=local_date(now),
            dry_run=dry_run,
            test_data=test_data,
        )
        if report.written:
            digest = sha256(path.read_bytes()).hexdigest()
            counts = {"households": report.households, "members": report.members}
            append(
                connection, "system", "household_imported", now, None, scope, file=path.name, sha256=digest, **counts
            )
    return report


def prepare_demo(
    settings: Settings,
    *,
    households: int = 3000,
    seed: int = 7,
    new_passwords: bool = False,
    clock: Callable[[], datetime] = system_clock,
) -> Demo:
    """Make up one county whole and issue passwords to one person for each role, to be shown once.

    Where the demo is there already nothing changes; `new_passwords` issues its passwords anew. Conflict when the register holds
    households that are not test data: a demo has no business among real people.
    """
    keyring = Keyring.load(settings.instance, create=False)
    organisation = Organisation.from_folder(settings.workflows)
    now = clock()
    with _opened(settings) as database:
        with database.transaction() as connection:
            _require_demo(connection)
            was_there = _count(connection, household) > 0
            if not was_there:
                made = build_county(
                    connection,
                    organisation=organisation,
                    regions=Regions(),
                    person_hash=keyring.person_hash,
                    now=now,
                    households=households,
                    seed=seed,
                )
                counts = {"persons": len(made.staff), "households": len(made.household_nos), "seed": seed}
                append(connection, "system", "demo_prepared", now, None, COUNTY, **counts)
        accounts = Accounts(database, clock, organisation)
        log_ins = () if was_there and not new_passwords else _issue(database, accounts, organisation, now)
        with database.reading() as connection:
            return Demo(
                county=place_name(connection, COUNTY),
                towns=_count_places(connection, Level.TOWNSHIP),
                villages=_count_places(connection, Level.VILLAGE),
                persons=_count(connection, person),
                households=_count(connection, household),
                was_there=was_there,
                log_ins=log_ins,
            )


def _issue(database: Database, accounts: Accounts, organisation: Organisation, now: datetime) -> tuple[DemoLogIn, ...]:
    chosen: list[tuple[str, Holder]] = []
    with database.reading() as connection:
        for role, count in _LOG_INS.items():
            level = organisation.role(role).level
            place = VILLAGE if level is Level.VILLAGE else TOWN if level is Level.TOWNSHIP else level.region_of(COUNTY)
            found = holders(connection, role, place, local_date(now))[:count]
            if not found:
                raise NotFound(
                    Message(
                        f"演示县没有 {role} 岗位的人", f"Expected somebody in the post {role} at {place}, found nobody"
                    )
                )
            chosen += [(role, holder) for holder in found]
    # Two hashes at a time is what passwords allow anyway.
    with ThreadPoolExecutor(2) as pool:
        issued = pool.map(lambda pair: accounts.issue_password(pair[1].person_id, by=None, must_change=False), chosen)
        return tuple(
            DemoLogIn(
                role=role,
                level=organisation.role(role).level,
                title=organisation.title(role),
                body=holder.body,
                name=holder.name,
                staff_no=holder.staff_no,
                password=password,
            )
            for (role, holder), password in zip(chosen, issued, strict=True)
        )


def _require_demo(connection: Connection) -> None:
    real = connection.execute(
        select(func.count()).select_from(household).where(household.c.test_data.is_(False))
    ).scalar_one()
    if real:
        raise Conflict(
            Message(
                f"台账里已有 {real} 户非演示农户，不能加入演示数据",
                f"Expected an empty register or a demo's, found {real} households that are not test data",
            )
        )
    staffed = _count(connection, post)
    if staffed and not _count(connection, household):
        raise Conflict(
            Message(
                f"系统里已有 {staffed} 个岗位，不能加入演示数据",
                f"Expected nobody in a post yet, found {staffed} posts: this is not a demo",
            )
        )


def _load_calendar(connection: Connection, settings: Settings) -> int:
    columns = calendar_day.c
    known = frozenset(connection.execute(select(columns.day).where(columns.region_code == "")).scalars())
    rows = [
        {"region_code": "", "day": day.isoformat(), "working": working, "source": source}
        for day, working, source in seed_days(settings.workflows)
        if day.isoformat() not in known
    ]
    if rows:
        connection.execute(calendar_day.insert(), rows)
    return len(rows)


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _count_places(connection: Connection, level: Level) -> int:
    columns = region.c
    statement = select(func.count()).where(columns.level == level.digits, columns.code.startswith(COUNTY))
    return int(connection.execute(statement).scalar_one())


@contextmanager
def _opened(settings: Settings) -> Iterator[Database]:
    settings.instance.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database_url)
    try:
        yield database
    finally:
        database.close()
