"""Setting up: everything in place after the first time, nothing changed by the second, and a demo only where it belongs."""

from __future__ import annotations

import json
import os
from datetime import date

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, insert, select

from engine.database import Database
from engine.errors import Conflict, EngineError
from engine.installation import import_register, initialise, prepare_demo
from engine.instants import local_date
from engine.model import audit_event, calendar_day, definition, household, member, person, post, region
from engine.people import passwords
from engine.people.accounts import Accounts
from engine.people.levels import Level
from engine.people.organisation import Organisation
from engine.people.regions import read_table
from engine.register.id_numbers import compose
from engine.settings import Settings
from tests.engine.register.test_importing import household_row, member_row, write_workbook


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch):
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def settings(sqlite_database, tmp_path):
    """Return an installation in SQLite; that the two databases behave alike is shown once, below."""
    return Settings.from_environment(database_url=str(sqlite_database.url), instance=str(tmp_path / "instance"))


def count(settings, table, *conditions):
    database = Database(settings.database_url)
    with database.reading() as connection:
        number = connection.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()
    database.close()
    return number


def events(settings):
    database = Database(settings.database_url)
    with database.reading() as connection:
        statement = select(audit_event.c.kind).where(audit_event.c.stream == "system").order_by(audit_event.c.seq)
        kinds = list(connection.execute(statement).scalars())
    database.close()
    return kinds


def test_setting_up_loads_places_calendar_and_processes_and_a_second_time_changes_nothing(database, tmp_path, clock):
    url = database.url.render_as_string(hide_password=False)
    settings = Settings.from_environment(database_url=url, instance=str(tmp_path / "instance"))
    first = initialise(settings, clock=clock)
    assert first.places == first.new_places == len(read_table().rows)
    assert first.new_days == count(settings, calendar_day) > 100
    assert ("medical_assistance", 1) in first.processes
    told = events(settings)
    again = initialise(settings, clock=clock)
    assert (again.new_places, again.new_days, again.processes) == (0, 0, first.processes)
    assert events(settings) == told == ["definition_deployed"] * len(first.processes) + ["system_initialised"]
    assert count(settings, definition) == len(first.processes)


def test_setting_up_makes_an_empty_file_into_a_database(tmp_path, clock):
    settings = Settings.from_environment(
        database_url=f"sqlite:///{tmp_path / 'instance' / 'new.sqlite'}", instance=str(tmp_path / "instance")
    )
    assert initialise(settings, clock=clock).places == count(settings, region)
    assert {path.name for path in (settings.instance / "keys").iterdir()} >= {"person.key", "state.key", "signing.key"}
    if os.name == "posix":
        assert settings.instance.stat().st_mode & 0o077 == 0


def test_the_demo_is_one_county_with_a_log_in_for_every_role_of_the_way(settings, clock):
    initialise(settings, clock=clock)
    demo = prepare_demo(settings, households=60, clock=clock)
    assert (demo.county, demo.towns, demo.villages, demo.households, demo.was_there) == ("五华县", 16, 451, 60, False)
    assert demo.persons == count(settings, person) == count(settings, post)
    assert count(settings, household, household.c.test_data.is_(False)) == 0
    assert {one.level for one in demo.log_ins} == set(Level)
    roles = [one.role for one in demo.log_ins]
    drawn = {"VIL_CLERK", "TWN_CIVIL", "CTY_CIVIL", "CTY_LEADER", "CTY_FIN", "CIT_DEPT", "PRV_DEPT"}
    assert drawn | {"AUDITOR", "ADMIN"} <= set(roles)
    assert len({one.staff_no for one in demo.log_ins}) == len({one.password for one in demo.log_ins}) == len(roles)
    assert events(settings)[-1] == "demo_prepared"


def test_every_log_in_of_the_demo_works_and_no_password_is_kept_anywhere(settings, clock):
    initialise(settings, clock=clock)
    demo = prepare_demo(settings, households=20, clock=clock)
    database = Database(settings.database_url)
    accounts = Accounts(database, clock, Organisation.from_folder(settings.workflows))
    for one in demo.log_ins[:3]:
        answer = accounts.log_in(one.staff_no, one.password, address="10.0.0.1")
        assert (answer.name, answer.must_change_password) == (one.name, False)
        assert [post.role for post in answer.posts] == [one.role]
    with database.reading() as connection:
        stored = str(connection.execute(select(person)).all()) + str(
            connection.execute(select(audit_event.c.body)).all()
        )
    database.close()
    assert not any(one.password in stored for one in demo.log_ins)
    assert not any(
        one.password in path.read_text("latin-1")
        for path in settings.instance.rglob("*")
        if path.is_file()
        for one in demo.log_ins
    )


