"""A job is done once: by one worker of many, after a crash by another, and never lost without a word."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from engine import NotFound, NotOpen, model
from engine.instants import from_text, to_text
from engine.jobs import Jobs, Outcome, Patience, put


class Effects:
    """A handler whose effect is a row in the database, and which fails as often as it is told."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.calls = 0

    def __call__(self, connection, job, _now):
        self.calls += 1
        write_effect(connection, job.payload["n"])
        if self.failures:
            raise self.failures.pop(0)
        return Outcome()


def write_effect(connection, number):
    connection.execute(
        text("INSERT INTO case_counter (prefix, last_no) VALUES (:prefix, 1)"), {"prefix": f"effect {number}"}
    )


def effects(database):
    with database.reading() as connection:
        return sorted(connection.execute(select(model.case_counter.c.prefix)).scalars())


def row_of(database, key="a"):
    with database.reading() as connection:
        return connection.execute(select(model.job).where(model.job.c.dedupe_key == key)).one()


def owe(database, clock, *keys, **changes):
    with database.transaction() as connection:
        for number, key in enumerate(keys):
            assert put(connection, "count", key, {"n": number}, clock(), **changes)


def test_a_job_put_in_a_transaction_that_rolls_back_was_never_owed(database, clock):
    def deed():
        with database.transaction() as connection:
            put(connection, "count", "a", {"n": 0}, clock())
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        deed()
    assert Jobs(database, clock, {"count": Effects()}).run_due() == 0
    assert effects(database) == []


def test_the_same_key_is_owed_once_even_after_it_is_done(database, clock):
    owe(database, clock, "a")
    assert Jobs(database, clock, {"count": Effects()}).run_due() == 1
    with database.transaction() as connection:
        assert not put(connection, "count", "a", {"n": 5}, clock())
    assert row_of(database).state == "DONE"


def test_a_job_waits_for_its_moment_and_the_oldest_comes_first(database, clock):
    seen = []

    def note(connection, job, now):
        seen.append(job.payload["n"])
        return Outcome()

    with database.transaction() as connection:
        for number, minutes in enumerate((5, 1, 60)):
            put(connection, "count", str(number), {"n": number}, clock() + timedelta(minutes=minutes))
    jobs = Jobs(database, clock, {"count": note})
    assert jobs.run_due() == 0
    clock.advance(minutes=10)
    assert jobs.run_due() == 2
    assert seen == [1, 0]


def test_effect_and_done_stand_or_fall_together(database, clock):
    owe(database, clock, "a")
    handler = Effects(RuntimeError("half way"))
    jobs = Jobs(database, clock, {"count": handler})
    assert jobs.run_due() == 0
    assert effects(database) == []
    assert (row_of(database).state, row_of(database).last_error) == ("READY", "RuntimeError: half way")
    clock.advance(seconds=29)
    assert jobs.run_due() == 0
    clock.advance(seconds=1)
    assert jobs.run_due() == 1
    assert effects(database) == ["effect 0"]
    assert (row_of(database).state, row_of(database).last_error, handler.calls) == ("DONE", None, 2)


def test_pauses_grow_and_at_last_it_has_failed_with_an_incident_until_somebody_retries_it(database, clock):
    owe(database, clock, "a")
    handler = Effects(*[RuntimeError("no luck")] * 4)
    jobs = Jobs(database, clock, {"count": handler}, patience=Patience(most_attempts=4))
    pauses = []
    while jobs.run_due() == 0 and row_of(database).state == "READY":
        due = from_text(row_of(database).run_at)
        pauses.append((due - clock()).total_seconds())
        clock.set(2018, 10, 22)
        clock.now = due
    assert pauses == [30, 60, 120]
    (shown,) = jobs.list()
    assert (shown.status, shown.attempts, shown.last_error) == ("failed", 4, "RuntimeError: no luck")
    with database.reading() as connection:
        (incident,) = connection.execute(select(model.incident)).all()
        assert (incident.verb, incident.reason) == ("job", "RuntimeError: no luck")
    clock.advance(days=30)
    assert jobs.run_due() == 0
    jobs.retry(shown.id)
    assert jobs.run_due() == 1
    assert effects(database) == ["effect 0"]
    with database.reading() as connection:
        kinds = connection.execute(select(model.audit_event.c.kind).order_by(model.audit_event.c.seq)).scalars().all()
    assert kinds == ["incident_raised", "job_retried"]


