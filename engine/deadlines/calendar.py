"""Which days are working days, and what a period of days therefore ends on.

A working day is Monday to Friday, less the State Council's holidays, plus its make-up days (DOMAIN.md B0.2). The day of
receipt is never counted, and a last day that is a day of rest moves to the next working day. This module holds days only: when a
clock stands still is :mod:`engine.deadlines.clock`'s matter, what happens to the late is :mod:`engine.deadlines.stages`'s, and
where the days are stored is nobody's here: no database, no wall clock, no time zone of the machine.

Ordinary weeks are counted in closed form and only the exceptions are searched, so an answer costs a few comparisons, the calendar
has no last day, and a period that reaches past what has been published is answered all the same: weekdays are assumed, and the
answer says that it is provisional.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from engine.errors import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_WEEKDAYS = (
    ("周一", "Monday"),
    ("周二", "Tuesday"),
    ("周三", "Wednesday"),
    ("周四", "Thursday"),
    ("周五", "Friday"),
    ("周六", "Saturday"),
    ("周日", "Sunday"),
)
_SATURDAY = 5


@dataclass(frozen=True, slots=True, order=True)
class DueDate:
    """The last day of a period; `provisional` if it rests on days whose calendar has not been published."""

    day: date
    provisional: bool = False

    @property
    def at(self) -> datetime:
        """The last second of the day in China, as an aware UTC moment: until then one is in time."""
        return end_of_day(self.day)

    @property
    def weekday(self) -> Message:
        """The name of the day of the week."""
        return weekday_of(self.day)


class DayRole(Enum):
    """What a day does for a period."""

    RECEIPT = "RECEIPT"
    COUNTED = "COUNTED"
    MAKE_UP = "MAKE_UP"
    WEEKEND = "WEEKEND"
    HOLIDAY = "HOLIDAY"
    NATURAL = "NATURAL"
    ROLLED = "ROLLED"
    STOPPED = "STOPPED"


@dataclass(frozen=True, slots=True)
class Step:
    """One day of the arithmetic: `number` is its place in the count (0 if it is not counted), `text` says why."""

    day: date
    role: DayRole
    number: int
    text: Message
    provisional: bool = False


def end_of_day(day: date) -> datetime:
    """Return the last second of a day in China (23:59:59+08:00) as an aware UTC moment."""
    return datetime.combine(day, _LAST_SECOND, UTC)


def start_of_working_day(day: date) -> datetime:
    """Return the first instant of a working day in China (00:00+08:00) as an aware UTC moment."""
    return datetime.combine(day - _ONE_DAY, _MIDNIGHT, UTC)


def weekday_of(day: date) -> Message:
    """Return the name of the day of the week."""
    return Message(*_WEEKDAYS[day.weekday()])


_ONE_DAY = timedelta(days=1)
# China is eight hours ahead of UTC all year (no summer time since 1991), so a day there begins and ends at fixed hours here.
_LAST_SECOND = time(15, 59, 59)
_MIDNIGHT = time(16, 0)


@dataclass(frozen=True)
class WorkingCalendar:
    """A published calendar as a value: `days` says of a day whether one works on it; an unnamed day goes by its weekday.

    `published_until` is the last day the notices speak of (default: the last day of the last year published). A year
    counts as published when its New Year's Day is named, which the State Council's notice does every year; so a county's
    own additions do not make a year published.
    """

    days: Mapping[date, bool] = field(hash=False)
    published_until: date | None = None
    _exceptions: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _shifts: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _ranks: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _published: frozenset[int] = field(init=False, repr=False, compare=False)
    _last: date = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        exceptions: list[int] = []
        shifts = [0]
        for day, working in sorted(self.days.items()):
            if working != (day.weekday() < _SATURDAY):
                exceptions.append(day.toordinal())
                shifts.append(shifts[-1] + (1 if working else -1))
        published = frozenset(day.year for day in self.days if (day.month, day.day) == (1, 1))
        last = self.published_until or date(max(published, default=1), 12, 31)
        put = object.__setattr__
        put(self, "days", MappingProxyType(dict(self.days)))
        put(self, "_exceptions", tuple(exceptions))
        # _shifts[i] is what the first i exceptions add to the plain count of weekdays.
        put(self, "_shifts", tuple(shifts))
        put(self, "_ranks", tuple(_weekdays_until(o) + s for o, s in zip(exceptions, shifts[1:], strict=True)))
        put(self, "_published", published)
        put(self, "_last", last)

    def with_days(self, days: Mapping[date, bool]) -> WorkingCalendar:
        """Return this calendar with a region's own days laid over it (a local holiday, a typhoon day)."""
        return WorkingCalendar({**self.days, **days}, self.published_until)

    def is_working_day(self, day: date) -> bool:
        """Say whether one works on this day; by its weekday if no notice names it."""
        named = self.days.get(day)
        return day.weekday() < _SATURDAY if named is None else named

    def is_published(self, day: date) -> bool:
        """Say whether the notice for this day's year is known."""
        return day.year in self._published and day <= self._last

    def add_working_days(self, start: date, n: int) -> DueDate:
        """Return the last day of `n` working days after `start`; the day of receipt is not counted (DOMAIN.md B0.2).

        With n = 0 the period ends on `start` itself, or on the next working day if that is a day of rest.
        """
        if n < 0:
            raise ValueError(f"Expected a number of working days from 0 up, found {n}")
        ordinal = start.toordinal()
        # Day 0 counts from the eve, so that a working start is its own answer and a day of rest rolls.
        rank = self._rank(ordinal) + n if n else self._rank(ordinal - 1) + 1
        day = date.fromordinal(self._select(rank))
        return DueDate(day, self._is_assumed(start, day))

    def add_natural_days(self, start: date, n: int, *, roll: bool = True) -> DueDate:
        """Return the last day of `n` natural days after `start`; with `roll` it moves off days of rest (DOMAIN.md B0.2)."""
        if n < 0:
            raise ValueError(f"Expected a number of days from 0 up, found {n}")
        raw = start + timedelta(days=n)
        return self.next_working_day(raw) if roll else DueDate(raw)

    def next_working_day(self, day: date) -> DueDate:
        """Return this day if one works on it, or else the first working day after it."""
        return self.add_working_days(day, 0)

    def working_days_between(self, start: date, end: date) -> int:
        """Return how many working days have passed on `end`: `start` is not counted, `end` is; 0 if it lies before."""
        return max(0, self._rank(end.toordinal()) - self._rank(start.toordinal()))

    def explain(self, start: date, n: int, *, natural: bool = False, roll: bool = True) -> list[Step]:
        """Return the arithmetic of a period day by day, from receipt to the last day, in words one can check by hand."""
        due = self.add_natural_days(start, n, roll=roll) if natural else self.add_working_days(start, n)
        steps = [step_of(start, DayRole.RECEIPT, 0)]
        number = 0
        for offset in range(1, (due.day - start).days + 1):
            day = start + timedelta(days=offset)
            role = self.role_of(day)
            if natural and offset <= n:
                role = DayRole.NATURAL
            elif natural or n == 0:
                role = DayRole.ROLLED if day == due.day else role
            counts = role in _COUNTING
            number += counts
            assumed = not self.is_published(day) and role is not DayRole.NATURAL
            steps.append(step_of(day, role, number if counts else 0, provisional=assumed))
        return steps

    def arithmetic(self, start: date, n: int, *, natural: bool = False) -> tuple[Message, ...]:
        """Return the arithmetic of a period as lines to print, festivals and weekends folded into one line each."""
        return as_lines(self.explain(start, n, natural=natural))

    def role_of(self, day: date) -> DayRole:
        """Say how a day counts among working days: as one, as a make-up day, or why it is a day of rest."""
        is_weekday = day.weekday() < _SATURDAY
        if self.is_working_day(day):
            return DayRole.COUNTED if is_weekday else DayRole.MAKE_UP
        return DayRole.HOLIDAY if day in self.days else DayRole.WEEKEND

    def _is_assumed(self, start: date, end: date) -> bool:
        if end > self._last:
            return True
        published = self._published
        first, last = start.year, end.year
        return last not in published or (first != last and any(y not in published for y in range(first, last)))

    def _rank(self, ordinal: int) -> int:
        """How many working days there are up to and including this day, counted from year 1."""
        return _weekdays_until(ordinal) + self._shifts[bisect_right(self._exceptions, ordinal)]

    def _select(self, rank: int) -> int:
        """The day on which the `rank`-th working day falls: the inverse of `_rank`."""
        passed = bisect_left(self._ranks, rank)
        weeks, rest = divmod(rank - self._shifts[passed] - 1, 5)
        ordinal = weeks * 7 + rest + 1
        if passed < len(self._exceptions) and ordinal >= self._exceptions[passed]:
            # Only a make-up day can bring the count up to `rank` on an exception itself.
            return self._exceptions[passed]
        return ordinal


