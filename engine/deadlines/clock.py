"""The statutory clock of one task: when it began, how many days it may take, when it stood still.

A clock is a value; stopping, resuming and extending it return a new one, and the caller stores it (`to_json`). It counts the
days of its limit: a day counts if the clock was running when the day began, so neither the day of receipt nor the
day of resumption counts, and the day on which it is stopped still does (DOMAIN.md B0.2: 中止). What a working day is, the calendar
says; what happens to the late, :mod:`engine.deadlines.stages`. Time spent is also told in plain hours, for the statistics.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

from engine.deadlines.calendar import DayRole, DueDate, as_lines, step_of
from engine.errors import Conflict, Message
from engine.instants import from_text, local_date, to_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.deadlines.calendar import WorkingCalendar


class DayKind(Enum):
    """What a limit is counted in."""

    WORKING = "WORKING"
    NATURAL = "NATURAL"


class PauseReason(Enum):
    """Why a clock may stand still; nothing else stops it (DOMAIN.md B0.2)."""

    SUPPLEMENT = "SUPPLEMENT"
    NOTICE = "NOTICE"
    OBJECTION = "OBJECTION"
    APPRAISAL = "APPRAISAL"
    ABSENCE = "ABSENCE"

    @property
    def text(self) -> Message:
        """The reason in words, as a page and a notice show it."""
        return _REASONS[self]


_REASONS = {
    PauseReason.SUPPLEMENT: Message("退回补正", "returned for correction"),
    PauseReason.NOTICE: Message("公示期间", "public notice running"),
    PauseReason.OBJECTION: Message("异议核查", "objection being checked"),
    PauseReason.APPRAISAL: Message("第三方鉴定或检验", "third-party appraisal or inspection"),
    PauseReason.ABSENCE: Message("当事人外出（有证明）", "household absent, with proof"),
}


_RESTING = frozenset({DayRole.WEEKEND, DayRole.HOLIDAY})
_NOT_COUNTING = _RESTING | {DayRole.RECEIPT, DayRole.ROLLED, DayRole.STOPPED}


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch during which the clock stood still; `to_at` is empty while it does."""

    from_at: datetime
    to_at: datetime | None
    reason: PauseReason


@dataclass(frozen=True, slots=True)
class Extension:
    """Days granted on top of the limit, by whom it concerns: the reason is a sentence that the case shows."""

    at: datetime
    days: int
    reason: str


