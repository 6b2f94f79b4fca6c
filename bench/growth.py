"""Whether one completion stays as cheap as it was: in a case with a long past, and in a database with many open cases.

    python -m bench.growth [--sqlite] [--postgresql] [--tasks 100,1000] [--cases 10000,100000] [--samples 60]

*Finished tasks.* One case goes round and round between the city's query and the county's answer (nobody limits those), until it has so
many finished tasks. Beside it a small case with about ten goes round too, and the two take turns, so that the machine's mood falls on both.
*Open cases.* Some cases on their way are copied by SQL until there are so many open cases, in counties of their own, a thousand each, so
that tables and indexes have their real size and an officer's inbox stays that of one county. Completions, and looks at an
officer's inbox, take turns with the same ones in a database that has only 1,000.

Times are medians in microseconds; quote the ratios only. To reach: at most 1.15 (RELIABILITY.md, DESIGN.md §4).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.databases import KINDS, empty_database
from engine import model
from engine.audit.keys import Keyring
from engine.database import Database
from engine.instants import SHANGHAI
from engine.schema import upgrade
from tests.clock import Clock
from tests.world import Claim, World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

START = datetime(2018, 10, 22, 9, tzinfo=SHANGHAI)
SMALL_ROUNDS = 4
"""Rounds a small case takes part in: it has five to thirteen finished tasks then."""
SMALL_COUNTY = 1000
COPIED = ("task", "timer", "case_duty", "signature", "audit_event", "message")
"""What belongs to a case and grows with it; drafts, papers and notices are not touched by a completion."""


def world_in(url: str, *, households: int) -> World:
    """Return a county in an empty database."""
    database = Database(url)
    upgrade(database)
    return World(database, Clock(START), Keyring.for_tests(), households=households)


def completion(claim: Claim, outcome: str, opinion: str) -> float:
    """Complete the open task of a claim and return how many microseconds the verb took."""
    world = claim.world
    actor = claim.holder()
    view = world.engine.task(claim.task, actor)
    values = claim.filled(view)
    proof = world.proof(actor)
    begun = time.perf_counter()
    world.engine.complete(claim.task, actor, outcome, values, opinion, seen_revision=view.revision, proof=proof)
    return (time.perf_counter() - begun) * 1e6


def one_round(claim: Claim) -> float:
    """Let the city query and the county answer; return the mean of the two completions."""
    query = completion(claim, "QUERY", "请说明合规费用")
    return (query + completion(claim, "SUBMIT", "材料齐全,金额无误。")) / 2


def report(kind: str, what: str, size: int, small: Sequence[float], large: Sequence[float]) -> dict[str, Any]:
    """Print one comparison as a line, and return it."""
    before, after = statistics.median(small), statistics.median(large)
    found = {
        "database": kind,
        "against": what,
        "size": size,
        "small_us": round(before),
        "large_us": round(after),
        "ratio": round(after / before, 3),
    }
    print(json.dumps(found), flush=True)
    return found


# ---- finished tasks ------------------------------------------------------------------------------------------------------


def against_finished_tasks(kind: str, sizes: Sequence[int], samples: int) -> None:
    """Compare completions in cases with so many finished tasks with those in a case with ten."""
    with empty_database(kind) as (url, _):
        world = world_in(url, households=len(sizes) * (samples // SMALL_ROUNDS + 2) + 6)
        for size in sizes:
            grown = world.claim("JD").goes_to("T_city")
            while len(world.rows(model.task.c.no, model.task.c.case_id == grown.case_id)) < size:
                one_round(grown)
            small: list[float] = []
            large: list[float] = []
            while len(small) < samples:
                # A small case does not stay small while it is measured, so a fresh one takes over after some rounds.
                fresh = world.claim("JD").goes_to("T_city")
                for _ in range(SMALL_ROUNDS):
                    small.append(one_round(fresh))
                    large.append(one_round(grown))
            report(kind, "finished tasks", size, small, large)
        world.database.close()


# ---- open cases ----------------------------------------------------------------------------------------------------------


def grow(world: World, templates: Sequence[Claim], size: int) -> None:
    """Copy the template cases' rows until there are so many open cases."""
    each = size // len(templates)
    with world.database.transaction() as connection:
        connection.exec_driver_sql("CREATE TEMPORARY TABLE n (i INTEGER PRIMARY KEY)")
        connection.exec_driver_sql(
            f"WITH RECURSIVE up(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM up WHERE i < {each}) "
            "INSERT INTO n SELECT i FROM up"
        )
        for place, claim in enumerate(templates):
            # Far above every number the database gives by itself.
            _copy(connection, claim.case_id, 1_000_000 * (place + 1))
        connection.exec_driver_sql("DROP TABLE n")
    with world.database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")


