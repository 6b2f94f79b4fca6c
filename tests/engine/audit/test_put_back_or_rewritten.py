"""A hand that makes everything fit together again is contradicted by the checkpoints, or by their copy outside the database."""

from __future__ import annotations

import random
import shutil

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from engine import model
from engine.audit.chain import GENESIS, seal
from engine.audit.checkpoints import take_checkpoint
from engine.audit.keys import Keyring
from engine.audit.verify import verify, verify_case
from engine.audit.writing import append
from engine.database import Database
from engine.errors import EngineError

ORDERED = {"checkpoint": ("no",), "event_order": ("position",)}


def write(trail, statement, **values):
    with trail.database.transaction() as connection:
        connection.execute(text(statement), values)


def check(trail):
    with trail.database.reading() as connection:
        return verify(connection, trail.keyring, trail.folder)


def named(trail):
    return {problem.where for problem in check(trail).problems}


def rows(trail, table):
    with trail.database.reading() as connection:
        return connection.execute(table.select()).mappings().all()


def changed(value, luck):
    if isinstance(value, int):
        return value + luck.choice([-1, 1, 2, 1000])
    place = luck.randrange(len(value))
    other = luck.choice([one for one in "0123456789abcdefXYZ ={}县" if one != value[place]])
    return value[:place] + other + value[place + 1 :]


@pytest.mark.parametrize("table", list(ORDERED))
def test_any_change_of_a_checkpoint_or_of_the_order_is_found_and_the_row_is_named(trail, table):
    trail.unguarded()
    luck, tried = random.Random(5), 0
    (key,) = ORDERED[table]
    for row in rows(trail, model.metadata.tables[table]):
        for column, value in row.items():
            for _ in range(2):
                new = changed(value, luck)
                with trail.database.reading() as connection:  # ends in a rollback
                    try:
                        connection.execute(
                            text(f"UPDATE {table} SET {column} = :new WHERE {key} = :key"),
                            {"new": new, "key": row[key]},
                        )
                    except IntegrityError:
                        continue  # a key that is taken: the table itself refuses
                    found = {one.where for one in verify(connection, trail.keyring, trail.folder).problems}
                after = {**row, column: new}
                if table == "checkpoint":
                    wanted = {f"checkpoint #{one['no']}" for one in (row, after)}
                else:
                    wanted = {f"event_order {one['position']}" for one in (row, after)}
                    wanted |= {f"audit_event {one['stream']} #{one['seq']}" for one in (row, after)}
                assert found & wanted, (dict(row), column, new, found)
                tried += 1
    assert tried > 20


def covered_tail(trail):
    """Return the last event of the finished case that a checkpoint covers, with every event after it."""
    stream = f"case:{trail.paid}"
    events = [row for row in rows(trail, model.audit_event) if row["stream"] == stream]
    ordered = {row["seq"] for row in rows(trail, model.event_order) if row["stream"] == stream}
    return stream, max(ordered), events


def cut(trail):
    """Cut a case from its last covered event on, and make its head say so."""
    trail.unguarded()
    stream, seq, events = covered_tail(trail)
    before = next(row for row in events if row["seq"] == seq - 1)
    write(trail, "DELETE FROM signature WHERE case_id = :case AND event_seq >= :seq", case=trail.paid, seq=seq)
    write(trail, "DELETE FROM audit_event WHERE stream = :stream AND seq >= :seq", stream=stream, seq=seq)
    write(
        trail,
        "UPDATE process_case SET event_seq = :seq, event_hash = :hash WHERE id = :case",
        seq=seq - 1,
        hash=before["hash"],
        case=trail.paid,
    )
    return f"audit_event {stream} #{seq}"


def test_a_tail_cut_with_the_head_set_back_is_found_by_the_checkpoint(trail):
    where = cut(trail)
    assert where in named(trail)


def test_checkpoints_and_order_thrown_away_too_are_found_by_the_copy(trail):
    cut(trail)
    write(trail, "DELETE FROM event_order")
    write(trail, "DELETE FROM checkpoint")
    report = check(trail)
    assert report.first_bad.where == "checkpoint #1"
    assert "2 checkpoints" in report.first_bad.en
    with pytest.raises(EngineError, match="earlier state"):
        take_checkpoint(trail.database, trail.keyring, trail.folder, trail.clock())


def test_a_chain_sealed_anew_with_right_hashes_everywhere_is_found_by_the_checkpoint(trail):
    trail.unguarded()
    stream, _, events = covered_tail(trail)
    before = GENESIS
    for row in sorted(events, key=lambda one: one["seq"]):
        body = row["body"].replace("情况属实", "情况不实")
        digest = seal(before, body)
        known = {"s": stream, "seq": row["seq"], "hash": digest}
        write(
            trail,
            "UPDATE audit_event SET body = :body, prev_hash = :prev, hash = :hash WHERE stream = :s AND seq = :seq",
            body=body,
            prev=before,
            **known,
        )
        write(trail, "UPDATE event_order SET hash = :hash WHERE stream = :s AND seq = :seq", **known)
        before = digest
    write(trail, "UPDATE process_case SET event_hash = :hash WHERE id = :case", hash=before, case=trail.paid)
    assert "checkpoint #1" in named(trail)


def test_checkpoints_signed_with_another_key_are_found(trail):
    trail.unguarded()
    other = Keyring.for_tests(b"another installation")
    for row in rows(trail, model.checkpoint):
        write(
            trail,
            "UPDATE checkpoint SET value = :value, key_id = :key WHERE no = :no",
            value=other.sign(row["body"].encode()),
            key=other.key_id,
            no=row["no"],
        )
    assert check(trail).first_bad.where == "checkpoint #1"


def test_a_database_put_back_to_yesterday_is_found_by_the_copy_and_gets_no_new_checkpoint(trail, tmp_path):
    yesterday = tmp_path / "yesterday.sqlite"
    with trail.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.rollback()
    shutil.copy(trail.database.url.database, yesterday)
    with trail.database.transaction() as connection:
        append(connection, "system", "calendar_changed", trail.clock(), None)
    made = take_checkpoint(trail.database, trail.keyring, trail.folder, trail.clock())
    restored = Database(f"sqlite:///{yesterday}")
    with restored.reading() as connection:
        assert verify(connection, trail.keyring).is_whole  # consistent in itself
        report = verify(connection, trail.keyring, trail.folder)
    assert report.first_bad.where == f"checkpoint #{made.no}"
    with pytest.raises(EngineError, match="earlier state"):
        take_checkpoint(restored, trail.keyring, trail.folder, trail.clock())
    restored.close()


def test_a_changed_paper_is_found_in_the_proof_of_its_case(trail):
    paper = next(row["id"] for row in rows(trail, model.attachment) if row["case_id"] == trail.paid)
    write(trail, "UPDATE attachment SET content = :content WHERE id = :id", content=b"%PDF-1.4 another", id=paper)
    with trail.database.reading() as connection:
        assert verify_case(connection, trail.keyring, trail.paid).first_bad.where == f"attachment {paper}"
