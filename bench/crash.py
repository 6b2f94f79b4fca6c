"""Processes that approve are killed (SIGKILL) at random moments; afterwards nothing acknowledged may be missing or doubled.

    python -m bench.crash [--kills 100] [--seed 7] [--sqlite] [--postgresql]

Two worker processes open the same database and do through the public verbs what comes: receive, complete, claim, let due moments
act, deliver notices. Each verb that has returned is acknowledged on a pipe. One of the two is killed at a seeded random moment, now and
then while it is still starting up, and another takes its place. At the end every acknowledgement is looked up in the audit trail,
every chain, signature and invariant is checked, and every open task is opened once more. A killed process cannot show a missing
fsync, since the operating system lives on; that is another test's matter (RELIABILITY.md F6b).
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import random
import select
import signal
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import sqlalchemy as sa

from bench.databases import KINDS, empty_database
from engine import Proof, Rejected, model
from engine.rehearsing import PROCESS, faults, set_stage
from engine.settings import Settings
from notifications import Postman, RetryPauses
from web.rehearsal.answers import PAPER, decide, fill, opinion
from web.rehearsal.bills import bill
from web.rehearsal.virtual_clock import CHINA, FIRST_DAY

if TYPE_CHECKING:
    from datetime import date, datetime

    from engine import Actor, ProcessEngine
    from engine.rehearsing import Stage
    from engine.views import Receipt

WORKERS = 2
HOUSEHOLDS = 300
SHARE_KILLED_STARTING = 0.1
LONGEST_LIFE = 0.5
"""Seconds a ready worker lives at the most."""
HOURS_BETWEEN_KILLS = 6
READY = b"ready\n"


@dataclass
class Figures:
    """What a run came to; `wrong` is empty if everything held."""

    database: str
    kills: int = 0
    killed_starting: int = 0
    acknowledged: int = 0
    committed: int = 0
    unacknowledged: int = 0
    """Committed, and killed before the acknowledgement: at most one a kill."""
    cases: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


# ---- the worker ----------------------------------------------------------------------------------------------------------


class SharedClock:
    """One clock for all processes: the machine's seconds, and what the parent has jumped ahead since."""

    def __init__(self) -> None:
        self._jumped = mmap.mmap(-1, 8)
        self._begun = time.monotonic()

    def __call__(self) -> datetime:
        """Return what time it is here."""
        jumped = int.from_bytes(self._jumped[:8], "big")
        return FIRST_DAY + timedelta(seconds=jumped + time.monotonic() - self._begun)

    def jump(self, hours: int) -> None:
        """Go ahead, in all processes at once."""
        jumped = int.from_bytes(self._jumped[:8], "big") + hours * 3600
        self._jumped[:8] = jumped.to_bytes(8, "big")

    @property
    def today(self) -> date:
        """The day it is in China."""
        return self().astimezone(CHINA).date()