def _weekdays_until(ordinal: int) -> int:
    """Mondays to Fridays up to and including an ordinal day; 1 January of year 1, ordinal 1, was a Monday."""
    weeks, rest = divmod(ordinal, 7)
    return weeks * 5 + (rest if rest < _SATURDAY else 5)


_COUNTING = frozenset({DayRole.COUNTED, DayRole.MAKE_UP, DayRole.NATURAL})
_RESTS = frozenset({DayRole.WEEKEND, DayRole.HOLIDAY, DayRole.STOPPED})
_ASSUMED = Message(
    "（该年放假安排尚未公布，暂按平日推算）", " (that year's calendar is not published; assumed by weekday)"
)
_WORDS = {
    DayRole.RECEIPT: Message("收到当日，不计", "day of receipt, not counted"),
    DayRole.COUNTED: Message("第{number}日", "day {number}"),
    DayRole.NATURAL: Message("第{number}日", "day {number}"),
    DayRole.MAKE_UP: Message("调休上班，第{number}日", "make-up working day, day {number}"),
    DayRole.WEEKEND: Message("周末，不计", "weekend, not counted"),
    DayRole.HOLIDAY: Message("节假日，不计", "public holiday, not counted"),
    DayRole.ROLLED: Message("期限末日遇休息日，顺延至本日", "the last day was a day of rest; the period ends today"),
    DayRole.STOPPED: Message("中止计时（{reason}），不计", "clock stopped ({reason}), not counted"),
}


