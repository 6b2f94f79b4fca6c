"""`bangfu calendar`: when a period ends, with the arithmetic anybody can check by hand against a wall calendar.

It asks the engine's published calendar and only writes the answer down: Chinese first, then English. No database is needed, so a
clerk, a teacher or a court can run it anywhere.
"""

from __future__ import annotations

from datetime import date

import click

_LARGEST = 10_000
_YEARS = range(1949, 2200)


@click.group("calendar")
def calendar() -> None:
    """工作日日历 · The working-day calendar."""


class _Day(click.ParamType[date]):
    name = "date"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        try:
            day = date.fromisoformat(str(value))
        except ValueError:
            day = None
        if day is None or len(str(value)) != len("2016-09-28") or day.year not in _YEARS:
            self.fail(
                f"日期应写成 2016-09-28 这样，{_YEARS[0]} 至 {_YEARS[-1]} 年；写的是“{value}”。\n"
                f"Wanted a date such as 2016-09-28 between {_YEARS[0]} and {_YEARS[-1]}, found “{value}”.",
                param,
                ctx,
            )
        return day


class _Count(click.ParamType[int]):
    name = "days"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(_LARGEST)) and int(text) <= _LARGEST):
            self.fail(
                f"天数应是 0 至 {_LARGEST} 的整数；写的是“{text}”。\n"
                f"Wanted a whole number of days from 0 to {_LARGEST}, found “{text}”.",
                param,
                ctx,
            )
        return int(text)


@calendar.command("add", context_settings={"ignore_unknown_options": True})
@click.argument("start", type=_Day())
@click.argument("days", type=_Count())
@click.option("--natural", is_flag=True, help="按自然日计算 · Count natural days instead of working days.")
@click.option(
    "--lang", type=click.Choice(["both", "zh", "en"]), default="both", show_default=True, help="语言 · Language."
)
def add(start: date, days: int, natural: bool, lang: str) -> None:  # noqa: FBT001  (click passes flags this way)
    """START 收到后 DAYS 个工作日到哪一天 · Print the last day of DAYS working days after START, and how it was counted.

    例 Example: bangfu calendar add 2016-09-28 10
    """
    from engine import seed_calendar

    known = seed_calendar()
    due = known.add_natural_days(start, days) if natural else known.add_working_days(start, days)
    lines = known.arithmetic(start, days, natural=natural)
    kind = ("自然日", "natural days") if natural else ("工作日", "working days")
    assumed = ("（暂定）", " (provisional: the calendar is not published that far)") if due.provisional else ("", "")
    heads = {
        "zh": (f"期限：{due.day} {due.weekday.zh}{assumed[0]}", f"{start}收到，{days}个{kind[0]}"),
        "en": (f"Due: {due.day} {due.weekday.en}{assumed[1]}", f"Received {start}, {days} {kind[1]}"),
    }
    for number, language in enumerate(("zh", "en") if lang == "both" else (lang,)):
        head, terms = heads[language]
        click.echo(("\n" if number else "") + f"{head}\n{terms}")
        for line in lines:
            click.echo(f"  {line.in_language(language)}")
