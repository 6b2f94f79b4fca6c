"""One door to two databases that behave as one.

SQLite runs in WAL with `synchronous=FULL` and takes its write lock when a writing transaction begins (`BEGIN IMMEDIATE`), because a
reader that becomes a writer half-way fails at once, however long it was willing to wait. PostgreSQL runs at READ COMMITTED and
locks the case row (`FOR UPDATE`) instead. A connection to PostgreSQL may die while it lies in the pool, with its server or its network;
it is asked before use when it has lain longer than a moment, and a verb that meets a dead one nevertheless is tried again, which
:func:`is_lost` tells. Only :class:`engine.process_engine.ProcessEngine` and the few verbs beside it open a
writing transaction; whoever gets a connection from here never commits it himself.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InvalidatePoolError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.pool import ConnectionPoolEntry

SQLITE_WAIT_SECONDS = 30
IDLE_SECONDS = 1.0
"""How long a connection may lie in the pool before it is asked whether it lives. A busy server's connections never do."""

_GIVEN_BACK = "given_back"


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
            # Prepare at the second use: every verb repeats the same few statements.
            options["connect_args"] = {"prepare_threshold": 1}
        self.engine: Engine = create_engine(parsed, **options)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        else:
            event.listen(self.engine, "checkin", _note_given_back)
            event.listen(self.engine, "checkout", self._ask_if_idle)
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

    def _ask_if_idle(self, connection: Any, entry: ConnectionPoolEntry, _taken: object) -> None:
        """Ask a connection that has lain in the pool whether it lives; a dead one means that all of them are to be made anew.

        Asking each time would cost every verb a round trip.
        """
        given_back = entry.info.get(_GIVEN_BACK)
        if given_back is None or monotonic() - given_back < IDLE_SECONDS:
            return
        dialect = self.engine.dialect
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

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


def is_lost(error: BaseException) -> bool:
    """Say whether the connection died under the work, so that nothing of it was kept unless it was already committing."""
    original = error.orig if isinstance(error, DBAPIError) else error
    if not any(kind.__name__ == "OperationalError" for kind in type(original).__mro__):
        return False
    # Without a state the driver itself has found nobody at the other end; 08: connection; 57P01 to 57P03: the server stops or starts.
    state = getattr(original, "sqlstate", "")
    return state is None or state[:2] == "08" or state in {"57P01", "57P02", "57P03"}


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
    # By the driver: this is the one statement of every transaction, and needs no result.
    driver: Any = connection.connection.driver_connection
    driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN")


def _note_given_back(_connection: Any, entry: ConnectionPoolEntry) -> None:
    entry.info[_GIVEN_BACK] = monotonic()