def step_of(day: date, role: DayRole, number: int, *, provisional: bool = False, reason: Message | None = None) -> Step:
    """Return one day of an arithmetic with its words; `reason` says why a clock stood still."""
    words, why = _WORDS[role], reason or Message("", "")
    zh, en = words.zh.format(number=number, reason=why.zh), words.en.format(number=number, reason=why.en)
    text = Message(zh + _ASSUMED.zh, en + _ASSUMED.en) if provisional else Message(zh, en)
    return Step(day, role, number, text, provisional)


def in_ranges(steps: Iterable[Step]) -> list[tuple[Step, Step]]:
    """Return the days as (first, last) stretches; neighbouring days of rest of one kind are one, so a festival takes one line."""
    folded: list[tuple[Step, Step]] = []
    for step in steps:
        if folded and step.role in _RESTS and folded[-1][1].text == step.text:
            folded[-1] = (folded[-1][0], step)
        else:
            folded.append((step, step))
    return folded


def as_lines(steps: Iterable[Step]) -> tuple[Message, ...]:
    """Return the days as lines to print."""
    return tuple(_line(first, last) for first, last in in_ranges(steps))


def _line(first: Step, last: Step) -> Message:
    weekday = weekday_of(first.day)
    if first is last:
        return Message(f"{first.day} {weekday.zh} {first.text.zh}", f"{first.day} {weekday.en}: {first.text.en}")
    return Message(f"{first.day}至{last.day} {first.text.zh}", f"{first.day} to {last.day}: {first.text.en}")