def test_a_second_demo_changes_nothing_and_shows_no_password_unless_asked(settings, clock):
    initialise(settings, clock=clock)
    first = prepare_demo(settings, households=20, clock=clock)
    again = prepare_demo(settings, households=20, clock=clock)
    assert (again.was_there, again.log_ins) == (True, ())
    assert (again.persons, again.households) == (first.persons, first.households)
    anew = prepare_demo(settings, households=20, new_passwords=True, clock=clock)
    assert [one.staff_no for one in anew.log_ins] == [one.staff_no for one in first.log_ins]
    assert {one.password for one in anew.log_ins}.isdisjoint(one.password for one in first.log_ins)


def test_a_demo_does_not_mix_with_real_households(settings, clock, tmp_path):
    initialise(settings, clock=clock)
    write_workbook(tmp_path / "real.xlsx", [household_row()], [member_row()])
    assert import_register(settings, tmp_path / "real.xlsx", clock=clock).written
    with pytest.raises(Conflict, match="1 households that are not test data"):
        prepare_demo(settings, households=20, clock=clock)
    assert count(settings, person) == 0


def test_a_demo_does_not_mix_with_real_staff(settings, clock):
    initialise(settings, clock=clock)
    database = Database(settings.database_url)
    with database.transaction() as connection:
        connection.execute(
            insert(person).values(
                id=1,
                staff_no="real-01",
                name="张明华",
                id_hash="a" * 64,
                password_hash="!",
                created_at="2018-01-01T00:00:00.000000Z",
            )
        )
        values = {
            "person_id": 1,
            "role": "CTY_FIN",
            "region_code": "441424",
            "body": "五华县财政局",
            "from_date": "2018-01-01",
        }
        connection.execute(insert(post).values(values))
    database.close()
    with pytest.raises(Conflict, match="1 posts"):
        prepare_demo(settings, households=20, clock=clock)
    assert count(settings, household) == 0


def test_importing_leaves_an_event_with_the_files_digest_and_a_dry_run_leaves_none(settings, clock, tmp_path):
    initialise(settings, clock=clock)
    path = tmp_path / "households.xlsx"
    write_workbook(path, [household_row()], [member_row()])
    before = events(settings)
    assert not import_register(settings, path, dry_run=True, clock=clock).written
    assert events(settings) == before
    assert import_register(settings, path, test_data=True, clock=clock).written
    assert events(settings) == [*before, "household_imported"]
    database = Database(settings.database_url)
    with database.reading() as connection:
        body = connection.execute(
            select(audit_event.c.body).where(audit_event.c.kind == "household_imported")
        ).scalar_one()
    database.close()
    told = json.loads(body)
    assert (told["households"], told["members"], told["file"], len(told["sha256"])) == (1, 1, "households.xlsx", 64)


def test_importing_into_a_place_takes_only_its_households(settings, clock, tmp_path):
    initialise(settings, clock=clock)
    path = tmp_path / "households.xlsx"
    write_workbook(path, [household_row()], [member_row()])
    report = import_register(settings, path, scope="441424100", clock=clock)
    assert [problem.column for problem in report.problems] == ["村代码"]
    assert count(settings, household) == 0


def test_what_is_imported_can_be_born_at_the_latest_today(settings, clock, tmp_path):
    initialise(settings, clock=clock)
    path = tmp_path / "households.xlsx"
    today = local_date(clock())
    born = date(today.year, today.month, today.day + 1)
    write_workbook(path, [household_row()], [member_row(证件号码=compose("441424", born, 400, sex="F"))])
    assert [problem.column for problem in import_register(settings, path, clock=clock).problems] == ["证件号码"]
    assert count(settings, member) == 0


def test_without_its_keys_an_installation_makes_no_new_ones_by_importing(settings, tmp_path, clock):
    write_workbook(tmp_path / "households.xlsx", [household_row()], [member_row()])
    with pytest.raises(EngineError, match="missing"):
        import_register(settings, tmp_path / "households.xlsx", clock=clock)
