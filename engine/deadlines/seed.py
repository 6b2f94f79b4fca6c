"""The days a new installation starts with, each with the source that says so.

2016 to 2018 come from the notices as workflows/calendar/ has them (DOMAIN.md D7, to be confirmed by the county), 2024 to 2026 from
the package chinesecalendar. What is stored afterwards belongs to the installation: a county adds its own days, an administrator
next year's notice. The seed only reads; the table calendar_day is written by whoever calls.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from engine.deadlines.calendar import WorkingCalendar
from engine.deadlines.stages import Thresholds
from engine.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGE_YEARS = range(2024, 2027)
"""The years taken from the package; it knows no later one."""


def seed_days(workflows: Path | None = None) -> list[tuple[date, bool, str]]:
    """Return (day, whether one works on it, source) for every day the known notices name, in order.

    Weekends inside a holiday are named too; ordinary days are not. A file that names a day twice with different answers
    raises ValueError.
    """
    folder = workflows or Settings.from_environment().workflows
    found: dict[date, tuple[bool, str]] = {}
    for path in sorted((folder / "calendar").glob("*.json")):
        for day, working, source in _days_of(json.loads(path.read_text(encoding="utf-8"))):
            if found.get(day, (working, ""))[0] != working:
                raise ValueError(f"Expected one answer for {day} in {path.name}, found both rest and work")
            found[day] = (working, source)
    for day, working, source in _days_of_the_package():
        found.setdefault(day, (working, source))
    return [(day, working, source) for day, (working, source) in sorted(found.items())]


def seed_calendar(workflows: Path | None = None) -> WorkingCalendar:
    """Return the calendar a new installation starts with, without a database: for commands and previews."""
    return WorkingCalendar({day: working for day, working, _ in seed_days(workflows)})


def _days_of(year: dict[str, Any]) -> Iterator[tuple[date, bool, str]]:
    for holiday in year["holidays"]:
        source = f"{holiday.get('source', year['source'])} ({year['mark']}; {year['status']['zh']})"
        day, last = date.fromisoformat(holiday["from"]), date.fromisoformat(holiday["to"])
        while day <= last:
            yield day, False, source
            day += timedelta(days=1)
        for make_up in holiday["make_up"]:
            yield date.fromisoformat(make_up), True, source


def _days_of_the_package() -> Iterator[tuple[date, bool, str]]:
    # Imported here: the package builds its tables on import, and only set-up needs them.
    from chinese_calendar.constants import holidays, workdays

    source = f"chinesecalendar {version('chinesecalendar')}"
    for days, working in ((holidays, False), (workdays, True)):
        for day in days:
            if day.year in PACKAGE_YEARS:
                yield day, working, source


def seed_thresholds(workflows: Path | None = None) -> Thresholds:
    """Return the escalation thresholds as workflows/parameters/escalation.json has them."""
    folder = workflows or Settings.from_environment().workflows
    stored = json.loads((folder / "parameters" / "escalation.json").read_text(encoding="utf-8"))
    return Thresholds.from_entries(stored["entries"])
