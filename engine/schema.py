"""Bringing a database to the schema this version works with, by the numbered migrations and in no other way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from engine.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from engine.database import Database


def upgrade(database: Database, *, migrations: Path | None = None) -> str:
    """Run the migrations that are missing, all in one transaction; return the revision the database is at now."""
    config = _config(migrations)
    with database.transaction() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        return str(MigrationContext.configure(connection).get_current_revision())


def current(database: Database) -> str | None:
    """Return the revision a database is at; None where it has never been migrated."""
    with database.reading() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest(*, migrations: Path | None = None) -> str | None:
    """Return the revision this version of the engine works with."""
    return ScriptDirectory.from_config(_config(migrations)).get_current_head()


def _config(migrations: Path | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations or Settings.from_environment().migrations))
    config.set_main_option("path_separator", "os")
    return config
