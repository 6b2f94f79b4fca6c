"""The stage of a rehearsal: a made-up county in a database of its own, and afterwards the account of all that happened there.

The play itself is the web's (web/rehearsal): it knows people and their habits, and asks the engine only through its verbs. Here
stands what needs a look behind the door: setting the stage, the working calendar, checking the trail and the rows, and telling
everything that happened in a form in which neither the kind of database, nor its row numbers, nor the keys of the installation can be
seen. Two rehearsals with one seed give the same account, on every machine and both databases.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, inspect, select, text

from engine import model, schema
from engine.audit.canonical import canonical
from engine.audit.checkpoints import take_checkpoint
from engine.audit.invariants import check_invariants
from engine.audit.keys import Keyring
from engine.audit.verify import verify
from engine.audit.writing import append
from engine.database import Database
from engine.demonstration import build_county
from engine.errors import Conflict, Message
from engine.instants import local_date
from engine.opening import open_engine
from engine.people.organisation import Organisation
from engine.people.regions import Regions
from engine.runtime import Bundle
from engine.verbs.deploy import deploy, seed_calendar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from engine.demonstration import County
    from engine.process_engine import ProcessEngine
    from engine.settings import Settings

PROCESS = "medical_assistance"
TOWNS, VILLAGES_PER_TOWN = 2, 3
_BEGUN = "rehearsal_begun"

# What differs from one installation to the next and says nothing of what happened: row numbers, keys and what hangs on them.
_PRIVATE = frozenset(
    {"stream", "person", "post", "signature", "document", "id", "marking", "data_digest", "payload", "draft", "paper"}
)


@dataclass(frozen=True, slots=True)
class Stage:
    """A county ready to live in: its engine, its people and places."""

    engine: ProcessEngine
    county: County
    keeps_checkpoints: bool

    def is_working_day(self, now: datetime) -> bool:
        """Say whether offices are open on the day of a moment."""
        return self.engine.ground.calendar(self.county.code).is_working_day(local_date(now))


@dataclass(frozen=True, slots=True)
class Account:
    """What happened, told without row numbers or keys. `digest` is the SHA-256 of all of it, 64 hex digits."""

    digest: str
    cases: Mapping[str, int]
    """Cases by status."""
    outcomes: Mapping[str, int]
    """Signed completions by step and outcome: `T_approve AGREE`."""
    stages: Mapping[str, int]
    """Stages of limits reached."""
    events: Mapping[str, int]
    """Events of cases by kind."""
    messages: Mapping[str, int]
    """Owed messages by kind."""
    undelivered: int
    paid_fen: int
    """Sum of the ledger."""
    paid_cases: int


@contextmanager
def set_stage(
    settings: Settings, *, households: int, seed: int, clock: Callable[[], datetime], keeps_checkpoints: bool
) -> Iterator[Stage]:
    """Set up a county for a rehearsal: two towns with three villages each, everybody in their post, households.

    The database must be empty, or hold an earlier rehearsal and nothing but test data, which is then cleared away. Conflict says
    what else was found in it. With `keeps_checkpoints`, signed checkpoints are written beside the keys, which therefore must be this
    rehearsal's own.
    """
    settings.instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    keyring = Keyring.load(settings.instance)
    database = Database(settings.database_url)
    try:
        _clear_earlier(database)
        schema.upgrade(database)
        organisation = Organisation.from_folder(settings.workflows)
        with database.transaction() as connection:
            now = clock()
            _require_empty(connection)
            append(connection, "system", _BEGUN, now, None, "", households=households, seed=seed)
            seed_calendar(connection, settings.workflows)
            deploy(connection, Bundle.from_folder(settings.workflows, PROCESS), by="bangfu rehearse", now=now)
            county = build_county(
                connection,
                organisation=organisation,
                regions=Regions(),
                person_hash=keyring.person_hash,
                now=now,
                towns=TOWNS,
                villages_per_town=VILLAGES_PER_TOWN,
                households=households,
                seed=seed,
            )
        engine = open_engine(settings, clock=clock, keyring=keyring, database=database)
        yield Stage(engine, county, keeps_checkpoints)
    finally:
        database.close()


def checkpoint(stage: Stage, now: datetime) -> None:
    """Take a checkpoint over what is new, where this rehearsal keeps them."""
    ground = stage.engine.ground
    if stage.keeps_checkpoints:
        while take_checkpoint(ground.database, ground.keyring, ground.settings.instance, now) is not None:
            pass


def faults(stage: Stage, now: datetime) -> list[str]:
    """Check every chain, signature and checkpoint, and every invariant of the rows; return what does not hold, a sentence each."""
    ground = stage.engine.ground
    with ground.database.reading() as connection:
        report = verify(connection, ground.keyring, ground.settings.instance if stage.keeps_checkpoints else None)
        found = [str(problem) for problem in report.problems]
        found += [str(violation) for violation in check_invariants(connection, now)]
        incidents = connection.execute(select(model.incident.c.verb, model.incident.c.reason)).all()
    return found + [f"An accident in {one.verb}: {one.reason}" for one in incidents]


def account(engine: ProcessEngine) -> Account:
    """Tell everything that happened in the database's cases, in an order and in words that are the same everywhere."""
    with engine.ground.database.reading() as connection:
        return _Teller(connection).tell()


# ---- an empty stage ----------------------------------------------------------------------------------------------------


