"""Whatever is changed behind the engine's back in events and signatures is found, and the row is named (RELIABILITY.md F31)."""

from __future__ import annotations

import random
import time
from itertools import pairwise

import pytest
from sqlalchemy.exc import IntegrityError

from engine.audit.verify import verify

SEED = 20181022
CHANGES_PER_CELL = 3
KEYS = {"audit_event": ("stream", "seq"), "signature": ("case_id", "event_seq")}


def faults_after(trail, *changes):
    """Change rows with raw SQL, verify, take the change back; return the report."""
    with trail.database.reading() as connection:  # ends in a rollback
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        for statement, parameters in changes:
            connection.exec_driver_sql(statement, parameters)
        return verify(connection, trail.keyring, trail.folder)


def name_of(table, row):
    """Return how a report names a row."""
    if table == "audit_event":
        return f"audit_event {row['stream']} #{row['seq']}"
    return f"signature case:{row['case_id']} #{row['event_seq']}"


def cells(trail, table):
    """Return every row of a table as stored, text as bytes."""
    with trail.database.reading() as connection:
        result = connection.exec_driver_sql(f"SELECT * FROM {table}")
        names = list(result.keys())
        return [dict(zip(names, row, strict=True)) for row in result]


def spoilt(value, luck):
    """Return a value that differs in one place: a byte put in, taken out or changed, a number moved, something made of nothing."""
    if value is None:
        return luck.choice([0, 1, "", "x"])
    if isinstance(value, int):
        return luck.choice([value + 1, value - 1, value * 10, -value - 1, None, str(value) + "x"])
    content = bytearray(value.encode())
    kind = luck.randrange(8)
    place = luck.randrange(len(content) or 1)
    if kind == 0 or not content:
        content.insert(place, luck.randrange(1, 128))
    elif kind == 1:
        del content[place]
    elif kind == 2:
        return None
    elif kind == 3:
        return bytes(content)  # the same bytes as a blob, no text any more
    else:
        content[place] ^= 1 << luck.randrange(8)  # may well be no UTF-8 any more
    return content


def test_the_trail_as_it_was_written_is_whole(trail):
    with trail.database.reading() as connection:
        report = verify(connection, trail.keyring, trail.folder)
    assert report.problems == []
    assert report.events > 12
    assert report.signatures > 10
    assert report.checkpoints == 2
    assert 0 < report.covered < report.events


@pytest.mark.parametrize("table", ["audit_event", "signature"])
def test_any_change_of_any_column_of_any_row_is_found_and_the_row_is_named(trail, table):
    trail.unguarded()
    luck = random.Random(SEED)
    tried, missed, unnamed = 0, [], []
    for row in cells(trail, table):
        where = " AND ".join(f"{name} = ?" for name in KEYS[table])
        for column, value in row.items():
            for _ in range(CHANGES_PER_CELL):
                new = spoilt(value, luck)
                # A text that is no UTF-8 cannot be handed over as text.
                put = "CAST(? AS TEXT)" if isinstance(new, bytearray) else "?"
                new = bytes(new) if isinstance(new, bytearray) else new
                key = tuple(row[name] for name in KEYS[table])
                try:
                    report = faults_after(trail, (f"UPDATE {table} SET {column} = {put} WHERE {where}", (new, *key)))
                except IntegrityError:
                    continue  # what the table itself refuses needs no finding
                tried += 1
                if report.is_whole:
                    missed.append((name_of(table, row), column, value, new))
                elif column not in KEYS[table] and name_of(table, row) not in {one.where for one in report.problems}:
                    unnamed.append((name_of(table, row), column, new, report.first_bad))
    assert missed == []
    assert unnamed == []
    assert tried > 300


