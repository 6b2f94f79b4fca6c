"""The command `bangfu`: what an installation is run with, one file a command. Each imports what it needs only when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("web.cli.init", "init"),
    "demo": ("web.cli.demo", "demo"),
    "serve": ("web.cli.serve", "serve"),
    "worker": ("web.cli.worker", "worker"),
    "jobs": ("web.cli.jobs", "jobs"),
    "import": ("web.cli.import_", "import_group"),
    "check": ("web.cli.check", "check"),
    "decide": ("web.cli.decide", "decide"),
    "calendar": ("web.cli.calendar", "calendar"),
    "audit": ("web.cli.audit", "audit"),
    "rehearse": ("web.cli.rehearse", "rehearse"),
}
"""Name of a command → where it stands; read when it is asked for, so that `bangfu --help` is quick."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        found: Any = getattr(import_module(place[0]), place[1])
        return found if isinstance(found, click.Command) else None


@click.command(cls=_Commands)
@click.version_option(package_name="bangfu", prog_name="bangfu")
def main() -> None:
    """帮扶:精准扶贫审批引擎 · Bangfu: approvals for targeted poverty alleviation."""