def _clear_earlier(database: Database) -> None:
    with database.transaction() as connection:
        if not inspect(connection).has_table(model.audit_event.name):
            return
        events, households = model.audit_event.c, model.household.c
        begun = connection.execute(select(events.seq).where(events.stream == "system", events.kind == _BEGUN)).first()
        real = connection.execute(select(households.household_no).where(households.test_data.is_(False))).first()
        if begun is None or real is not None:
            return
        # Append-only rows cannot be deleted, and must not be; the tables of a rehearsal go as a whole.
        if not database.is_sqlite:
            connection.execute(text("DROP FUNCTION IF EXISTS refuse_change() CASCADE"))
        model.metadata.drop_all(connection)
        connection.execute(text("DROP TABLE IF EXISTS alembic_version"))


def _require_empty(connection: Connection) -> None:
    for table, zh, en in (
        (model.process_case, "件办件", "cases"),
        (model.household, "户", "households"),
        (model.person, "名工作人员", "persons"),
    ):
        count = connection.execute(select(func.count()).select_from(table)).scalar_one()
        if count:
            raise Conflict(
                Message(
                    f"演练需要一个空的数据库,这里已有 {count} {zh}",
                    f"Expected an empty database for a rehearsal, found {count} {en} in it; name another with --database",
                )
            )


# ---- the account -------------------------------------------------------------------------------------------------------


class _Teller:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        case, person = model.process_case.c, model.person.c
        self._case_nos = {int(row.id): str(row.case_no) for row in connection.execute(select(case.id, case.case_no))}
        self._staff = {int(row.id): str(row.staff_no) for row in connection.execute(select(person.id, person.staff_no))}
        self._lines: list[str] = []
        self._outcomes: Counter[str] = Counter()
        self._stages: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()

    def tell(self) -> Account:
        self._events()
        cases = self._rows(
            "case", model.process_case, "case_no", "status", "level", "revision", "returns", "decided", "ended_by"
        )
        self._rows(
            "task", model.task, "case_id", "no", "element_id", "role", "region_code", "state", "outcome", "opened_at",
            "closed_at", "due_at", "stage", "closed_by", "claimed_by",
        )  # fmt: skip
        self._rows("timer", model.timer, "case_id", "no", "element_id", "stage", "due_at", "state")
        self._rows("signature", model.signature, "case_id", "event_seq", "task_no", "person_id", "duty", "signed_at")
        ledger = self._rows(
            "ledger",
            model.ledger_entry,
            "case_id",
            "household_no",
            "person_no",
            "kind",
            "amount_fen",
            "year",
            "effective_on",
        )
        messages = self._rows(
            "message", model.message, "case_id", "task_no", "kind", "role", "region_code", "person_id", "content",
            "created_at", "state",
        )  # fmt: skip
        self._rows("notice", model.notice, "case_id", "task_no", "kind", "person_id", "title_zh", "created_at")
        self._rows("settlement", model.settlement, "settlement_no", "case_id", "recorded_at")
        return Account(
            digest=sha256("\n".join(sorted(self._lines)).encode()).hexdigest(),
            cases=Counter(row["status"] for row in cases),
            outcomes=self._outcomes,
            stages=self._stages,
            events=self._kinds,
            messages=Counter(row["kind"] for row in messages),
            undelivered=sum(row["state"] != "SENT" for row in messages),
            paid_fen=sum(row["amount_fen"] for row in ledger),
            paid_cases=len(ledger),
        )

    def _events(self) -> None:
        table = model.audit_event
        chosen = table.c.stream.like("case:%") | table.c.stream.like("person:%")
        for stream, seq, stored in self._connection.execute(
            select(table.c.stream, table.c.seq, table.c.body).where(chosen)
        ):
            event = json.loads(stored)
            kind, _, number = stream.partition(":")
            whose = self._case_nos[int(number)] if kind == "case" else self._staff[int(number)]
            self._lines.append(canonical(["event", whose, seq, self._plain(event)]))
            if kind != "case":
                continue
            self._kinds[event["kind"]] += 1
            if "stage" in event:
                self._stages[event["stage"]] += 1
            if "outcome" in event:
                self._outcomes[f"{event['task']['element']} {event['outcome']}"] += 1

    def _plain(self, value: Any, name: str = "") -> Any:
        """Return a value of an event without what only this installation knows; a case's or task's id becomes its number."""
        if isinstance(value, dict):
            return {key: self._plain(one, key) for key, one in value.items() if key not in _PRIVATE}
        if isinstance(value, list):
            plain = [self._plain(one, name) for one in value]
            # Papers have random names, and lie in their order.
            return sorted(plain, key=canonical) if name in {"papers", "attachments"} else plain
        if name == "task" and isinstance(value, str) and "-" in value:
            case_id, _, no = value.partition("-")
            return f"{self._case_nos.get(int(case_id), '?')} {no}"
        if name == "case" and isinstance(value, int):
            return self._case_nos.get(value, "?")
        if name == "to" and isinstance(value, int):
            return self._staff.get(value, "?")
        return value

    def _rows(self, kind: str, table: Any, *names: str) -> list[dict[str, Any]]:
        found = []
        for row in self._connection.execute(select(*(table.c[name] for name in names))).mappings():
            told: dict[str, Any] = {}
            for column, value in row.items():
                name = str(column)
                if name == "case_id":
                    told[name] = self._case_nos.get(value)
                elif name in {"person_id", "closed_by", "claimed_by"}:
                    told[name] = self._staff.get(value)
                else:
                    told[name] = value
            found.append(told)
            self._lines.append(canonical([kind, told]))
        return found
