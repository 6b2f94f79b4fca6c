"""`bangfu decide`: what a decision table says of some data, which rows hit, and the rule each of them stands on."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command("decide")
@click.argument("table", type=click.Path(path_type=Path))
@click.argument("data")
@click.option(
    "--year", type=click.IntRange(1949, 2199), default=2018, show_default=True, help="年度 · Year of the numbers."
)
@click.option("--county", default="*", show_default=True, help="县代码 · County code.")
@click.option("--json", "as_json", is_flag=True, help="以 JSON 输出 · Print JSON, for programs.")
def decide(table: Path, data: str, *, year: int, county: str, as_json: bool) -> None:
    """让一张决策表判定 JSON 数据 · Let a table decide over JSON data.

    例 Example: bangfu decide workflows/medical_scope.dmn '{"aid_fen": 5000001}'
    """
    from engine import Invalid, decide_table

    try:
        result = decide_table(table, data, year=year, county=county)
    except Invalid as refusal:
        raise click.ClickException(f"{refusal.message.zh} · {refusal.message.en}") from refusal
    if as_json:
        told = {
            "table": result.table,
            "hit_policy": result.hit_policy,
            "inputs": dict(result.inputs),
            "outputs": dict(result.outputs),
            "hits": [
                {"row": hit.number, "id": hit.id, "citation": hit.citation, "outputs": dict(hit.outputs)}
                for hit in result.hits
            ],
        }
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    click.echo(f"{result.table} [{result.hit_policy}]")
    for label, value in result.inputs.items():
        click.echo(f"  {label}: {_shown(value)}")
    for hit in result.hits:
        said = ", ".join(f"{name} = {_shown(value)}" for name, value in hit.outputs.items())
        click.echo(f"第 {hit.number} 行 · row {hit.number}: {said}\n  依据 · by: {hit.citation}")
    click.echo("结果 · result")
    for name, value in result.outputs.items():
        click.echo(f"  {name} = {_shown(value)}")


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
