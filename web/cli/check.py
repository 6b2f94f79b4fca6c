"""`bangfu check`: whether a drawing or table would run as it says, before anybody deploys it."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("check")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--lang", type=click.Choice(["both", "zh", "en"]), default="both", show_default=True, help="语言 · Language."
)
def check(files: tuple[Path, ...], lang: str) -> None:
    """检查 .bpmn 和 .dmn 能否照图执行 · Check whether drawings and tables would run as drawn.

    每个问题一行 One line per finding: file:line: reason.
    """
    from engine import Invalid, check_drawing

    faults = 0
    for file in files:
        try:
            findings, notes = check_drawing(file)
        except Invalid as refusal:
            faults += 1
            click.echo(f"{file}:0: {_said(refusal.message, lang)}")
            continue
        for finding in findings:
            faults += 1
            element = f" [{finding.element}]" if finding.element else ""
            remedy = f" {_said(finding.remedy, lang)}" if finding.remedy.en else ""
            click.echo(f"{file}:{finding.line}:{element} {finding.rule}: {_said(finding.reason, lang)}{remedy}")
        for note in notes:
            click.echo(f"{file}: {_said(note, lang)}", err=True)
    if faults:
        click.echo(f"发现 {faults} 处问题 · {faults} findings", err=True)
        raise SystemExit(1)
    click.echo(f"{len(files)} 个文件可以发布 · {len(files)} files may be deployed", err=True)


def _said(message: object, lang: str) -> str:
    zh, en = getattr(message, "zh", ""), getattr(message, "en", "")
    text = {"zh": zh, "en": en}.get(lang, f"{zh} · {en}")
    return " ".join(str(text).split())
