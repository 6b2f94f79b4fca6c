"""What comes round by itself: checkpoints every five minutes or thousand events, and the sweep."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, insert, select

from engine import housekeeping, model
from engine.audit.checkpoints import COPY, read_copy
from engine.audit.verify import verify
from engine.audit.writing import append
from engine.instants import to_text
from engine.opening import open_ground
from engine.settings import Settings


@pytest.fixture
def ground(database, clock, keyring, tmp_path):
    settings = Settings.from_environment(database_url=str(database.url), instance=str(tmp_path / "instance"))
    return open_ground(settings, clock=clock, keyring=keyring, database=database)


def happen(ground, count):
    with ground.database.transaction() as connection:
        for _ in range(count):
            append(connection, "system", "happened", ground.clock(), None)


def checkpoints(ground):
    with ground.database.reading() as connection:
        return connection.execute(select(model.checkpoint.c.size).order_by(model.checkpoint.c.no)).scalars().all()


def test_a_checkpoint_is_taken_at_once_and_then_every_five_minutes(ground, clock):
    jobs = housekeeping.jobs_of(ground)
    happen(ground, 3)
    jobs.run_due()
    assert checkpoints(ground) == [3]
    happen(ground, 2)
    for _ in range(9):
        clock.advance(seconds=30)
        jobs.run_due()
    assert checkpoints(ground) == [3]
    clock.advance(seconds=30)
    jobs.run_due()
    assert checkpoints(ground) == [3, 5]
    assert len(read_copy(ground.settings.instance)) == 2
    with ground.database.reading() as connection:
        report = verify(connection, ground.keyring, ground.settings.instance)
    assert (report.problems, report.covered) == ([], 5)


def test_many_events_do_not_wait_for_the_five_minutes(ground, clock, monkeypatch):
    monkeypatch.setattr(housekeeping, "MANY_EVENTS", 20)
    jobs = housekeeping.jobs_of(ground)
    happen(ground, 1)
    jobs.run_due()
    clock.advance(seconds=1)
    happen(ground, 19)
    clock.advance(seconds=29)
    jobs.run_due()
    assert checkpoints(ground) == [1, 20]


def test_more_events_than_one_checkpoint_holds_are_covered_in_the_same_round(ground, clock, monkeypatch):
    monkeypatch.setattr(housekeeping, "MOST_AT_ONCE", 4)
    original = housekeeping.cover
    monkeypatch.setattr(housekeeping, "cover", lambda *arguments: original(*arguments, most=4))
    happen(ground, 10)
    housekeeping.jobs_of(ground).run_due()
    assert checkpoints(ground) == [4, 8, 10]


def test_a_crash_between_the_checkpoint_and_its_copy_is_made_good_by_the_next(ground, clock, monkeypatch, caplog):
    def crash(*_):
        raise OSError("disk full")

    jobs = housekeeping.jobs_of(ground)
    happen(ground, 1)
    with monkeypatch.context() as patched:
        patched.setattr(housekeeping, "copy_out", crash)
        jobs.run_due()
    assert not (ground.settings.instance / COPY).exists()
    assert "disk full" in caplog.text
    happen(ground, 1)
    clock.advance(minutes=5)
    jobs.run_due()
    assert [line["body"] for line in read_copy(ground.settings.instance)] != []
    assert len(read_copy(ground.settings.instance)) == len(checkpoints(ground)) == 2


def test_a_database_put_back_to_yesterday_gets_no_checkpoint_on_top_and_is_listed(ground, clock):
    jobs = housekeeping.jobs_of(ground)
    happen(ground, 1)
    jobs.run_due()
    copy = ground.settings.instance / COPY
    copy.write_bytes(copy.read_bytes() * 2)
    happen(ground, 1)
    clock.advance(minutes=5)
    jobs.run_due()
    assert checkpoints(ground) == [1]
    shown = next(one for one in jobs.list() if one.kind == housekeeping.CHECKPOINT)
    assert "put back to an earlier state" in shown.last_error


def test_counters_of_wrong_log_ins_that_no_longer_matter_are_swept(ground, clock):
    with ground.database.transaction() as connection:
        connection.execute(
            insert(model.login_throttle).values(subject="account:x", failures=2, window_started_at=to_text(clock()))
        )
    clock.advance(days=1)
    housekeeping.jobs_of(replace(ground)).run_due()
    with ground.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(model.login_throttle)).scalar_one() == 0