def test_only_what_failed_can_be_retried(sqlite_database, clock):
    owe(sqlite_database, clock, "a")
    jobs = Jobs(sqlite_database, clock, {"count": Effects()})
    with pytest.raises(NotOpen):
        jobs.retry(row_of(sqlite_database).id)
    jobs.run_due()
    with pytest.raises(NotOpen):
        jobs.retry(row_of(sqlite_database).id)
    with pytest.raises(NotFound):
        jobs.retry(999)


def test_a_job_of_an_unknown_kind_says_so_and_waits_for_a_worker_that_knows_it(sqlite_database, clock):
    owe(sqlite_database, clock, "a")
    assert Jobs(sqlite_database, clock, {}).run_due() == 0
    assert "knows no job of the kind 'count'" in row_of(sqlite_database).last_error
    clock.advance(minutes=1)
    assert Jobs(sqlite_database, clock, {"count": Effects()}).run_due() == 1


def test_one_job_that_fails_does_not_hold_up_the_others(sqlite_database, clock):
    owe(sqlite_database, clock, "a", "b", "c")
    assert Jobs(sqlite_database, clock, {"count": Effects(RuntimeError("no"))}).run_due() == 2
    assert effects(sqlite_database) == ["effect 1", "effect 2"]


# ---- several workers -----------------------------------------------------------------------------------------------------


def test_workers_at_the_same_time_do_each_job_once(database, clock):
    owe(database, clock, *[f"k{number}" for number in range(40)])
    handlers = [Effects() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda handler: Jobs(database, clock, {"count": handler}).run_due(100), handlers))
    assert sum(done) == sum(handler.calls for handler in handlers) == 40
    assert len(effects(database)) == 40


def test_whoever_holds_the_lease_is_left_alone_and_whoever_lost_it_writes_nothing(database, clock):
    owe(database, clock, "a")
    slow, quick = Jobs(database, clock, {"count": Effects()}), Jobs(database, clock, {"count": Effects()})
    claimed = slow._claim()
    assert quick.run_due() == 0
    assert [one.status for one in quick.list()] == ["running"]
    clock.advance(seconds=300)
    assert quick.run_due() == 1
    assert slow._do(claimed) is False
    assert effects(database) == ["effect 0"]
    assert row_of(database).attempts == 2


def test_a_worker_that_lost_its_lease_cannot_spoil_the_next_ones_job_by_failing(database, clock):
    owe(database, clock, "a")
    slow, quick = Jobs(database, clock, {"count": Effects()}), Jobs(database, clock, {"count": Effects()})
    claimed = slow._claim()
    clock.advance(seconds=300)
    assert quick._claim() is not None
    slow._note_failure(claimed, RuntimeError("late"))
    assert (row_of(database).state, row_of(database).lease_owner) == ("LEASED", quick.owner)


WORKER = """
import os, signal, sys
from datetime import datetime
from engine.database import Database
from engine.jobs import Jobs, Outcome
from sqlalchemy import text

url, now, dies_at = sys.argv[1], datetime.fromisoformat(sys.argv[2]), sys.argv[3]

def count(connection, job, now):
    connection.execute(
        text("INSERT INTO case_counter (prefix, last_no) VALUES (:prefix, 1)"), {"prefix": f"effect {job.payload['n']}"}
    )
    if dies_at == f"effect {job.payload['n']}":
        os.kill(os.getpid(), signal.SIGKILL)
    return Outcome()

jobs = Jobs(Database(url), lambda: now, {"count": count})
if dies_at == "claim":
    jobs._claim()
    os.kill(os.getpid(), signal.SIGKILL)
if dies_at == "done":
    jobs.run_due(2)
    os.kill(os.getpid(), signal.SIGKILL)
sys.stdout.write(str(jobs.run_due(100)))
"""


def worker(database, clock, dies_at="never", **streams):
    url = database.url.render_as_string(hide_password=False)
    return subprocess.Popen([sys.executable, "-c", WORKER, url, clock().isoformat(), dies_at], text=True, **streams)