class Worker:
    """One server process: it does what comes until it is killed."""

    def __init__(self, settings: Settings, number: int, pipe: int, clock: SharedClock) -> None:
        from engine import open_engine

        self._pipe = pipe
        self._chance = random.Random(f"worker {number}")
        self._number = number
        self._clock = clock
        self._engine: ProcessEngine = open_engine(settings, clock=self._clock)
        self._postman = Postman(pauses=RetryPauses(jitter=lambda: 0.0), batch=3)
        with self._engine.ground.database.reading() as connection:
            self._posts: dict[tuple[str, str], list[Actor]] = {}
            for row in connection.execute(sa.select(model.post)):
                actor = self._engine.actor(row.person_id, row.id)
                self._posts.setdefault((row.role, row.region_code), []).append(actor)
            self._homes = connection.execute(
                sa.select(model.household.c.household_no, model.household.c.region_code)
            ).all()

    def work(self) -> None:
        """Say that one is ready, then act until the end."""
        # The drawing is read at the first question; a worker that is ready has read it.
        household_no, village = self._homes[0]
        self._engine.start_form(PROCESS, household_no, None, self._posts["VIL_CLERK", village][0])
        os.write(self._pipe, READY)
        acts = (self._complete, self._start, self._claim, self._fire, self._deliver)
        while True:
            act = self._chance.choices(acts, (70, 14, 6, 5, 5))[0]
            try:
                act()
            except Rejected:
                # Somebody else was faster, or this person may not: an answer, and nothing to acknowledge.
                continue

    def _acknowledge(self, what: str, receipt: Receipt, task_no: int | None = None) -> None:
        if not receipt.repeated:
            told = {
                "what": what,
                "case": receipt.case_id,
                "seq": receipt.event_seq,
                "no": task_no,
                "digest": receipt.digest,
            }
            os.write(self._pipe, json.dumps(told).encode() + b"\n")

    def _task(self) -> tuple[str, int, Actor] | None:
        task = model.task.c
        with self._engine.ground.database.reading() as connection:
            found = connection.execute(
                sa.select(task.case_id, task.no, task.role, task.region_code).where(task.state == "OPEN")
            ).all()
        if not found:
            return None
        row = self._chance.choice(found)
        return f"{row.case_id}-{row.no}", row.no, self._chance.choice(self._posts[row.role, row.region_code])

    def _complete(self) -> None:
        chosen = self._task()
        if chosen is None:
            return
        task_id, no, actor = chosen
        view = self._engine.task(task_id, actor)
        outcome = decide(view, self._chance, corrections=0)
        values = fill(view, outcome, self._chance, today=self._clock.today, category="JD")
        proof = Proof(actor.person_id, "password", self._clock(), "bench")
        words = opinion(outcome, self._chance)
        receipt = self._engine.complete(
            task_id, actor, outcome.value, values, words, seen_revision=view.revision, proof=proof
        )
        self._acknowledge("task_completed", receipt, no)

    def _start(self) -> None:
        household_no, village = self._chance.choice(self._homes)
        clerk = self._chance.choice(self._posts["VIL_CLERK", village])
        form = self._engine.start_form(PROCESS, household_no, None, clerk)
        patient = self._chance.choice(form.household["members"])
        values = bill(self._chance, household=form.household, patient=patient, today=self._clock.today, used=())
        typed = {**form.values, **values, "settlement_no": f"{self._number}-{self._chance.random()}"}
        draft = self._engine.save_draft(clerk, f"start:{PROCESS}", typed, household_no)
        for slot in form.slots:
            if slot.required and not slot.files:
                self._engine.attach(clerk, draft, slot.slot, f"{slot.slot}.pdf", PAPER)
        proof = Proof(clerk.person_id, "password", self._clock(), "bench")
        person_no = patient["person_no"]
        receipt = self._engine.start(clerk, PROCESS, household_no, person_no, typed, draft_id=draft, proof=proof)
        self._acknowledge("case_started", receipt)

    def _claim(self) -> None:
        chosen = self._task()
        if chosen is not None:
            receipt = self._engine.claim(chosen[0], chosen[2])
            self._acknowledge("task_claimed", receipt, chosen[1])

    def _fire(self) -> None:
        self._engine.fire_due(3)

    def _deliver(self) -> None:
        self._postman(self._engine, self._clock())


@dataclass
class Running:
    """A worker as its parent sees it."""

    pid: int
    pipe: int
    heard: bytes = b""


