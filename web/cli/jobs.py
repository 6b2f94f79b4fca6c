"""`bangfu jobs`: what is to be done later, what is being done, what failed; and the word to try again. Chinese first, then English."""

from __future__ import annotations

import json
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from engine import JobView, Rejected, Settings, open_engine, schema_version

if TYPE_CHECKING:
    from collections.abc import Callable

_STATUSES = {
    "failed": "失败",
    "failing": "反复失败",
    "running": "运行中",
    "due": "到期",
    "waiting": "等待",
    "done": "完成",
}


def _with_engine(command: Callable[..., Any]) -> Callable[..., Any]:
    @click.option("--database", "database_url", envvar="BANGFU_DATABASE_URL", help="数据库地址 · Database URL.")
    @click.option("--instance", envvar="BANGFU_INSTANCE", help="实例目录（密钥在其中）· Folder with the keys.")
    @wraps(command)
    def run(database_url: str | None, instance: str | None, **options: Any) -> Any:
        engine = open_engine(Settings.from_environment(database_url=database_url, instance=instance))
        if schema_version(engine.ground.database) is None:
            raise click.ClickException(
                "数据库还没有准备好，请先运行 bangfu init · The database is not set up; run bangfu init first"
            )
        try:
            return command(engine, **options)
        except Rejected as refusal:
            raise click.ClickException(f"{refusal.message.zh}\n{refusal.message.en}") from refusal

    return run


@click.group("jobs", invoke_without_command=True)
@click.pass_context
def jobs(context: click.Context) -> None:
    """后台任务：列出、重试 · Jobs: list them, try one again. Without a word more it lists them."""
    if context.invoked_subcommand is None:
        context.invoke(list_)


@jobs.command("list")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON · As JSON, for scripts.")
@_with_engine
def list_(engine: Any, as_json: bool = False) -> None:  # noqa: FBT001, FBT002  (a flag of the command)
    """列出到期、运行中和失败的后台任务 · List the jobs that are due, running, failed or waiting."""
    found: tuple[JobView, ...] = engine.jobs.list()
    if as_json:
        click.echo(json.dumps([_plain(one) for one in found], ensure_ascii=False))
        return
    if not found:
        click.echo("没有后台任务 · No jobs.")
    for one in found:
        case = "" if one.case_id is None else f"  办件 case {one.case_id}"
        tries = f"  第 {one.attempts} 次 attempt {one.attempts}" if one.attempts else ""
        click.echo(
            f"{one.id:>6}  {_STATUSES[one.status]} {one.status:<8} {one.run_at:%Y-%m-%d %H:%M:%S} UTC  {one.kind}{case}{tries}"
        )
        if one.last_error:
            click.echo(f"        {one.last_error}")


@jobs.command("retry")
@click.argument("job_id", metavar="ID", type=int)
@_with_engine
def retry(engine: Any, job_id: int) -> None:
    """立即重试一个失败的后台任务 · Let a job that failed run again, at once and with all its attempts."""
    engine.jobs.retry(job_id)
    click.echo(f"任务 {job_id} 将重新运行 · Job {job_id} will run again.")


def _plain(one: JobView) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind,
        "key": one.key,
        "status": one.status,
        "case_id": one.case_id,
        "run_at": one.run_at.isoformat(),
        "attempts": one.attempts,
        "lease_until": None if one.lease_until is None else one.lease_until.isoformat(),
        "last_error": one.last_error,
    }
