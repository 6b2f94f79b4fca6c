"""`bangfu audit`: verify the whole trail, take a checkpoint, hand out a case's evidence. Chinese first, then English."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.errors import EngineError, Rejected
from engine.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_SHOWN = 20


@click.group("audit")
def audit() -> None:
    """审计链:核验、锚定、导出证据 · The audit trail: verify, checkpoint, export evidence."""


def _with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    @click.option("--database", "database_url", envvar="BANGFU_DATABASE_URL", help="数据库地址 · Database URL.")
    @click.option("--instance", envvar="BANGFU_INSTANCE", help="实例目录(密钥在其中)· Folder with the keys.")
    @wraps(command)
    def run(database_url: str | None, instance: str | None, **options: Any) -> Any:
        try:
            return command(Settings.from_environment(database_url=database_url, instance=instance), **options)
        except Rejected as refusal:
            raise click.ClickException(f"{refusal.message.zh}\n{refusal.message.en}") from refusal
        except EngineError as error:
            raise click.ClickException(error.reason) from error

    return run


@audit.command("verify")
@_with_settings
def verify(settings: Settings) -> None:
    """核验每条链、每个签名、每个锚点;有问题时退出码为 1 · Verify every chain, signature and checkpoint; exit 1 on a fault."""
    from engine.auditing import verify_trail

    report, violations, uncovered = verify_trail(settings)
    click.echo(
        f"事件 {report.events} 个,链 {report.streams} 条,签名 {report.signatures} 个,锚点 {report.checkpoints} 个"
        f"(锚定 {report.covered} 个事件,{uncovered} 个待锚定)。"
    )
    click.echo(
        f"{report.events} events in {report.streams} chains, {report.signatures} signatures, {report.checkpoints} checkpoints "
        f"covering {report.covered} events; {uncovered} not covered yet."
    )
    for problem in report.problems[:_MOST_SHOWN]:
        click.echo(f"✗ {problem}", err=True)
    for violation in violations[:_MOST_SHOWN]:
        click.echo(f"✗ {violation}", err=True)
    if report.problems or violations:
        first = report.first_bad or violations[0]
        count = len(report.problems) + len(violations)
        raise click.ClickException(f"审计链不完整,共 {count} 处,第一处 · not whole, {count} faults, the first: {first}")
    click.echo("✓ 审计链完整 · the trail is whole")


@audit.command("checkpoint")
@_with_settings
def checkpoint(settings: Settings) -> None:
    """为新事件定序、签署锚点并写入副本 · Give new events their order, sign the head, write the copy."""
    from engine.auditing import make_checkpoint

    made = make_checkpoint(settings)
    if made is None:
        click.echo("没有新事件,锚点不变 · nothing new, the last checkpoint stands")
        return
    click.echo(f"锚点 {made.no}:覆盖 {made.size} 个事件,根 {made.root}")
    click.echo(f"Checkpoint {made.no} covers {made.size} events, root {made.root}")


@audit.command("export")
@click.argument("case_no")
@click.option("--to", "target", type=click.Path(dir_okay=False, path_type=Path), help="写到哪个文件 · File to write.")
@click.option("--papers", is_flag=True, help="包含材料原文 · Put the papers' content in too.")
@_with_settings
def export(settings: Settings, case_no: str, target: Path | None, papers: bool) -> None:  # noqa: FBT001  (a flag of the command)
    """导出一件办件的证据包 · Export the evidence package of a case."""
    from engine.auditing import export_evidence

    path = target or Path(f"{case_no}-evidence.zip")
    count = export_evidence(settings, case_no, path, with_papers=papers)
    click.echo(f"已写入 {path}({count} 个事件);离线核验:python -m verifier {path.name}")
    click.echo(f"Wrote {path} ({count} events); check it anywhere with: python -m verifier {path.name}")
