"""The statements of the hot path: written once, sent together.

A verb writes some ten small rows. SQLAlchemy builds and checks every statement anew, which costs more than the whole process
step, so here each statement is made into driver SQL once per dialect and only the parameters change (DESIGN.md §4). On PostgreSQL the
batch goes out as one pipeline, one round trip for all of it; on SQLite the driver's own statement cache serves. The statements
run on the connection of the verb's transaction and so share its fate.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Table

_NAME = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")


class Statement:
    """One statement with `:named` parameters, ready for both drivers.

    `lock` is a statement that takes the rows' lock first; it goes ahead in the same round trip on PostgreSQL and is left out on SQLite,
    whose writing transactions already hold the one write lock. It is a statement of its own because a query that waits for a lock shows
    only the locked row as it is afterwards, and everything it joins as it was before.
    """

    __slots__ = ("lock", "postgresql", "sqlite")

    def __init__(self, text: str, *, lock: str = "") -> None:
        self.sqlite = " ".join(text.split())
        self.postgresql = _for_psycopg(self.sqlite)
        self.lock = _for_psycopg(lock)


def _for_psycopg(text: str) -> str:
    return _NAME.sub(r"%(\1)s", text.replace("%", "%%"))


def insert(table: Table, *columns: str, otherwise: str = "") -> Statement:
    """Return the statement that inserts these columns; `otherwise` is what follows, such as ON CONFLICT DO NOTHING."""
    for column in columns:
        table.c[column]  # a misspelt column is noticed when the module is read, not in the middle of a verb
    names = ", ".join(columns)
    values = ", ".join(f":{column}" for column in columns)
    # Table and column names come from our own model, values travel as parameters.
    return Statement(f"INSERT INTO {table.name} ({names}) VALUES ({values}) {otherwise}")  # noqa: S608


class Batch:
    """The writes of one verb, collected in order and sent at its end."""

    __slots__ = ("_driver", "_is_sqlite", "_queue", "connection")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._driver: Any = connection.connection.driver_connection
        self._is_sqlite = connection.dialect.name == "sqlite"
        self._queue: list[tuple[Statement, Mapping[str, Any], int | None]] = []

    def select(self, statement: Statement, parameters: Mapping[str, Any]) -> list[Sequence[Any]]:
        """Run a query now and return its rows."""
        rows: list[Sequence[Any]]
        cursor = self._driver.cursor()
        try:
            if self._is_sqlite:
                cursor.execute(statement.sqlite, parameters)
                rows = cursor.fetchall()
            else:
                # In a pipeline the driver's BEGIN travels with the first query instead of before it.
                with self._driver.pipeline():
                    if statement.lock:
                        self._driver.cursor().execute(statement.lock, parameters)
                    cursor.execute(statement.postgresql, parameters)
                    rows = cursor.fetchall()
        finally:
            cursor.close()
        return rows

    def put(self, statement: Statement, parameters: Mapping[str, Any], *, expect: int | None = None) -> None:
        """Queue a write; with `expect`, touching another number of rows is an error that rolls the verb back."""
        self._queue.append((statement, parameters, expect))

    def send(self) -> None:
        """Send what is queued, in order."""
        queue, self._queue = self._queue, []
        if not queue:
            return
        if self._is_sqlite:
            cursor = self._driver.cursor()
            for statement, parameters, expect in queue:
                cursor.execute(statement.sqlite, parameters)
                _check(cursor.rowcount, expect, statement.sqlite)
            cursor.close()
            return
        cursors = []
        with self._driver.pipeline():
            for statement, parameters, expect in queue:
                cursor = self._driver.cursor()
                cursor.execute(statement.postgresql, parameters)
                cursors.append((cursor, expect, statement))
        for cursor, expect, statement in cursors:
            _check(cursor.rowcount, expect, statement.postgresql)


def _check(found: int, expected: int | None, text: str) -> None:
    if expected is not None and found != expected:
        raise AssertionError(f"Expected to touch {expected} row(s), touched {found}: {text}")
