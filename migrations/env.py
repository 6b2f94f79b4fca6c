"""Alembic's entry: runs on the connection it is handed (see engine.schema) or on the one of the settings."""

from __future__ import annotations

from alembic import context

from engine.database import Database
from engine.model import metadata
from engine.settings import Settings


def run(connection) -> None:  # noqa: ANN001  (Alembic's own type)
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_type=True,
        # Waiting for ever behind somebody's open transaction would stop the whole county.
        transaction_per_migration=False,
    )
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'")
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(724601)")
    with context.begin_transaction():
        context.run_migrations()


handed = context.config.attributes.get("connection")
if handed is not None:
    run(handed)
else:
    database = Database(Settings.from_environment().database_url)
    with database.transaction() as own:
        run(own)
