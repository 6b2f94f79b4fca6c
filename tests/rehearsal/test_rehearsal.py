"""A small rehearsal: the same history for the same seed, on both databases and every time; nothing violated."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from sqlalchemy import insert

from engine import model, open_engine
from engine.rehearsing import account, faults, set_stage
from engine.settings import Settings
from web.cli.rehearse import rehearse
from web.rehearsal import Life, VirtualClock

HOUSEHOLDS, DAYS = 25, 20


def live(url, instance, *, seed=7, days=DAYS):
    """Rehearse in a database and return the account and what does not hold."""
    settings = Settings.from_environment(database_url=url, instance=str(instance))
    clock = VirtualClock()
    with set_stage(settings, households=HOUSEHOLDS, seed=seed, clock=clock, keeps_checkpoints=False) as stage:
        life = Life(stage, clock, seed=seed)
        life.live(days, lambda _: None)
        return account(stage.engine), faults(stage, clock())


def url_of(database):
    return database.url.render_as_string(hide_password=False)


def test_one_seed_gives_one_history_on_both_databases_and_again(sqlite_database, postgresql_database, tmp_path):
    first, faults_of_first = live(url_of(sqlite_database), tmp_path / "a")
    second, faults_of_second = live(url_of(postgresql_database), tmp_path / "b")
    again, _ = live(url_of(sqlite_database), tmp_path / "c")
    assert faults_of_first == faults_of_second == []
    assert first.digest == second.digest == again.digest
    assert len(first.digest) == 64
    assert first.cases == second.cases
    assert sum(first.outcomes.values()) > 15
    assert first.undelivered == 0


def test_another_seed_gives_another_history(sqlite_database, tmp_path):
    first, _ = live(url_of(sqlite_database), tmp_path / "a", days=8)
    other, _ = live(url_of(sqlite_database), tmp_path / "b", days=8, seed=8)
    assert first.digest != other.digest


def test_a_longer_rehearsal_begins_like_the_shorter_one(sqlite_database, tmp_path):
    settings = Settings.from_environment(database_url=url_of(sqlite_database), instance=str(tmp_path))
    short, _ = live(url_of(sqlite_database), tmp_path / "a", days=10)
    clock = VirtualClock()
    with set_stage(settings, households=HOUSEHOLDS, seed=7, clock=clock, keeps_checkpoints=True) as stage:
        life = Life(stage, clock, seed=7)
        life.live(10, lambda _: None)
        assert account(stage.engine).digest == short.digest
        life.live(2, lambda _: None)
        assert account(stage.engine).digest != short.digest
        assert faults(stage, clock()) == []


def test_the_command_prints_counts_and_ends_with_the_digest():
    told = CliRunner().invoke(rehearse, ["--households", "12", "--days", "6"])
    assert told.exit_code == 0, told.output
    digest = told.stdout.splitlines()[-1]
    assert len(bytes.fromhex(digest)) == 32
    assert "0 violations" in told.stdout
    assert "cases by status" in told.stdout
    assert "day 6" in told.stderr


def test_rows_that_contradict_the_events_end_the_command_with_one(sqlite_database, tmp_path, monkeypatch):
    def forge(stage, _now):
        with stage.engine.ground.database.transaction() as connection:
            connection.execute(model.process_case.update().values(status="COMPLETED"))

    monkeypatch.setattr("engine.rehearsing.checkpoint", forge)
    given = ["--database", url_of(sqlite_database), "--instance", str(tmp_path / "i"), "--households", "25"]
    told = CliRunner().invoke(rehearse, [*given, "--days", "4"])
    assert told.exit_code == 1
    assert "a closed case waits for nobody" in told.output


def test_a_database_with_households_of_somebody_else_is_left_alone(sqlite_database, tmp_path):
    row = {
        "household_no": "H-1",
        "region_code": "441424104233",
        "village_group": "一组",
        "head_name": "户主",
        "head_initials": "hz",
        "category": "JD",
        "status": "REGISTERED",
        "member_count": 1,
        "test_data": False,
    }
    with sqlite_database.transaction() as connection:
        connection.execute(insert(model.household).values(row))
    told = CliRunner().invoke(rehearse, ["--database", url_of(sqlite_database), "--instance", str(tmp_path / "i")])
    assert told.exit_code == 1
    assert "Expected an empty database" in told.output
    with sqlite_database.reading() as connection:
        assert connection.execute(model.household.select()).one().household_no == "H-1"


@pytest.mark.parametrize("kind", ["demo", "real"])
def test_a_rehearsal_that_became_something_else_is_not_cleared(sqlite_database, tmp_path, kind):
    live(url_of(sqlite_database), tmp_path / "a", days=1)
    with sqlite_database.transaction() as connection:
        if kind == "real":
            connection.execute(model.household.update().values(test_data=False))
        else:
            connection.exec_driver_sql("DROP TRIGGER audit_event_refuses_delete")
            connection.execute(model.audit_event.delete().where(model.audit_event.c.kind == "rehearsal_begun"))
    told = CliRunner().invoke(rehearse, ["--database", url_of(sqlite_database), "--instance", str(tmp_path / "b")])
    assert told.exit_code == 1
    assert "Expected an empty database" in told.output


def test_open_engine_finds_what_a_rehearsal_left(sqlite_database, tmp_path):
    """What was rehearsed in a database of one's own can be looked at afterwards with the installation's keys."""
    live(url_of(sqlite_database), tmp_path / "i", days=8)
    settings = Settings.from_environment(database_url=url_of(sqlite_database), instance=str(tmp_path / "i"))
    engine = open_engine(settings, clock=VirtualClock())
    with sqlite_database.reading() as connection:
        post = connection.execute(model.post.select().where(model.post.c.role == "PRV_DEPT")).first()
        cases = connection.execute(model.process_case.select()).all()
    actor = engine.actor(post.person_id, post.id)
    assert cases
    for case in cases:
        assert engine.case(case.id, actor).case_no == case.case_no
    engine.ground.database.close()
