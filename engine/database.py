"""One door to two databases that behave as one.

SQLite runs in WAL with `synchronous=FULL` and takes its write lock when a writing transaction begins (`BEGIN IMMEDIATE`), because a
reader that becomes a writer half-way fails at once, however long it was willing to wait. PostgreSQL runs at READ COMMITTED and
locks the case row (`FOR UPDATE`) instead. Only :class:`engine.process_engine.ProcessEngine` and the few verbs beside it open a
writing transaction; whoever gets a connection from here never commits it himself.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.pool import ConnectionPoolEntry

SQLITE_WAIT_SECONDS = 30


class Database:
    """A database to read from and to write to, one transaction at a time.

    `url` is an SQLAlchemy URL; plain `postgresql://` is taken to mean the psycopg driver.
    """

    def __init__(self, url: str, *, pool_size: int = 20) -> None:
        parsed = make_url(url)
        if parsed.drivername in {"postgresql", "postgres"}:
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.url = parsed
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": pool_size, "pool_timeout": 60}
        if self.is_sqlite:
            options["connect_args"] = {"timeout": SQLITE_WAIT_SECONDS, "check_same_thread": False}
        else:
            options["pool_pre_ping"] = True
            # Prepare at the second use: every verb repeats the same few statements.
            options["connect_args"] = {"prepare_threshold": 1}
        self.engine: Engine = create_engine(parsed, **options)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        self._writing = self.engine.execution_options(writes=True)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Open the one transaction of a verb; it commits at the end of the block and rolls back on any exception."""
        with self._writing.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that only reads; it is rolled back at the end, so that nothing it did can stay."""
        with self.engine.connect() as connection:
            transaction = connection.begin()
            try:
                yield connection
            finally:
                if transaction.is_active:
                    transaction.rollback()

    def close(self) -> None:
        """Give all connections back to the operating system."""
        self.engine.dispose()


def is_busy(error: BaseException) -> bool:
    """Say whether the database refused only because others were at work, so that trying again is right."""
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(original, sqlite3.OperationalError):
        return "database is locked" in str(original)
    # 40001 and 40P01: another transaction won; 55P03: a lock was not to be had in time.
    return getattr(original, "sqlstate", None) in {"40001", "40P01", "55P03"}


def is_duplicate(error: BaseException) -> bool:
    """Say whether a unique constraint refused a row, which means that somebody else had just written it."""
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(original, sqlite3.IntegrityError):
        return "UNIQUE constraint failed" in str(original)
    return getattr(original, "sqlstate", None) == "23505"


def _prepare_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    # The driver would begin transactions by itself, and only at the first write; we say when and how.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA busy_timeout={SQLITE_WAIT_SECONDS * 1000}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
