"""The runner goes on: a round that fails is logged and keeps no other from its turn, and stopping waits for what is under way."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from web.runner import Runner

if TYPE_CHECKING:
    import pytest


def test_a_round_that_fails_is_logged_and_the_others_have_their_turn(caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []

    def fails() -> int:
        raise RuntimeError("the database is away")

    def works() -> int:
        done.append("worked")
        return 1

    assert Runner([fails, works]).run_once() == 1
    assert done == ["worked"]
    assert "the database is away" in caplog.text


def test_the_runner_works_by_itself_until_it_is_stopped() -> None:
    seen = threading.Event()
    rounds: list[int] = []

    def works() -> int:
        rounds.append(len(rounds))
        if len(rounds) >= 3:
            seen.set()
        return 0

    runner = Runner([works], every_seconds=0.001)
    runner.start()
    assert seen.wait(timeout=10)
    runner.stop()
    count = len(rounds)
    assert count >= 3
    assert len(rounds) == count, "it went on after it was stopped"


def test_serving_before_setting_up_says_what_to_do(tmp_path: object) -> None:
    from click.testing import CliRunner

    from web.cli.serve import serve

    answer = CliRunner().invoke(serve, ["--instance", str(tmp_path), "--no-runner"])
    assert answer.exit_code == 1
    assert "bangfu init" in answer.output
