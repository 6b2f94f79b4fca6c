"""`bangfu audit` as an auditor uses it: a faultless trail, a fault with its place, a package for the court."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from engine.audit.keys import Keyring
from tests.world import World
from web.cli.audit import audit


@pytest.fixture
def case(sqlite_database, clock, tmp_path):
    world = World(sqlite_database, clock, Keyring.load(tmp_path))
    return world.claim("JD").goes_to("T_review")


@pytest.fixture
def run(sqlite_database, tmp_path):
    where = ["--database", str(sqlite_database.url), "--instance", str(tmp_path)]
    return lambda *arguments: CliRunner().invoke(audit, [*arguments, *where])


def test_a_faultless_trail_is_told_in_both_languages_and_covered_once(case, run):
    assert "锚点 1" in run("checkpoint").output
    assert "nothing new" in run("checkpoint").output
    done = run("verify")
    assert done.exit_code == 0, done.output
    assert "审计链完整 · the trail is whole" in done.output
    assert "0 not covered yet" in done.output


def test_a_fault_ends_with_exit_code_one_and_names_the_first_bad_event(case, run, sqlite_database):
    run("checkpoint")
    with sqlite_database.transaction() as connection:
        connection.execute(text("DROP TRIGGER audit_event_refuses_update"))
        connection.execute(
            text(
                "UPDATE audit_event SET body = replace(body, 'task_completed', 'task_forgotten') WHERE stream = :stream"
            ),
            {"stream": f"case:{case.case_id}"},
        )
    done = run("verify")
    assert done.exit_code == 1
    assert f"audit_event case:{case.case_id} #2" in done.output


def test_evidence_is_written_checked_and_leaves_a_trace(case, run, tmp_path, sqlite_database):
    from verifier.package import verify_package

    run("checkpoint")
    target = tmp_path / "evidence.zip"
    done = run("export", case.case_no, "--to", str(target))
    assert done.exit_code == 0, done.output
    verdict = verify_package(target)
    assert (verdict.problems, verdict.covered) == ([], verdict.events)
    with sqlite_database.reading() as connection:
        found = connection.execute(
            text("SELECT count(*) FROM audit_event WHERE kind = 'evidence_exported'")
        ).scalar_one()
    assert found == 1


def test_an_unknown_case_is_answered_with_a_sentence(case, run, tmp_path):
    done = run("export", "YL-000000-2018-000001", "--to", str(tmp_path / "none.zip"))
    assert done.exit_code == 1
    assert "There is no case" in done.output
    assert not (tmp_path / "none.zip").exists()
