"""How late is late: the stages from the first reminder to the level above the next, and the moment each begins.

The numbers are policy and live in workflows/ (the decision table escalation.dmn and its parameters); they come in as
`Thresholds`. This module only turns them into days: the table C7 says of an elapsed count which stage it is, and here that is
turned round to say on which day of the calendar a stage begins, so that a timer can be set for it. What is done at a stage belongs to
the engine's verbs; no stage ever moves a case forward by itself (DOMAIN.md B0.6: no deemed approval).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import total_ordering
from itertools import pairwise
from typing import TYPE_CHECKING

from engine.deadlines.calendar import start_of_working_day
from engine.errors import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from typing import Any

    from engine.deadlines.calendar import WorkingCalendar
    from engine.deadlines.clock import Clock


@total_ordering
class Stage(Enum):
    """How far a task has come towards and past its limit; later stages are greater."""

    NONE = "NONE"
    REMIND = "REMIND"
    YELLOW = "YELLOW"
    RED = "RED"
    TAKEOVER = "TAKEOVER"
    UPPER2 = "UPPER2"

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Stage):
            return NotImplemented
        return _ORDER.index(self) < _ORDER.index(other)

    @property
    def text(self) -> Message:
        """The stage in words, as lists and notices show it."""
        return _NAMES[self]


_ORDER = tuple(Stage)
_NAMES = {
    Stage.NONE: Message("正常", "in time"),
    Stage.REMIND: Message("临期提醒", "reminder"),
    Stage.YELLOW: Message("黄牌", "yellow card"),
    Stage.RED: Message("红牌", "red card"),
    Stage.TAKEOVER: Message("上级督办", "supervised by the level above"),
    Stage.UPPER2: Message("再上一级督办", "reported two levels up"),
}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When each stage begins: the reminder at a percentage of the limit, the others past so many working days late."""

    remind_percent: int
    yellow_after: int
    red_after: int
    takeover_after: int
    upper2_after: int

    def __post_init__(self) -> None:
        lateness = (self.yellow_after, self.red_after, self.takeover_after, self.upper2_after)
        if not 0 < self.remind_percent <= 100:  # noqa: PLR2004  (a percentage)
            raise ValueError(f"Expected a reminder between 1 and 100 percent of the limit, found {self.remind_percent}")
        if lateness[0] < 0 or any(earlier >= later for earlier, later in pairwise(lateness)):
            raise ValueError(f"Expected yellow, red, take-over and upper level in rising order, found {lateness}")

    @classmethod
    def from_entries(cls, entries: Iterable[Mapping[str, Any]]) -> Thresholds:
        """Read the thresholds from a parameter file's entries (name, value, source); KeyError if one is missing."""
        values = {entry["name"]: int(entry["value"]) for entry in entries}
        return cls(**{name: values[f"escalation.{name}"] for name in cls.__slots__})

    def first_day(self, stage: Stage, limit: int) -> int:
        """Return the elapsed count at which a stage begins, for a limit of so many days."""
        match stage:
            case Stage.NONE:
                return 0
            case Stage.REMIND:
                return -(-self.remind_percent * limit // 100)
            case Stage.YELLOW:
                return limit + self.yellow_after + 1
            case Stage.RED:
                return limit + self.red_after + 1
            case Stage.TAKEOVER:
                return limit + self.takeover_after + 1
            case Stage.UPPER2:
                return limit + self.upper2_after + 1


def stage_of(elapsed: int, limit: int, thresholds: Thresholds) -> Stage:
    """Return the highest stage that fits `elapsed` working days of a `limit` (DOMAIN.md C7; workflows/escalation.dmn)."""
    fitting = (stage for stage in reversed(_ORDER) if elapsed >= thresholds.first_day(stage, limit))
    return next(fitting, Stage.NONE)


def stage_at(now: datetime, clock: Clock, calendar: WorkingCalendar, thresholds: Thresholds) -> Stage:
    """Return the stage a clock is in; a clock that stands still stays where it is."""
    return stage_of(clock.elapsed_days(now, calendar), clock.days_allowed, thresholds)


def moment_of(stage: Stage, clock: Clock, calendar: WorkingCalendar, thresholds: Thresholds) -> datetime | None:
    """Return the first instant at which a stage holds: 00:00 in China of the day that reaches it.

    Empty if the clock stands still before that day comes; ask again when it has been resumed. Whether the moment rests on
    an unpublished calendar, `clock.day_of` tells.
    """
    number = thresholds.first_day(stage, clock.days_allowed)
    if number < 1:
        return clock.started_at
    reached = clock.day_of(number, calendar)
    return None if reached is None else start_of_working_day(reached.day)


def next_stage(current: Stage) -> Stage | None:
    """Return the stage that comes after this one; empty after the last."""
    place = _ORDER.index(current) + 1
    return _ORDER[place] if place < len(_ORDER) else None
