"""`bangfu init`: makes a database ready to be worked in. May be run again after every update; what is in place stays."""

from __future__ import annotations

import click

from engine import Rejected, Settings


@click.command("init")
@click.option("--database", "database_url", envvar="BANGFU_DATABASE_URL", help="数据库地址 · Database URL.")
@click.option("--instance", envvar="BANGFU_INSTANCE", help="实例目录（密钥在其中）· Folder with the keys.")
def init(database_url: str | None, instance: str | None) -> None:
    """建表、生成密钥、载入行政区划和日历、发布流程 · Make tables and keys, load places and calendar, deploy processes."""
    from engine.installation import initialise

    settings = Settings.from_environment(database_url=database_url, instance=instance)
    try:
        done = initialise(settings)
    except Rejected as refusal:
        raise click.ClickException(f"{refusal.message.zh} · {refusal}") from refusal
    click.echo(f"数据库已就绪：行政区划 {done.places} 个（新载入 {done.new_places}），日历 {done.new_days} 天新载入。")
    click.echo(
        f"The database is ready: {done.places} places ({done.new_places} new), {done.new_days} calendar days new."
    )
    for process_id, version in done.processes:
        click.echo(f"流程 · Process: {process_id} v{version}")
    click.echo(f"来源 · Source: {done.source}, {done.as_of}")
