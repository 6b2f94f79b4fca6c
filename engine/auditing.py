"""The auditor's errands from the command line: verify the trail, take a checkpoint, hand out evidence.

They open the installation by themselves and need no running engine, so that an auditor can run them against a copy.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.audit.checkpoints import Checkpoint, take_checkpoint, uncovered
from engine.audit.evidence import export_case
from engine.audit.invariants import Violation, check_rows
from engine.audit.keys import Keyring
from engine.audit.verify import Report, verify
from engine.audit.writing import append
from engine.database import Database
from engine.instants import system_clock
from verifier.chain import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from engine.settings import Settings

__all__ = ["Checkpoint", "Problem", "Report", "Violation", "export_evidence", "make_checkpoint", "verify_trail"]


def verify_trail(settings: Settings) -> tuple[Report, list[Violation], int]:
    """Check the whole trail and the rows against it; return the report, the violations, and how many events are not covered yet."""
    keyring = Keyring.load(settings.instance, create=False)
    with _opened(settings) as database, database.reading() as connection:
        report = verify(connection, keyring, settings.instance)
        return report, check_rows(connection), uncovered(connection)


def make_checkpoint(settings: Settings, *, clock: Callable[[], datetime] = system_clock) -> Checkpoint | None:
    """Cover every event that is new; return the last checkpoint made, None where nothing was new."""
    keyring = Keyring.load(settings.instance, create=False)
    made: Checkpoint | None = None
    with _opened(settings) as database:
        while (found := take_checkpoint(database, keyring, settings.instance, clock())) is not None:
            made = found
    return made


def export_evidence(
    settings: Settings,
    case_no: str,
    path: Path,
    *,
    with_papers: bool = False,
    clock: Callable[[], datetime] = system_clock,
) -> int:
    """Write a case's evidence package and return how many events it holds; that it was written is itself an event."""
    keyring = Keyring.load(settings.instance, create=False)
    now = clock()
    with _opened(settings) as database, database.transaction() as connection:
        count = export_case(connection, keyring, case_no, path, now, with_papers=with_papers)
        append(connection, "system", "evidence_exported", now, None, case=case_no, events=count, papers=with_papers)
    return count


@contextmanager
def _opened(settings: Settings) -> Iterator[Database]:
    database = Database(settings.database_url)
    try:
        yield database
    finally:
        database.close()
