"""What an installation decides for itself, in one frozen value read once from the environment.

`BANGFU_DATABASE_URL` says where the data are, `BANGFU_INSTANCE` names the folder with the keys and the demo's files. Everything
that policy decides lives in workflows/ instead, and everything a county decides in the database.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Settings:
    """Where this installation keeps its data, its keys and its drawings."""

    database_url: str
    instance: Path
    workflows: Path
    migrations: Path

    @classmethod
    def from_environment(cls, *, database_url: str | None = None, instance: str | None = None) -> Settings:
        """Read the settings; an argument goes before the environment, the environment before the default (SQLite in ./instance)."""
        folder = Path(instance or os.environ.get("BANGFU_INSTANCE") or "instance").absolute()
        url = database_url or os.environ.get("BANGFU_DATABASE_URL") or f"sqlite:///{folder / 'bangfu.sqlite'}"
        return cls(
            database_url=url,
            instance=folder,
            workflows=_data_folder("workflows"),
            migrations=_data_folder("migrations"),
        )


def _data_folder(name: str) -> Path:
    # In a checkout the folder stands beside the package; in a wheel it travels inside it.
    packed = _HERE / f"_{name}"
    return packed if packed.is_dir() else _HERE.parent / name
