"""The migrations bring a database to exactly the tables of engine.model, and the append-only ones refuse to be changed."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from engine.database import Database, is_duplicate
from engine.instants import to_text
from engine.model import metadata
from engine.schema import current, newest, upgrade

HASH = "a" * 64
APPENDED = ("audit_event", "signature", "ledger_entry", "checkpoint", "event_order")


def test_a_migrated_database_has_exactly_the_tables_columns_and_indexes_of_the_model(database):
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": False})
        assert compare_metadata(context, metadata) == []


def test_partial_indexes_and_checks_are_those_of_the_model(database):
    # Alembic compares neither an index's condition nor a check constraint.
    with database.reading() as connection:
        found = inspect(connection)
        dialect = connection.dialect.name
        for table in metadata.tables.values():
            partial = {index.name for index in table.indexes if index.dialect_options[dialect]["where"] is not None}
            conditions = {
                index["name"]
                for index in found.get_indexes(table.name)
                if f"{dialect}_where" in index["dialect_options"]
            }
            assert conditions == partial, table.name
        checks = {check["name"] for check in found.get_check_constraints("case_duty")}
    assert checks == {"ck_case_duty_known_duty"}


def test_migrating_twice_changes_nothing(database):
    assert current(database) == newest()
    assert upgrade(database) == newest()


def test_a_database_that_was_never_migrated_says_so(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'empty.sqlite'}")
    assert current(database) is None
    database.close()


def test_a_migration_that_fails_leaves_no_half_a_schema(tmp_path, monkeypatch):
    import alembic.op

    database = Database(f"sqlite:///{tmp_path / 'half.sqlite'}")

    def fail(_statement):
        raise RuntimeError("the machine stops here")

    # Triggers come last, after every table.
    monkeypatch.setattr(alembic.op, "execute", fail)
    with pytest.raises(RuntimeError, match="stops here"):
        upgrade(database)
    assert current(database) is None
    with database.reading() as connection:
        assert inspect(connection).get_table_names() == []
    database.close()


@pytest.fixture
def filled(database, clock):
    fill(database, clock)
    return database


def fill(database, clock):
    """Write one row into each append-only table."""
    now = to_text(clock())
    rows = {
        "definition": {
            "digest": HASH, "process_id": "p", "version": 1, "title": "t", "bundle": b"", "deployed_at": now,
            "deployed_by": "tests",
        },
        "process_case": {
            "id": 1, "case_no": "C-1", "process_id": "p", "definition_digest": HASH, "region_code": "441424104233",
            "household_no": "H", "subject_name": "n", "summary": "{}", "status": "OPEN", "level": 12, "revision": 1,
            "state": b"", "kin": "[]", "papers_digest": HASH, "event_seq": 1, "event_hash": HASH, "started_by": 1,
            "opened_at": now,
        },
        "audit_event": {
            "stream": "case:1", "seq": 1, "case_id": 1, "kind": "case_started", "at": now, "region_code": "44",
            "body": "{}", "prev_hash": HASH, "hash": HASH,
        },
        "signature": {
            "case_id": 1, "event_seq": 1, "task_no": 1, "person_id": 1, "person_hash": HASH, "duty": "survey",
            "payload": "{}", "payload_digest": HASH, "algorithm": "ed25519", "key_id": "k", "value": "v", "signed_at": now,
        },
        "ledger_entry": {
            "household_no": "H", "kind": "MEDICAL", "case_id": 1, "amount_fen": 100, "year": 2018,
            "effective_on": "2018-10-22", "recorded_at": now,
        },
        "checkpoint": {
            "no": 1, "size": 1, "root": HASH, "body": "{}", "key_id": "k", "value": "v", "made_at": now,
        },
        "event_order": {"position": 0, "stream": "case:1", "seq": 1, "hash": HASH},
    }  # fmt: skip
    with database.transaction() as connection:
        for table, row in rows.items():
            connection.execute(metadata.tables[table].insert().values(**row))


def refused(database, statement):
    """Return what the database answered to a statement it should refuse."""
    with pytest.raises(DBAPIError) as caught, database.transaction() as connection:
        connection.execute(text(statement))
    return str(caught.value.orig)


def test_an_appended_row_can_be_neither_changed_nor_deleted(filled):
    for table in APPENDED:
        for column in metadata.tables[table].columns:
            assert "appended and never changed" in refused(filled, f"UPDATE {table} SET {column.name} = {column.name}")
        assert "appended and never changed" in refused(filled, f"DELETE FROM {table}")
        with filled.reading() as connection:
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 1


def test_an_appended_row_cannot_be_replaced_by_writing_it_again(filled):
    for table in APPENDED:
        keys = ", ".join(column.name for column in metadata.tables[table].primary_key.columns)
        names = ", ".join(column.name for column in metadata.tables[table].columns)
        first = next(column.name for column in metadata.tables[table].columns if not column.primary_key)
        answer = refused(
            filled,
            f"INSERT INTO {table} ({names}) SELECT {names} FROM {table} WHERE true "
            f"ON CONFLICT ({keys}) DO UPDATE SET {first} = excluded.{first}",
        )
        assert "appended and never changed" in answer


def test_sqlite_does_not_let_replace_slip_past_the_trigger_on_delete(sqlite_database, clock):
    # REPLACE deletes the row in its way without asking delete triggers, by whichever unique key it is in the way.
    filled = sqlite_database
    fill(filled, clock)
    for table in APPENDED:
        columns = metadata.tables[table].columns.keys()
        names = ", ".join(columns)
        assert "never changed" in refused(
            filled, f"INSERT OR REPLACE INTO {table} ({names}) SELECT {names} FROM {table}"
        )
    for table, own in (("signature", "event_seq"), ("ledger_entry", "id"), ("event_order", "position")):
        names = ", ".join(metadata.tables[table].columns.keys())
        other = names.replace(own, f"{own} + 1", 1)
        assert "never changed" in refused(
            filled, f"INSERT OR REPLACE INTO {table} ({names}) SELECT {other} FROM {table}"
        )


def test_a_second_row_with_a_taken_key_is_known_as_a_duplicate_on_both_databases(filled):
    with pytest.raises(DBAPIError) as caught, filled.transaction() as connection:
        connection.execute(
            metadata.tables["ledger_entry"].insert(),
            {
                "household_no": "H", "kind": "MEDICAL", "case_id": 1, "amount_fen": 1, "year": 2018,
                "effective_on": "2018-10-22", "recorded_at": "2018-10-22T01:00:00.000000Z",
            },
        )  # fmt: skip
    assert is_duplicate(caught.value)


def test_postgresql_refuses_to_truncate_an_append_only_table(postgresql_database):
    for table in APPENDED:
        assert "appended and never changed" in refused(postgresql_database, f"TRUNCATE {table}")
        assert "appended and never changed" in refused(postgresql_database, f"TRUNCATE {table} CASCADE")


def test_postgresql_lets_an_ordinary_role_neither_drop_nor_switch_off_a_trigger(postgresql_database):
    with postgresql_database.transaction() as connection:
        connection.execute(text("DROP ROLE IF EXISTS office"))
        connection.execute(text("CREATE ROLE office"))
        connection.execute(text("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO office"))
    for attempt in (
        "DROP TRIGGER audit_event_is_appended ON audit_event",
        "ALTER TABLE audit_event DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "DROP TABLE audit_event",
    ):
        with pytest.raises(DBAPIError) as caught:
            _as_office(postgresql_database, attempt)
        assert caught.value.orig.sqlstate == "42501", attempt
    with postgresql_database.transaction() as connection:
        connection.execute(text("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM office"))
        connection.execute(text("DROP ROLE office"))


def _as_office(database, statement):
    with database.transaction() as connection:
        connection.execute(text("SET LOCAL ROLE office"))
        connection.execute(text(statement))
