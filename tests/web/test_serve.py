"""The runner goes on: a round that fails is logged and keeps no other from its turn, and stopping waits for what is under way."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from web.runner import Runner

if TYPE_CHECKING:
    from pathlib import Path

    from engine.database import Database


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


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to send")
def test_the_site_answers_and_stops_cleanly_at_sigterm(sqlite_database: Database, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from web.cli import main; main()", "serve", "--port", str(port)]
    command += ["--database", str(sqlite_database.url), "--instance", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as served:
        try:
            assert served.stdout is not None
            assert "is serving at" in served.stdout.readline()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/healthz")
            assert connection.getresponse().read() == b'{"status":"ok"}\n'
            connection.close()
            served.terminate()
            said, complained = served.communicate(timeout=60)
        finally:
            served.kill()
    assert served.returncode == 0, complained
    assert "Stopped." in said
    assert "Traceback" not in complained
    assert "spiff" not in complained, "the library's own talk stays out of the log"
