"""`bangfu jobs` and `bangfu worker` as an administrator uses them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from engine import model
from engine.audit.keys import Keyring
from tests.world import World
from web.cli import main


@pytest.fixture
def world(sqlite_database, clock, tmp_path):
    world = World(sqlite_database, clock, Keyring.load(tmp_path))
    world.engine.ground.settings = replace(world.engine.ground.settings, instance=tmp_path)
    return world


@pytest.fixture
def where(sqlite_database, tmp_path):
    return ["--database", str(sqlite_database.url), "--instance", str(tmp_path)]


@pytest.fixture
def run(where):
    return lambda *arguments: CliRunner().invoke(main, [*arguments, *where])


def test_the_list_tells_what_waits_and_what_failed_and_retry_lets_it_run(world, run):
    assert "没有后台任务 · No jobs." in run("jobs", "list").output
    world.engine.jobs.run_due()
    with world.database.transaction() as connection:
        connection.execute(
            update(model.job).where(model.job.c.kind == "checkpoint").values(state="FAILED", last_error="OSError: full")
        )
        number = connection.execute(select(model.job.c.id).where(model.job.c.kind == "checkpoint")).scalar_one()
    listed = run("jobs", "list")
    assert listed.exit_code == 0, listed.output
    first, second, third = listed.output.splitlines()
    assert "失败 failed" in first
    assert "OSError: full" in second
    assert "session_sweep" in third
    told = json.loads(run("jobs", "list", "--json").output)
    assert (told[0]["kind"], told[0]["status"]) == ("checkpoint", "failed")

    again = run("jobs", "retry", str(number))
    assert again.exit_code == 0, again.output
    with world.database.reading() as connection:
        assert connection.execute(select(model.job.c.state).where(model.job.c.id == number)).scalar_one() == "READY"


def test_retrying_what_did_not_fail_is_refused_in_both_languages(world, run):
    answer = run("jobs", "retry", "77")
    assert answer.exit_code == 1
    assert "没有编号为 77 的后台任务" in answer.output
    assert "There is no job 77" in answer.output


def test_without_a_word_more_it_lists(world, where, monkeypatch):
    answer = CliRunner().invoke(
        main, ["jobs"], env={"BANGFU_DATABASE_URL": where[1], "BANGFU_INSTANCE": where[3]}, catch_exceptions=False
    )
    assert (answer.exit_code, answer.output) == (0, "没有后台任务 · No jobs.\n")


def test_a_worker_does_one_round_of_everything_and_comes_to_rest(world, run):
    claim = world.claim("JD")
    done = run("worker", "--once")
    assert done.exit_code == 0, done.output
    # The machine's own clock is far beyond the claim's: its stages are reached, its messages delivered, its events covered.
    assert [event["kind"] for event in claim.events][-1] == "stage_reached"
    assert {row.state for row in world.rows(model.message)} == {"SENT"}
    assert world.rows(model.notice)
    assert world.rows(model.checkpoint)


def test_a_worker_ends_when_it_is_asked_to(world, where):
    process = subprocess.Popen(
        [sys.executable, "-c", "from web.cli import main; main()", "worker", *where],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={"PYTHONUNBUFFERED": "1", "PATH": ""},
    )
    assert "worker is running" in process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=60)
    assert (process.returncode, rest) == (0, "已停止 · Stopped.\n")


@pytest.mark.parametrize("words", [["jobs", "list"], ["worker", "--once"]])
def test_before_setting_up_it_says_what_to_do(tmp_path, words):
    answer = CliRunner().invoke(main, [*words, "--instance", str(tmp_path / "new")])
    assert answer.exit_code == 1
    assert "bangfu init" in answer.output
