"""How a task stands in time, told the same in the inbox, on the case, on the board and in a notice (UX.md §6.39)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from engine.deadlines.calendar import in_ranges
from engine.deadlines.clock import Clock
from engine.deadlines.stages import Stage
from engine.errors import Message
from engine.instants import from_text, local_date
from engine.views import LimitView

if TYPE_CHECKING:
    from datetime import date, datetime

    from engine.ground import Ground

NO_LIMIT = LimitView(
    state="none", days_left=0, due_at=None, provisional=False, limit_days=None, used_days=0, stage=Stage.NONE.value
)


def limit_view(
    ground: Ground,
    region_code: str,
    *,
    now: datetime,
    clock: str,
    due_at: str | None,
    provisional: bool,
    stage: str,
    moved: bool = False,
    explain: bool = False,
) -> LimitView:
    """Tell a task's limit: what the badge says, the days left, and on request the arithmetic."""
    if due_at is None or clock in {"", "{}"}:
        return NO_LIMIT
    calendar = ground.calendar(region_code)
    watch = Clock.from_json(json.loads(clock))
    due = from_text(due_at)
    today, last = local_date(now), local_date(due)
    left = calendar.working_days_between(today, last) if last >= today else -calendar.working_days_between(last, today)
    reached = Stage(stage)
    reason: Message | None = None
    if not watch.is_running:
        state = "paused"
        reason = watch.pause_reason.text if watch.pause_reason else None
    elif reached >= Stage.RED:
        state = "red"
    elif reached is Stage.YELLOW or left < 0:
        state = "yellow"
    elif last == today:
        state = "today"
    elif reached is Stage.REMIND:
        state = "near"
    else:
        state = "normal"
    if reason is None and moved:
        reason = Message("已督办,由本单位负责人办理", "Supervised: the leader of the body deals with it now")
    return LimitView(
        state=state,
        days_left=left,
        due_at=due,
        provisional=bool(provisional),
        limit_days=watch.days_allowed,
        used_days=watch.elapsed_days(now, calendar),
        stage=stage,
        reason=reason,
        arithmetic=_arithmetic(ground, region_code, watch) if explain else (),
    )


def _arithmetic(ground: Ground, region_code: str, watch: Clock) -> tuple[Message, ...]:
    calendar = ground.calendar(region_code)
    start = local_date(watch.started_at)
    lines = [
        Message(
            f"{start.month}月{start.day}日收到,次日起算,承诺 {watch.days_allowed} 个工作日",
            f"Received on {start.isoformat()}, counted from the next day, {watch.days_allowed} working days",
        )
    ]
    for pause in watch.pauses:
        begin = local_date(pause.from_at)
        end = local_date(pause.to_at) if pause.to_at else None
        lines.append(
            Message(
                f"{begin.month}月{begin.day}日"
                + (f"至{end.month}月{end.day}日" if end else "起")
                + f"因{pause.reason.text.zh}中止计时",
                f"Stopped from {begin.isoformat()}"
                + (f" to {end.isoformat()}" if end else "")
                + f": {pause.reason.text.en}",
            )
        )
    if not watch.pauses:
        for first, last in in_ranges(calendar.explain(start, watch.days_allowed)):
            if first.number == 0 and first.day != start:
                span = _day(first.day) if first.day == last.day else f"{_day(first.day)}—{_day(last.day)}"
                span_en = (
                    first.day.isoformat()
                    if first.day == last.day
                    else f"{first.day.isoformat()} to {last.day.isoformat()}"
                )
                lines.append(Message(f"{span} {first.text.zh}", f"{span_en}: {first.text.en}"))
    return tuple(lines)


def _day(day: date) -> str:
    return f"{day.month}月{day.day}日"
