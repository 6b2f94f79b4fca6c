"""`bangfu rehearse`: months of a county's life under a virtual clock, through the engine's verbs only; then everything is checked."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.errors import EngineError, Rejected
from engine.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.rehearsing import Account, Stage
    from web.rehearsal import Life

_MOST_SHOWN = 20


@click.command("rehearse")
@click.option(
    "--households", default=200, show_default=True, type=click.IntRange(1, 8000), help="户数 · How many households."
)
@click.option(
    "--days", default=120, show_default=True, type=click.IntRange(1, 1500), help="日历天数 · How many calendar days."
)
@click.option("--seed", default=7, show_default=True, help="同一种子得到同样的结果 · One seed, one history.")
@click.option(
    "--database",
    "database_url",
    envvar="BANGFU_DATABASE_URL",
    help="空数据库地址;不给则用临时 SQLite · URL of an empty database; a temporary SQLite without it.",
)
@click.option("--instance", envvar="BANGFU_INSTANCE", help="实例目录(密钥在其中)· Folder with the keys.")
def rehearse(*, households: int, days: int, seed: int, database_url: str | None, instance: str | None) -> None:
    """演练一个县几个月的工作,核对全部不变量,给出摘要 · Rehearse months of a county's life; exit 1 if anything does not hold."""
    try:
        if database_url is not None:
            settings = Settings.from_environment(database_url=database_url, instance=instance)
            _rehearse(settings, households, days, seed, keeps_checkpoints=False)
            return
        with tempfile.TemporaryDirectory(prefix="bangfu-rehearsal-") as folder:
            url = f"sqlite:///{Path(folder) / 'rehearsal.sqlite'}"
            settings = Settings.from_environment(database_url=url, instance=folder)
            _rehearse(settings, households, days, seed, keeps_checkpoints=True)
    except Rejected as refusal:
        raise click.ClickException(f"{refusal.message.zh}\n{refusal.message.en}") from refusal
    except EngineError as error:
        raise click.ClickException(error.reason) from error


def _rehearse(settings: Settings, households: int, days: int, seed: int, *, keeps_checkpoints: bool) -> None:
    from engine.rehearsing import account, checkpoint, faults, set_stage
    from web.rehearsal import Life, VirtualClock

    clock = VirtualClock()
    with set_stage(
        settings, households=households, seed=seed, clock=clock, keeps_checkpoints=keeps_checkpoints
    ) as stage:
        life = Life(stage, clock, seed=seed)
        _live(life, days)
        checkpoint(stage, clock())
        told = account(stage.engine)
        _print(stage, life, told, days, seed)
        found = faults(stage, clock())
    for fault in found[:_MOST_SHOWN]:
        click.echo(f"✗ {fault}", err=True)
    if found:
        raise click.ClickException(f"{len(found)} 处不成立,第一处 · {len(found)} faults, the first: {found[0]}")
    click.echo("✓ 全部链、签名和不变量成立:0 处违反 · every chain, signature and invariant holds: 0 violations")
    click.echo(told.digest)


def _live(life: Life, days: int) -> None:
    begun = time.monotonic()
    every = max(1, days // 12)

    def tell(number: int) -> None:
        if number % every == 0 or number == days:
            click.echo(
                f"第 {number}/{days} 天 {life.clock.today} · day {number}: {life.met.acts['start']} cases opened, "
                f"{len(life.cases)} on their way, {life.met.acts['complete']} signed, {time.monotonic() - begun:.0f} s",
                err=True,
            )

    life.live(days, tell)


def _print(stage: Stage, life: Life, told: Account, days: int, seed: int) -> None:
    county = stage.county
    click.echo(
        f"演练:{len(county.household_nos)} 户、{len(county.villages)} 个村、{len(county.staff)} 名工作人员、{days} 天,种子 {seed}"
    )
    click.echo(
        f"A rehearsal of {len(county.household_nos)} households, {len(county.villages)} villages, {len(county.staff)} staff, "
        f"{days} days, seed {seed}"
    )
    _table("办件 · cases by status", told.cases)
    _table("签署 · signed, by step and outcome", told.outcomes)
    _table("时限 · stages of limits reached", told.stages)
    _table("事件 · events of cases", told.events)
    _table("被拒绝 · refusals met", life.met.refusals)
    _table("消息 · messages owed", told.messages)
    click.echo(
        f"通知送达 · messages delivered {sum(told.messages.values()) - told.undelivered}, owed {told.undelivered}"
    )
    click.echo(f"台账 · ledger: {told.paid_cases} 笔, {told.paid_fen // 100:,}.{told.paid_fen % 100:02} 元")


def _table(title: str, counts: Mapping[str, int]) -> None:
    click.echo(f"\n{title}: {sum(counts.values())}")
    for name, count in sorted(counts.items()):
        click.echo(f"  {count:6}  {name}")
