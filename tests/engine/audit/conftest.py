"""A trail worth tampering with: real cases, played once through the engine's front door, copied for each test."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from engine import NotPermitted
from engine.audit.checkpoints import COPY, take_checkpoint
from engine.audit.keys import Keyring
from engine.database import Database
from tests.clock import Clock
from tests.world import World

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Trail:
    """An installation with a story behind it: two checkpoints, and events after them that none covers yet."""

    database: Database
    folder: Path
    keyring: Keyring
    clock: Clock
    paid: int
    running: int

    def unguarded(self):
        """Drop the triggers, as the owner of the file can."""
        with self.database.transaction() as connection:
            names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
            for name in names:
                connection.execute(text(f"DROP TRIGGER {name}"))
        return self


def tell(database: Database, clock: Clock, keyring: Keyring, folder: Path) -> tuple[int, int]:
    """Play a claim to its end and another one half-way; return their numbers."""
    world = World(database, clock, keyring)
    paid = world.claim("JD")
    clock.advance(minutes=5)
    world.engine.claim(paid.task, paid.holder())
    for step in ("T_review", "T_approve", "T_pay"):
        clock.advance(minutes=11)
        paid.goes_to(step)
    take_checkpoint(database, keyring, folder, clock())
    running = world.claim("JD")
    clock.advance(minutes=3)
    running.goes_to("T_review")
    clock.advance(hours=2)
    running.does("RETURN", opinion="发票缺一张,请补齐。", return_to="VILLAGE")
    with pytest.raises(NotPermitted):
        # A clerk of the town may not approve for the county; that leaves a trace, too.
        world.engine.claim(paid.task, world.actor("CTY_POV"))
    for step in ("T_city", "T_province"):
        clock.advance(minutes=11)
        paid.goes_to(step)
    take_checkpoint(database, keyring, folder, clock())
    clock.advance(minutes=11)
    paid.does()
    running.does()
    assert paid.status == "COMPLETED"
    return paid.case_id, running.case_id


@pytest.fixture(scope="session")
def told(sqlite_template, tmp_path_factory):
    """The story, told once: (database file, instance folder, clock's moment, cases)."""
    from datetime import datetime

    from engine.instants import SHANGHAI

    folder = tmp_path_factory.mktemp("trail")
    path = folder / "trail.sqlite"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    clock = Clock(datetime(2018, 10, 22, 9, tzinfo=SHANGHAI))
    cases = tell(database, clock, Keyring.for_tests(), folder)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.rollback()
    database.close()
    return path, folder, clock.now, cases


@pytest.fixture
def trail(told, tmp_path, keyring):
    """A copy of the story on SQLite, for this test alone."""
    path, folder, now, (paid, running) = told
    shutil.copy(path, tmp_path / "trail.sqlite")
    shutil.copy(folder / COPY, tmp_path / COPY)
    database = Database(f"sqlite:///{tmp_path / 'trail.sqlite'}")
    yield Trail(database, tmp_path, keyring, Clock(now), paid, running)
    database.close()