def _copy(connection: Connection, case_id: int, above: int) -> None:
    """Copy one case under new numbers: for made-up households, a thousand to a county, in counties of their own."""
    number = f"({above} + n.i)"
    county = "'44' || CAST(5000 + n.i / 250 AS TEXT)"
    changed = {
        "id": number,
        "case_id": number,
        "case_no": f"'COPY-' || {number}",
        "household_no": f"'H-' || {number}",
        "region_code": f"{county} || substr(region_code, 7)",
        "stream": f"'case:' || {number}",
        "dedupe_key": f"{number} || '-' || dedupe_key",
    }
    for name in ("process_case", *COPIED):
        table = model.metadata.tables[name]
        columns = [column.name for column in table.columns]
        values = [changed.get(column, column) for column in columns]
        key = "id" if name == "process_case" else "case_id"
        connection.exec_driver_sql(
            f"INSERT INTO {name} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {name}, n WHERE {key} = {case_id}"
        )


def against_open_cases(kind: str, sizes: Sequence[int], samples: int) -> None:
    """Compare completions and inboxes in a database with so many open cases with those in one with a thousand."""
    for size in sizes:
        with ExitStack() as stack:
            sides = []
            for count in (SMALL_COUNTY, size):
                url, _ = stack.enter_context(empty_database(kind))
                world = world_in(url, households=samples + 12)
                stack.callback(world.database.close)
                templates = [
                    world.claim("JD").goes_to(step) for step in ("T_receive", "T_receive", "T_review", "T_approve")
                ]
                claims = [world.claim("JD") for _ in range(samples // 4 + 2)]
                grow(world, templates, count)
                sides.append((world, claims))
            _turns(kind, size, sides)


def _turns(kind: str, size: int, sides: Sequence[tuple[World, list[Claim]]]) -> None:
    completions: tuple[list[float], list[float]] = ([], [])
    inboxes: tuple[list[float], list[float]] = ([], [])
    rounds = list(zip(*(claims for _, claims in sides), strict=True))
    for number, pair in enumerate(rounds):
        for _ in range(4):
            for side, claim in enumerate(pair):
                outcome = claim.world.engine.task(claim.task, claim.holder()).outcomes[0].value
                inbox = _inbox(claim)
                completion_took = completion(claim, outcome, "情况属实,同意。")
                # The first two claims pay for prepared statements and caches.
                if number > 1:
                    completions[side].append(completion_took)
                    inboxes[side].append(inbox)
    report(kind, "open cases, completion", size, *completions)
    report(kind, "open cases, inbox", size, *inboxes)


def _inbox(claim: Claim) -> float:
    actor = claim.holder()
    begun = time.perf_counter()
    claim.world.engine.inbox(actor)
    return (time.perf_counter() - begun) * 1e6


def main() -> None:
    """Run the comparisons asked for, all by default."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    for kind in KINDS:
        parser.add_argument(f"--{kind}", action="store_true")
    parser.add_argument("--tasks", default="100,1000", help="finished tasks to compare with ten; empty for none")
    parser.add_argument("--cases", default="10000,100000", help="open cases to compare with 1,000; empty for none")
    parser.add_argument("--samples", type=int, default=60)
    asked = parser.parse_args()
    for kind in [kind for kind in KINDS if getattr(asked, kind)] or KINDS:
        if asked.tasks:
            against_finished_tasks(kind, [int(size) for size in asked.tasks.split(",")], asked.samples)
        if asked.cases:
            against_open_cases(kind, [int(size) for size in asked.cases.split(",")], asked.samples)


if __name__ == "__main__":
    main()
