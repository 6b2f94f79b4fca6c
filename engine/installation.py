"""Setting up an installation: schema, keys, places, calendar and processes; then a register, imported or made up for a demo.

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
from engine.demonstration import COUNTY, TOWN, VILLAGE, build_county
from engine.demonstration_cases import make_cases
from engine.errors import Conflict, Message, NotFound
from engine.instants import local_date, system_clock
from engine.model import household, person, post, region
from engine.opening import open_engine
from engine.people.accounts import Accounts
from engine.people.levels import Level
from engine.people.organisation import Organisation
from engine.people.posts import holders
from engine.people.regions import Regions, load_regions, place_name, read_table
from engine.register.importing import import_households
from engine.register.workbook import write_template
from engine.runtime import Bundle
from engine.verbs.deploy import deploy, seed_calendar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection, Table

    from engine.people.posts import Holder
    from engine.register.importing import ImportReport
    from engine.settings import Settings

__all__ = ["Demo", "DemoLogIn", "Initialised", "import_register", "initialise", "prepare_demo", "write_template"]

_DICTIONARY = ".dictionary.json"

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
    processes: tuple[tuple[str, int], ...]
    """Every process that can be started, with the version new cases get."""


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
    """Bring the database to the newest schema, make the keys where there are none, load places and calendar days, deploy processes.

    BadDefinition when a drawing would not run as it says; then nothing has changed but the schema.
    """
    table = read_table()
    now = clock()
    settings.instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    Keyring.load(settings.instance)
    with _opened(settings) as database:
        schema.upgrade(database)
        with database.transaction() as connection:
            new_places = load_regions(connection, table)
            new_days = seed_calendar(connection, settings.workflows)
            processes = _deploy_all(connection, settings, now)
            places = connection.execute(select(func.count()).select_from(region)).scalar_one()
            if new_places or new_days:
                append(
                    connection,
                    "system",
                    "system_initialised",
                    now,
                    None,
                    "",
                    places=new_places,
                    days=new_days,
                    source=table.source,
                    as_of=table.as_of,
                )
    return Initialised(int(places), new_places, table.source, table.as_of, new_days, processes)


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
    cases: bool = True,
    clock: Callable[[], datetime] = system_clock,
) -> Demo:
    """Make up one county whole, with `cases` at every level, and issue passwords to one person for each role, to be shown once.

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
        if cases and not was_there:
            make_cases(lambda past: open_engine(settings, clock=past, keyring=keyring, database=database), now)
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


def _deploy_all(connection: Connection, settings: Settings, now: datetime) -> tuple[tuple[str, int], ...]:
    """Deploy every process that has a data dictionary; the same files again keep their version."""
    ids = sorted(path.name.removesuffix(_DICTIONARY) for path in settings.workflows.glob(f"*{_DICTIONARY}"))
    return tuple(
        (process_id, deploy(connection, Bundle.from_folder(settings.workflows, process_id), by="bangfu init", now=now))
        for process_id in ids
    )


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _count_places(connection: Connection, level: Level) -> int:
    columns = region.c
    statement = select(func.count()).where(columns.level == level.digits, columns.code.startswith(COUNTY))
    return int(connection.execute(statement).scalar_one())


@contextmanager
def _opened(settings: Settings) -> Iterator[Database]:
    database = Database(settings.database_url)
    try:
        yield database
    finally:
        database.close()
