"""Where everything is wired together: from settings to an engine that is ready to work."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from engine.audit.keys import Keyring
from engine.database import Database
from engine.deadlines.stages import Thresholds
from engine.ground import Ground
from engine.instants import system_clock
from engine.people.accounts import Accounts
from engine.people.organisation import Organisation
from engine.process_engine import ProcessEngine

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from engine.settings import Settings


def open_ground(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = system_clock,
    keyring: Keyring | None = None,
    database: Database | None = None,
) -> Ground:
    """Return what verbs stand on; keys are made on first use, the schema is not."""
    entries = json.loads((settings.workflows / "parameters" / "escalation.json").read_text("utf-8"))["entries"]
    return Ground(
        settings=settings,
        database=database or Database(settings.database_url),
        keyring=keyring or Keyring.load(settings.instance),
        clock=clock,
        organisation=Organisation.from_folder(settings.workflows),
        thresholds=Thresholds.from_entries(entries),
    )


def open_engine(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = system_clock,
    keyring: Keyring | None = None,
    database: Database | None = None,
) -> ProcessEngine:
    """Return the engine of an installation: its database, keys, drawings and clock."""
    ground = open_ground(settings, clock=clock, keyring=keyring, database=database)
    return ProcessEngine(ground, Accounts(ground.database, clock, ground.organisation))