def launch(settings: Settings, number: int, clock: SharedClock) -> Running:
    """Start a worker; forking is enough to have a process of its own, and saves the time imports take."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid:
        os.close(theirs)
        return Running(pid, ours)
    os.close(ours)
    try:
        Worker(settings, number, theirs, clock).work()
    except BaseException:  # noqa: BLE001  (the edge of a process: it says what killed it, and its parent counts it as wrong)
        import traceback

        traceback.print_exc()
    finally:
        os._exit(1)


# ---- the killing -----------------------------------------------------------------------------------------------------------


def kill_them(
    settings: Settings, kills: int, chance: random.Random, clock: SharedClock, figures: Figures
) -> list[dict[str, Any]]:
    """Run workers, kill one after the other, and return everything that was acknowledged."""
    number = 0
    running: list[Running] = []
    acknowledged: list[dict[str, Any]] = []
    while figures.kills < kills:
        while len(running) < WORKERS:
            number += 1
            running.append(launch(settings, number, clock))
        victim = chance.choice(running)
        if chance.random() < SHARE_KILLED_STARTING:
            figures.killed_starting += 1
        else:
            _listen_until_ready(victim)
        _listen(running, chance.uniform(0.0, LONGEST_LIFE))
        acknowledged += _bury(victim, figures)
        running.remove(victim)
        figures.kills += 1
        # Time goes on, so that due moments come up while others are killed.
        clock.jump(HOURS_BETWEEN_KILLS)
    for survivor in running:
        acknowledged += _bury(survivor, figures)
    return acknowledged


def _listen_until_ready(worker: Running) -> None:
    while READY not in worker.heard:
        heard = os.read(worker.pipe, 1 << 16)
        if not heard:
            return
        worker.heard += heard


def _listen(workers: list[Running], seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        ready, _, _ = select.select([worker.pipe for worker in workers], [], [], left)
        if not ready:
            return
        for worker in workers:
            if worker.pipe in ready:
                heard = os.read(worker.pipe, 1 << 16)
                worker.heard += heard
                if not heard:
                    time.sleep(min(left, 0.01))


def _bury(worker: Running, figures: Figures) -> list[dict[str, Any]]:
    os.kill(worker.pid, signal.SIGKILL)
    _, status = os.waitpid(worker.pid, 0)
    if not os.WIFSIGNALED(status):
        figures.wrong.append("A worker died by itself; its traceback stands above")
    while heard := os.read(worker.pipe, 1 << 16):
        worker.heard += heard
    os.close(worker.pipe)
    # What was written goes through a pipe in whole lines; a half one cannot have been acknowledged.
    lines = worker.heard.split(b"\n")[:-1]
    return [json.loads(line) for line in lines if line + b"\n" != READY]


# ---- the looking -----------------------------------------------------------------------------------------------------------


def look(stage: Stage, clock: SharedClock, acknowledged: list[dict[str, Any]], figures: Figures) -> None:
    """Compare what was acknowledged with what is there, and check everything else that must hold."""
    engine, wrong = stage.engine, figures.wrong
    database = engine.ground.database
    event = model.audit_event.c
    with database.reading() as connection:
        found = connection.execute(
            sa.select(event.stream, event.seq, event.kind, event.body).where(event.stream.like("case:%"))
        ).all()
        figures.cases = connection.execute(sa.select(sa.func.count()).select_from(model.process_case)).scalar_one()
        open_tasks = connection.execute(sa.select(model.task).where(model.task.c.state == "OPEN")).all()
        posts = {(row.role, row.region_code): row for row in connection.execute(sa.select(model.post))}
        notices = connection.execute(sa.select(model.notice.c.dedupe_key)).scalars().all()
        if database.is_sqlite:
            checked = connection.exec_driver_sql("PRAGMA integrity_check").scalar()
            wrong += [] if checked == "ok" else [f"integrity_check: {checked}"]
    by_place = {(row.stream, row.seq): row for row in found}
    for one in acknowledged:
        row = by_place.get((f"case:{one['case']}", one["seq"]))
        told = json.loads(row.body) if row is not None else {}
        if row is None or row.kind != one["what"]:
            wrong.append(f"Acknowledged and lost: {one}")
        elif one["no"] is not None and (told["task"]["no"] != one["no"] or told.get("document", "") != one["digest"]):
            wrong.append(f"Acknowledged and another thing there: {one}")
    done = Counter((row.stream, json.loads(row.body)["task"]["no"]) for row in found if row.kind == "task_completed")
    wrong += [f"Completed {count} times: {place}" for place, count in done.items() if count > 1]
    twice = Counter((one["case"], one["seq"]) for one in acknowledged)
    wrong += [f"Acknowledged {count} times: {place}" for place, count in twice.items() if count > 1]
    wrong += [f"A notice twice: {key}" for key, count in Counter(notices).items() if count > 1]
    figures.acknowledged = len(acknowledged)
    figures.committed = sum(row.kind in {"task_completed", "case_started", "task_claimed"} for row in found)
    figures.unacknowledged = figures.committed - figures.acknowledged
    if not 0 <= figures.unacknowledged <= figures.kills + WORKERS:
        wrong.append(f"{figures.unacknowledged} committed acts were never acknowledged, with {figures.kills} kills")
    for task in open_tasks:
        holder = posts[task.role, task.region_code]
        engine.task(f"{task.case_id}-{task.no}", engine.actor(holder.person_id, holder.id))
    clock.jump(24 * 40)
    postman = Postman(pauses=RetryPauses(jitter=lambda: 0.0))
    while engine.fire_due() or postman(engine, clock()).taken:
        pass
    wrong += faults(stage, clock())


def run(kind: str, kills: int, seed: int) -> Figures:
    """Run on one kind of database and return the figures."""
    figures = Figures(kind)
    begun = time.monotonic()
    with empty_database(kind) as (url, folder):
        settings = Settings.from_environment(database_url=url, instance=str(folder / "instance"))
        clock = SharedClock()
        with set_stage(settings, households=HOUSEHOLDS, seed=seed, clock=clock, keeps_checkpoints=False) as stage:
            # Nobody may inherit an open connection.
            stage.engine.ground.database.close()
            acknowledged = kill_them(settings, kills, random.Random(f"kills {seed}"), clock, figures)
            look(stage, clock, acknowledged, figures)
    figures.seconds = round(time.monotonic() - begun, 1)
    return figures


def main() -> None:
    """Run on the databases asked for, both by default; exit 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    for kind in KINDS:
        parser.add_argument(f"--{kind}", action="store_true")
    asked = parser.parse_args()
    wrong = False
    for kind in [kind for kind in KINDS if getattr(asked, kind)] or KINDS:
        figures = run(kind, asked.kills, asked.seed)
        print(json.dumps(asdict(figures), ensure_ascii=False), flush=True)
        wrong = wrong or bool(figures.wrong)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
