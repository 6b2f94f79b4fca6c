"""`bangfu import`: brings data in from files. What is wrong is told by sheet, row and column; then nothing is written."""

from __future__ import annotations

from pathlib import Path

import click

from engine import Rejected, Settings


@click.group("import")
def import_group() -> None:
    """导入数据 · Bring data in from files."""


@import_group.command("households")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="只检查，不写入 · Check only, write nothing.")
@click.option("--template", is_flag=True, help="生成空白模板 · Write an empty workbook to fill in.")
@click.option(
    "--scope", default="44", show_default=True, help="只接受该地区的户 · Take households of this place only (code)."
)
@click.option("--test-data", is_flag=True, help="标记为测试数据 · Mark the households as test data.")
@click.option("--database", "database_url", envvar="BANGFU_DATABASE_URL", help="数据库地址 · Database URL.")
@click.option("--instance", envvar="BANGFU_INSTANCE", help="实例目录（密钥在其中）· Folder with the keys.")
def households(
    file: Path,
    *,
    dry_run: bool,
    template: bool,
    scope: str,
    test_data: bool,
    database_url: str | None,
    instance: str | None,
) -> None:
    """从 XLSX 工作簿导入农户,全部成功或全部不写 · Import households from a workbook, all or none."""
    from engine.installation import import_register, write_template

    if template:
        write_template(file)
        click.echo(f"已生成模板 · Template written: {file.name}")
        return
    if not file.is_file():
        raise click.ClickException(f"没有这个文件 · There is no file {file}")
    if not (scope.isascii() and scope.isdigit()):
        raise click.ClickException(f"地区代码应为数字 · Expected a code of digits, found {scope!r}")
    settings = Settings.from_environment(database_url=database_url, instance=instance)
    try:
        report = import_register(settings, file, scope=scope, dry_run=dry_run, test_data=test_data)
    except Rejected as refusal:
        raise click.ClickException(f"{refusal.message.zh} · {refusal.message.en}") from refusal
    for problem in report.problems:
        place = f"{problem.sheet} 第 {problem.row} 行" + (f" {problem.column}" if problem.column else "")
        click.echo(f"{place}：{problem.reason.zh} · row {problem.row}: {problem.reason.en}", err=True)
    if report.problem_count:
        told = f"发现 {report.problem_count} 处问题，未写入 · Found {report.problem_count} faults; nothing was written."
        raise click.ClickException(told)
    counts = f"{report.households} 户 {report.members} 人 · {report.households} households, {report.members} persons"
    click.echo(f"已导入 · Imported: {counts}" if report.written else f"可以导入（未写入）· Would import: {counts}")
