"""`bangfu worker`: the runner on its own, for installations whose site runs elsewhere or on several machines.

It does the very rounds of `bangfu serve`; any number of workers may run, and killing one loses nothing. SIGTERM and Ctrl-C let
the round that is under way end.
"""

from __future__ import annotations

import logging
import signal
from typing import TYPE_CHECKING

import click

from engine import Settings, open_engine, schema_version
from web.runner import EVERY_SECONDS, Runner, rounds_of

if TYPE_CHECKING:
    from types import FrameType


@click.command("worker")
@click.option("--once", is_flag=True, help="只运行到没有到期事项为止 · Stop as soon as nothing is due.")
@click.option(
    "--every",
    default=EVERY_SECONDS,
    show_default=True,
    type=click.FloatRange(0.1, 600),
    help="间隔秒数 · Seconds between.",
)
@click.option("--database", "database_url", envvar="BANGFU_DATABASE_URL", help="数据库地址 · Database URL.")
@click.option("--instance", envvar="BANGFU_INSTANCE", help="实例目录（密钥在其中）· Folder with the keys.")
def worker(*, once: bool, every: float, database_url: str | None, instance: str | None) -> None:
    """运行到期事项、通知投递和后台任务 · Do what comes due: limits, messages, jobs; until interrupted."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    engine = open_engine(Settings.from_environment(database_url=database_url, instance=instance))
    if schema_version(engine.ground.database) is None:
        raise click.ClickException(
            "数据库还没有准备好，请先运行 bangfu init · The database is not set up; run bangfu init first"
        )
    runner = Runner(rounds_of(engine), every_seconds=every)
    if once:
        done = 0
        while more := runner.run_once():
            done += more
        click.echo(f"已处理 {done} 项 · Did {done}.")
        return

    def stop(_signal: int, _frame: FrameType | None) -> None:
        runner.ask_to_stop()

    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, stop)
    click.echo("后台运行已启动 · The worker is running.")
    runner.run()
    click.echo("已停止 · Stopped.")