def test_killed_workers_lose_nothing_and_double_nothing(database, clock):
    owe(database, clock, *[f"k{number}" for number in range(9)])
    # One dies with a lease and no work; then two at the same time, one in the middle of an effect, one between two jobs.
    assert worker(database, clock, "claim").wait(timeout=60) == -signal.SIGKILL
    dying = [worker(database, clock, dies_at) for dies_at in ("effect 4", "done")]
    assert [process.wait(timeout=60) for process in dying][1] == -signal.SIGKILL
    before = len(effects(database))
    # As long as the leases of the dead run, their jobs wait; then another worker takes them up.
    jobs = Jobs(database, clock, {"count": Effects()})
    jobs.run_due(100)
    waiting = [one for one in jobs.list() if one.status == "running"]
    assert waiting
    assert len(effects(database)) == 9 - len(waiting) >= before
    clock.advance(seconds=300)
    survivor = worker(database, clock, stdout=subprocess.PIPE)
    told, _ = survivor.communicate(timeout=60)
    assert (survivor.returncode, int(told)) == (0, len(waiting))
    assert effects(database) == [f"effect {number}" for number in range(9)]
    assert jobs.list() == ()


def test_a_job_that_kills_its_workers_is_at_last_left_alone(database, clock):
    owe(database, clock, "a")
    jobs = Jobs(database, clock, {"count": Effects()}, patience=Patience(most_attempts=2))
    for _ in range(2):
        assert jobs._claim() is not None
        clock.advance(seconds=300)
    assert jobs.run_due() == 0
    (shown,) = jobs.list()
    assert shown.status == "failed"
    assert "died in the middle" in shown.last_error


# ---- what comes round by itself ------------------------------------------------------------------------------------------


def test_a_job_that_comes_round_keeps_its_own_notes_and_is_put_once_however_many_workers_start(database, clock):
    def tick(connection, job, now):
        return Outcome(again_at=now + timedelta(minutes=5), payload={"n": job.payload.get("n", 0) + 1})

    for _ in range(3):
        Jobs(database, clock, {"tick": tick}, standing=frozenset({"tick"})).run_due()
    clock.advance(minutes=5)
    assert Jobs(database, clock, {"tick": tick}, standing=frozenset({"tick"})).run_due() == 1
    found = row_of(database, "tick")
    assert (found.state, found.payload, found.run_at) == ("READY", '{"n":2}', to_text(clock() + timedelta(minutes=5)))


def test_one_that_comes_round_is_never_given_up_but_is_listed_as_failing(sqlite_database, clock):
    failures = [RuntimeError("disk full")] * 5

    def tick(connection, job, now):
        if failures:
            raise failures.pop()
        return Outcome(again_at=now + timedelta(minutes=5))

    jobs = Jobs(
        sqlite_database, clock, {"tick": tick}, standing=frozenset({"tick"}), patience=Patience(most_attempts=3)
    )
    for _ in range(5):
        assert jobs.run_due() == 0
        clock.advance(hours=1)
    assert [one.status for one in jobs.list()] == ["failing"]
    assert jobs.run_due() == 1
    (shown,) = jobs.list()
    assert (shown.status, shown.attempts, shown.last_error) == ("waiting", 0, None)


def test_what_follows_a_commit_may_fail_without_undoing_it(sqlite_database, clock, caplog):
    def broken():
        raise OSError("no such disk")

    def handler(connection, job, now):
        write_effect(connection, 7)
        return Outcome(then=broken)

    owe(sqlite_database, clock, "a")
    assert Jobs(sqlite_database, clock, {"count": handler}).run_due() == 1
    assert effects(sqlite_database) == ["effect 7"]
    assert "no such disk" in caplog.text


def test_an_attempt_before_its_pause_is_over_does_not_happen_after_a_retry_either(sqlite_database, clock):
    owe(sqlite_database, clock, "a")
    jobs = Jobs(sqlite_database, clock, {"count": Effects(RuntimeError("no"))})
    jobs.run_due()
    with sqlite_database.transaction() as connection:
        connection.execute(update(model.job).values(state="LEASED", lease_owner="another", lease_until="9"))
    with pytest.raises(NotOpen):
        jobs.retry(row_of(sqlite_database).id)
