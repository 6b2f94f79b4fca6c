"""What must always hold is asked of real work on both databases, and each kind of meddling is told: RELIABILITY.md F32."""

from __future__ import annotations

import shutil
from datetime import datetime

import pytest
from sqlalchemy import text

from engine.audit.checkpoints import take_checkpoint
from engine.audit.invariants import check_invariants
from engine.audit.keys import Keyring
from engine.audit.verify import verify, verify_case
from engine.database import Database
from engine.instants import SHANGHAI
from tests.clock import Clock
from tests.world import World


def test_real_work_keeps_every_rule_and_proves_itself_on_both_databases(database, clock, keyring, tmp_path):
    world = World(database, clock, keyring)
    paid = world.claim("JD").goes_to("T_pay").does()
    clock.advance(days=1)
    running = world.claim("JD")
    world.engine.claim(running.task, running.holder())
    assert take_checkpoint(database, keyring, tmp_path, clock()).size >= 8
    assert take_checkpoint(database, keyring, tmp_path, clock()) is None
    with database.reading() as connection:
        assert [str(one) for one in check_invariants(connection)] == []
        # Nobody has delivered anything for a day; that alone is told.
        assert {one.rule for one in check_invariants(connection, clock())} == {"what is owed is delivered"}
        report = verify(connection, keyring, tmp_path)
        assert (report.problems, report.covered) == ([], report.events)
        assert verify_case(connection, keyring, paid.case_id).is_whole


@pytest.fixture(scope="module")
def paid(sqlite_template, tmp_path_factory):
    """A claim that has been paid, in a file whose triggers are gone; each test takes back what it changed."""
    path = tmp_path_factory.mktemp("paid") / "paid.sqlite"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    clock = Clock(datetime(2018, 10, 22, 9, tzinfo=SHANGHAI))
    World(database, clock, Keyring.for_tests()).claim("JD").goes_to("T_pay").does()
    with database.transaction() as connection:
        for name in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all():
            connection.execute(text(f"DROP TRIGGER {name}"))
    yield database
    database.close()


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ("UPDATE ledger_entry SET amount_fen = amount_fen + 100", "ledger_entry.amount_fen"),
        ("UPDATE ledger_entry SET household_no = 'H-0'", "ledger_entry.household_no"),
        ("DELETE FROM ledger_entry", "the entry that was made is missing"),
        ("UPDATE process_case SET status = 'WITHDRAWN'", "status"),
        ("UPDATE process_case SET revision = revision + 1", "process_case.revision"),
        ("UPDATE process_case SET papers_digest = 'x'", "papers_digest"),
        ("UPDATE task SET outcome = 'REJECT' WHERE no = (SELECT max(no) FROM task WHERE outcome = 'AGREE')", "outcome"),
        (
            "UPDATE task SET closed_by = closed_by + 1 WHERE no = (SELECT max(no) FROM task WHERE state = 'DONE')",
            "closed_by",
        ),
        ("UPDATE task SET role = 'CTY_LEADER' WHERE state = 'OPEN'", "role"),
        ("UPDATE task SET region_code = '44' WHERE state = 'OPEN'", "region_code"),
        ("UPDATE task SET claimed_by = (SELECT min(id) FROM person) WHERE state = 'OPEN'", "claimed_by"),
        ("UPDATE task SET due_at = '2030-01-01T00:00:00.000000Z' WHERE state = 'OPEN'", "due_at"),
        ("UPDATE task SET state = 'DONE' WHERE state = 'OPEN'", "no open task"),
        ("UPDATE case_duty SET duty = 'file' WHERE duty = 'pay'", "holds file"),
        ("UPDATE message SET state = 'FAILED'", "FAILED"),
        ("DELETE FROM post WHERE role = 'CIT_DEPT'", "nobody is CIT_DEPT"),
    ],
)
def test_a_row_changed_behind_the_engine_is_told_with_its_column(paid, clock, change, column):
    with paid.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.rollback()
        with connection.begin() as transaction:
            assert check_invariants(connection, clock()) == []
            assert connection.execute(text(change)).rowcount > 0
            told = [str(one) for one in check_invariants(connection, clock())]
            transaction.rollback()
    assert any(column in one for one in told), told
