"""`bangfu demo`: fills an empty register with one made-up county and shows log-ins for it, this once and nowhere else."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING

import click

from engine import Rejected, Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.installation import Demo


@click.command("demo")
@click.option(
    "--households", default=3000, show_default=True, type=click.IntRange(1, 8000), help="户数 · How many households."
)
@click.option("--seed", default=7, show_default=True, help="同一种子得到同样的数据 · One seed, one register.")
@click.option("--new-passwords", is_flag=True, help="重新生成演示密码 · Issue the demo's passwords anew.")
@click.option("--json", "as_json", is_flag=True, help="以 JSON 输出 · Print JSON, for programs.")
@click.option("--database", "database_url", envvar="BANGFU_DATABASE_URL", help="数据库地址 · Database URL.")
@click.option("--instance", envvar="BANGFU_INSTANCE", help="实例目录（密钥在其中）· Folder with the keys.")
def demo(
    *,
    households: int,
    seed: int,
    new_passwords: bool,
    as_json: bool,
    database_url: str | None,
    instance: str | None,
) -> None:
    """准备一个完整的演示县及登录账号 · Make up one county whole, with log-ins that are shown once."""
    from engine.installation import prepare_demo

    settings = Settings.from_environment(database_url=database_url, instance=instance)
    try:
        made = prepare_demo(settings, households=households, seed=seed, new_passwords=new_passwords)
    except Rejected as refusal:
        raise click.ClickException(f"{refusal.message.zh} · {refusal.message.en}") from refusal
    if as_json:
        click.echo(_json(made))
        return
    people = f"{made.persons} 名工作人员、{made.households} 户（全部为虚构的测试数据）"
    click.echo(f"{made.county}：{made.towns} 个镇、{made.villages} 个村（社区）、{people}")
    click.echo(
        f"{made.towns} towns, {made.villages} villages, {made.persons} staff, {made.households} households; all of it made up."
    )
    if made.log_ins:
        click.echo("\n登录账号（密码只显示这一次）· Log-ins; the passwords are shown this once")
        rows = [("岗位 · Post", "单位 · Body", "姓名", "工号 · Staff number", "密码 · Password")]
        rows += [(one.title.zh, one.body, one.name, one.staff_no, one.password) for one in made.log_ins]
        click.echo(_table(rows))
    else:
        click.echo("演示数据已在，密码在首次设置时显示过；要重新生成请用 --new-passwords。")
        click.echo("The demo was there already and its passwords were shown then; --new-passwords issues new ones.")


def _json(made: Demo) -> str:
    log_ins = [
        {
            "role": one.role,
            "level": one.level.name,
            "post": one.title.zh,
            "post_en": one.title.en,
            "body": one.body,
            "name": one.name,
            "staff_no": one.staff_no,
            "password": one.password,
        }
        for one in made.log_ins
    ]
    counts = {"towns": made.towns, "villages": made.villages, "persons": made.persons, "households": made.households}
    return json.dumps(
        {"county": made.county, **counts, "was_there": made.was_there, "log_ins": log_ins}, ensure_ascii=False, indent=2
    )


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-" * _width(lines[0]), *lines[1:]])


def _width(text: str) -> int:
    # A Chinese character takes two places of a terminal.
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