@dataclass(frozen=True, slots=True)
class Clock:
    """A running or standing clock over `limit` days; `days_allowed` is the limit with all extensions."""

    started_at: datetime
    limit: int
    kind: DayKind = DayKind.WORKING
    pauses: tuple[Pause, ...] = ()
    extensions: tuple[Extension, ...] = ()

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ValueError(f"Expected a limit of at least one day, found {self.limit}")
        if self.started_at.tzinfo is None:
            raise ValueError(f"Expected an aware moment, found the naive {self.started_at.isoformat()}")
        last = self.started_at
        for number, pause in enumerate(self.pauses, start=1):
            if pause.from_at < last or (pause.to_at is None and number < len(self.pauses)):
                raise ValueError(f"Expected pauses one after the other, found one from {pause.from_at.isoformat()}")
            last = pause.to_at or pause.from_at
            if last < pause.from_at:
                raise ValueError(f"Expected a pause to end after it began, found {last.isoformat()}")

    # ---- what may be asked ---------------------------------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        """Whether days are being counted now."""
        return not self.pauses or self.pauses[-1].to_at is not None

    @property
    def pause_reason(self) -> PauseReason | None:
        """Why the clock stands still; empty while it runs."""
        return None if self.is_running else self.pauses[-1].reason

    @property
    def days_allowed(self) -> int:
        """The limit with all extensions."""
        return self.limit + sum(extension.days for extension in self.extensions)

    def elapsed_days(self, now: datetime, calendar: WorkingCalendar) -> int:
        """Return `e` of DOMAIN.md C7: how many days of the limit are used on the day of `now`, today included.

        Days past the limit are working days in either kind of clock: lateness is counted in working days.
        """
        today = local_date(now)
        total = 0
        for first, last in self._stretches(today):
            if first >= today:
                break
            total += self._days_between(first, min(last, today), calendar)
        if self.kind is DayKind.WORKING or total < self.days_allowed:
            return total
        end = self.day_of(self.days_allowed, calendar)
        if end is None or today < end.day:
            return self.days_allowed - 1
        return self.days_allowed + self._working_days_after(end.day, today, calendar)

    def elapsed_time(self, now: datetime) -> timedelta:
        """Return how long the clock has run, nights and weekends included, less the time it stood still."""
        total = now - self.started_at
        for pause in self.pauses:
            if pause.from_at < now:
                total -= min(pause.to_at or now, now) - pause.from_at
        return max(total, timedelta())

    def day_of(self, number: int, calendar: WorkingCalendar) -> DueDate | None:
        """Return the day that is the `number`-th to count; empty if the clock stands still before it comes."""
        if number < 1:
            raise ValueError(f"Expected a number of days from 1 up, found {number}")
        if self.kind is DayKind.WORKING:
            return self._nth(number, DayKind.WORKING, calendar)
        end = self._nth(min(number, self.days_allowed), DayKind.NATURAL, calendar)
        if end is None or number < self.days_allowed:
            return end
        if not calendar.is_working_day(end.day):
            # The end rolls to a working day on which the clock is running: it cannot end while it stands still.
            end = self._nth(1, DayKind.WORKING, calendar, after=end)
        elif not calendar.is_published(end.day):
            end = replace(end, provisional=True)
        if end is None or number == self.days_allowed:
            return end
        return self._nth(number - self.days_allowed, DayKind.WORKING, calendar, after=end)

    def due(self, now: datetime, calendar: WorkingCalendar) -> DueDate:
        """Return the last day that is in time; while the clock stands still, as it would be if it were resumed `now`.

        If the clock was stopped on its very last day, the day of resumption is still in time.
        """
        clock = self._as_if_resumed(now)
        end = clock.day_of(clock.days_allowed, calendar)
        assert end is not None  # a running clock comes to every day
        for pause in clock.pauses:
            if pause.to_at is not None and local_date(pause.from_at) <= end.day < (back := local_date(pause.to_at)):
                end = replace(end, day=back)
        return end

    def arithmetic(self, now: datetime, calendar: WorkingCalendar) -> tuple[Message, ...]:
        """Return how the due date came about, a line a day, stretches of rest and of standing still folded together."""
        clock = self._as_if_resumed(now)
        end, limit = clock.due(now, calendar).day, self.days_allowed
        day = local_date(self.started_at)
        steps, number = [step_of(day, DayRole.RECEIPT, 0)], 0
        while day < end:
            day += timedelta(days=1)
            assumed = not calendar.is_published(day)
            role, reason = calendar.role_of(day), clock.stopped_on(day)
            if self.kind is DayKind.NATURAL:
                rolled = role if role in _RESTING else DayRole.ROLLED
                role, assumed = (DayRole.NATURAL, False) if number < limit else (rolled, assumed)
            if reason is not None:
                role, assumed = DayRole.STOPPED, False
            counts = role not in _NOT_COUNTING
            number += counts
            why = reason and reason.text
            steps.append(step_of(day, role, number if counts else 0, provisional=assumed, reason=why))
        granted = (
            Message(
                f"经批准延长{extension.days}日：{extension.reason}", f"extended by {extension.days}: {extension.reason}"
            )
            for extension in self.extensions
        )
        return (*granted, *as_lines(steps))

    # ---- what may be done ----------------------------------------------------------------------------------------------

    def pause(self, at: datetime, reason: PauseReason) -> Clock:
        """Stop the clock; Conflict if it stands still already."""
        if not self.is_running:
            raise Conflict(
                Message(
                    f"要中止计时，但计时已因“{self.pauses[-1].reason.text.zh}”中止",
                    f"Wanted to stop the clock, but it already stands still: {self.pauses[-1].reason.text.en}",
                )
            )
        return replace(self, pauses=(*self.pauses, Pause(at, None, reason)))

    def resume(self, at: datetime) -> Clock:
        """Let the clock run again from the day after `at`; Conflict if it is running."""
        if self.is_running:
            raise Conflict(Message("要恢复计时，但计时并未中止", "Wanted to resume the clock, but it is running"))
        return replace(self, pauses=(*self.pauses[:-1], replace(self.pauses[-1], to_at=at)))

    def extend(self, at: datetime, days: int, reason: str) -> Clock:
        """Grant more days of the limit's kind, for a reason that is kept."""
        if days < 1 or not reason.strip():
            raise ValueError(f"Expected at least one day and a reason, found {days} and {reason!r}")
        return replace(self, extensions=(*self.extensions, Extension(at, days, reason)))

    # ---- as it is stored -----------------------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """Return the clock as the JSON object the task row keeps."""
        return {
            "started_at": to_text(self.started_at),
            "limit": self.limit,
            "kind": self.kind.value,
            "pauses": [[to_text(p.from_at), p.to_at and to_text(p.to_at), p.reason.value] for p in self.pauses],
            "extensions": [[to_text(e.at), e.days, e.reason] for e in self.extensions],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Clock:
        """Return the clock a task row keeps."""
        return cls(
            started_at=from_text(stored["started_at"]),
            limit=stored["limit"],
            kind=DayKind(stored["kind"]),
            pauses=tuple(
                Pause(from_text(a), from_text(b) if b else None, PauseReason(r)) for a, b, r in stored["pauses"]
            ),
            extensions=tuple(Extension(from_text(at), days, reason) for at, days, reason in stored["extensions"]),
        )

    # ---- how it counts -------------------------------------------------------------------------------------------------

    def _as_if_resumed(self, now: datetime) -> Clock:
        return self if self.is_running else self.resume(max(now, self.pauses[-1].from_at))

    def _stretches(self, horizon: date) -> list[tuple[date, date]]:
        """The stretches (first, last] of days on which the clock was running when the day began, up to a horizon."""
        stretches = []
        start = local_date(self.started_at)
        for pause in self.pauses:
            stretches.append((start, local_date(pause.from_at)))
            if pause.to_at is None:
                return stretches
            start = local_date(pause.to_at)
        stretches.append((start, max(start, horizon)))
        return stretches

    def stopped_on(self, day: date) -> PauseReason | None:
        """Why a day does not count: the clock stood still when it began; empty if it was running."""
        for pause in self.pauses:
            if local_date(pause.from_at) < day and (pause.to_at is None or day <= local_date(pause.to_at)):
                return pause.reason
        return None

    def _days_between(self, first: date, last: date, calendar: WorkingCalendar) -> int:
        if self.kind is DayKind.WORKING:
            return calendar.working_days_between(first, last)
        return max(0, (last - first).days)

    def _working_days_after(self, day: date, today: date, calendar: WorkingCalendar) -> int:
        stretches = self._stretches(today)
        return sum(calendar.working_days_between(max(first, day), min(last, today)) for first, last in stretches)

    def _nth(
        self, number: int, kind: DayKind, calendar: WorkingCalendar, *, after: DueDate | None = None
    ) -> DueDate | None:
        provisional = after is not None and after.provisional
        stretches = self._stretches(date.max)
        for first, last in stretches:
            begin = max(first, after.day) if after else first
            if begin >= last:
                continue
            works = kind is DayKind.WORKING
            found = calendar.add_working_days(begin, number) if works else DueDate(begin + timedelta(days=number))
            if found.day <= last:
                return DueDate(found.day, provisional or found.provisional)
            provisional = provisional or (works and not calendar.is_published(last))
            number -= calendar.working_days_between(begin, last) if works else (last - begin).days
        return None
