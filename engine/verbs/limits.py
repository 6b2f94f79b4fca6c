"""From a clock in the drawing to a due moment in a row.

The drawing says `workdays(10)`; the row says until when, and the row is the authority: it moves when the clock stands still. Whoever
sends a case back stops their own clock; when the case comes to them again it goes on where it stopped, and the time of the correction
is not counted (DOMAIN.md B0.2, B0.5). Every other step begins anew.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.deadlines.calendar import end_of_day
from engine.deadlines.clock import Clock, PauseReason
from engine.deadlines.stages import Stage, moment_of, next_stage
from engine.instants import from_text, local_date
from engine.verbs import rows

if TYPE_CHECKING:
    from datetime import datetime

    from engine.batch import Batch
    from engine.ground import Ground
    from engine.runtime import Wait


SENT_BACK = '"sent_back"'
"""The mark in a case's summary that somebody has sent it back, so that only then earlier clocks are looked for."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A task's limit as its row keeps it: days, due moment, clock, and the first stage still to come."""

    days: int
    due_at: datetime
    provisional: bool
    clock: str
    first_stage: str | None
    first_at: datetime | None


def open_limit(
    ground: Ground, batch: Batch, case: rows.CaseRow, element_id: str, wait: Wait, now: datetime
) -> Limit | None:
    """Return the limit of a task that opens now; None where its clock is not one of working days."""
    if wait.limit_days is None:
        return None
    clock = Clock(now, wait.limit_days)
    if SENT_BACK in case.summary:
        clock = _continued(ground, batch, case, element_id, clock)
    calendar = ground.calendar(case.region_code)
    due = clock.due(now, calendar)
    stage, at = first_stage_after(ground, case.region_code, clock, Stage.NONE)
    return Limit(
        days=clock.days_allowed,
        due_at=end_of_day(due.day),
        provisional=due.provisional,
        clock=json.dumps(clock.to_json(), separators=(",", ":")),
        first_stage=stage.value if stage else None,
        first_at=at,
    )


def first_stage_after(
    ground: Ground, region_code: str, clock: Clock, current: Stage
) -> tuple[Stage | None, datetime | None]:
    """Return the stage after `current` and the moment it begins; (None, None) after the last or while the clock stands still."""
    stage = next_stage(current)
    if stage is None:
        return None, None
    at = moment_of(stage, clock, ground.calendar(region_code), ground.thresholds)
    return (stage, at) if at is not None else (None, None)


def _continued(ground: Ground, batch: Batch, case: rows.CaseRow, element_id: str, fresh: Clock) -> Clock:
    """Take up the clock of the same task where its own return stopped it, with the correction as a pause."""
    earlier = batch.select(rows.EARLIER_CLOCK, {"case_id": case.id, "element_id": element_id})
    if not earlier:
        return fresh
    stored, closed_at, outcome, form_name = earlier[0]
    form = ground.definition(case.definition_digest).forms.get(form_name)
    returned = form is not None and form.outcome is not None and form.outcome.tone(outcome) == "return"
    if not returned or stored in {"", "{}"} or closed_at is None:
        return fresh
    clock = Clock.from_json(json.loads(stored))
    if clock.is_running:
        if local_date(from_text(closed_at)) == local_date(fresh.started_at):
            # Back on the same day: no day was lost, and a case that goes to and fro does not collect pauses.
            return clock
        clock = clock.pause(from_text(closed_at), PauseReason.SUPPLEMENT)
    return clock.resume(fresh.started_at)
