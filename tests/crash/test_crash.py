"""Servers killed in the middle of approvals lose nothing they acknowledged (RELIABILITY.md F5); time is read under the lock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import text

from tests.world import World

CHECKOUT = Path(__file__).resolve().parent.parent.parent
KILLS = 12


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_a_killed_server_acknowledged_is_there_once(kind):
    command = [sys.executable, "-m", "bench.crash", f"--{kind}", "--kills", str(KILLS)]
    ran = subprocess.run(
        command, cwd=CHECKOUT, env=os.environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.stdout, ran.stderr
    figures = json.loads(ran.stdout.splitlines()[-1])
    assert figures["wrong"] == [], ran.stderr
    assert ran.returncode == 0
    assert figures["kills"] == KILLS
    assert figures["acknowledged"] > KILLS, "too little happened to be called approvals"
    assert figures["committed"] - figures["acknowledged"] <= KILLS


def test_who_waited_for_the_lock_is_written_down_later_than_who_held_it(postgresql_database, clock, keyring):
    """Otherwise two servers could leave a case whose signatures run backwards in time."""
    world = World(postgresql_database, clock, keyring)
    claim = world.claim("JD")
    pressed = clock()
    waiting = Thread(target=claim.does)
    with postgresql_database.transaction() as connection:
        connection.execute(text("SELECT id FROM process_case WHERE id = :id FOR UPDATE"), {"id": claim.case_id})
        waiting.start()
        while not _somebody_waits(postgresql_database):
            assert waiting.is_alive()
        clock.advance(seconds=90)
    waiting.join(timeout=30)
    (signed,) = [event for event in claim.events if event["kind"] == "task_completed"]
    assert signed["at"] >= clock().strftime("%Y-%m-%dT%H:%M:%S") > pressed.strftime("%Y-%m-%dT%H:%M:%S")


def _somebody_waits(database) -> bool:
    with database.reading() as connection:
        waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        return connection.execute(text(waits)).scalar_one() > 0