def test_a_row_taken_out_is_missed(trail):
    trail.unguarded()
    for table, key_names in KEYS.items():
        for row in cells(trail, table):
            where = " AND ".join(f"{name} = ?" for name in key_names)
            key = tuple(row[name] for name in key_names)
            report = faults_after(trail, (f"DELETE FROM {table} WHERE {where}", key))
            assert not report.is_whole, name_of(table, row)
            named = {one.where for one in report.problems}
            if table == "audit_event":
                following = f"audit_event {row['stream']} #{row['seq'] + 1}"
                assert named & {name_of(table, row), following}, (row, named)
            else:
                assert f"audit_event case:{row['case_id']} #{row['event_seq']}" in named


def test_two_events_that_change_places_are_noticed(trail):
    trail.unguarded()
    events = [row for row in cells(trail, "audit_event") if row["stream"] == f"case:{trail.paid}"]
    names = [name for name in events[0] if name not in KEYS["audit_event"]]
    settings = ", ".join(f"{name} = ?" for name in names)
    update = f"UPDATE audit_event SET {settings} WHERE stream = ? AND seq = ?"
    for first, second in pairwise(events):
        report = faults_after(
            trail,
            (update, (*[second[name] for name in names], first["stream"], first["seq"])),
            (update, (*[first[name] for name in names], second["stream"], second["seq"])),
        )
        named = {one.where for one in report.problems}
        assert name_of("audit_event", first) in named
        assert name_of("audit_event", second) in named


def test_an_event_written_twice_or_put_in_between_is_noticed(trail):
    trail.unguarded()
    events = [row for row in cells(trail, "audit_event") if row["stream"] == f"case:{trail.running}"]
    names = list(events[0])
    insert = f"INSERT INTO audit_event ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
    last = events[-1]
    twice = {**last, "seq": last["seq"] + 1}
    report = faults_after(trail, (insert, tuple(twice.values())))
    assert name_of("audit_event", twice) in {one.where for one in report.problems}
    for place in range(len(events)):
        # Room is made by moving everything behind one further, as a careful forger would.
        moves = [
            (
                "UPDATE audit_event SET seq = ? WHERE stream = ? AND seq = ?",
                (one["seq"] + 1, one["stream"], one["seq"]),
            )
            for one in reversed(events[place + 1 :])
        ]
        copy = {**events[place], "seq": events[place]["seq"] + 1}
        report = faults_after(trail, *moves, (insert, tuple(copy.values())))
        assert name_of("audit_event", copy) in {one.where for one in report.problems}
    # A stream of its own, right in itself, that no verb has begun.
    from engine.audit.canonical import canonical
    from engine.audit.chain import GENESIS, seal

    body = canonical(
        {
            "v": 1,
            "stream": "person:999",
            "seq": 1,
            "kind": "refused",
            "at": last["at"],
            "actor": {"system": True},
            "region": "",
        }
    )
    forged = {**last, "stream": "person:999", "seq": 1, "case_id": None, "kind": "refused", "actor_id": None}
    forged |= {"region_code": "", "body": body, "prev_hash": GENESIS, "hash": seal(GENESIS, body)}
    report = faults_after(trail, (insert, tuple(forged.values())))
    assert name_of("audit_event", forged) in {one.where for one in report.problems}


def test_a_tail_cut_off_any_stream_is_noticed_by_its_head(trail):
    trail.unguarded()
    by_stream = {}
    for row in cells(trail, "audit_event"):
        by_stream.setdefault(row["stream"], []).append(row)
    for stream, events in by_stream.items():
        for keep in range(len(events)):
            changes = [("DELETE FROM audit_event WHERE stream = ? AND seq > ?", (stream, keep))]
            if stream.startswith("case:"):
                changes.append(("DELETE FROM signature WHERE case_id = ? AND event_seq > ?", (int(stream[5:]), keep)))
            report = faults_after(trail, *changes)
            assert f"audit_event {stream} #{len(events)}" in {one.where for one in report.problems}, (stream, keep)


def test_verifying_takes_a_moment(trail):
    with trail.database.reading() as connection:
        started = time.perf_counter()
        report = verify(connection, trail.keyring, trail.folder)
        spent = time.perf_counter() - started
    assert report.is_whole
    assert spent < 2
