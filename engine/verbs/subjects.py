"""What jurisdiction is asked about: a case and one of its tasks as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.people.jurisdiction import Subject
from engine.people.levels import Level

if TYPE_CHECKING:
    from engine.ground import Ground
    from engine.verbs import rows

OPEN = "OPEN"
"""The state of a case or task that waits to be dealt with."""


def task_subject(ground: Ground, plain: Subject, task: rows.TaskRow) -> Subject:
    """Return the subject of a case with what jurisdiction needs to know of one task."""
    level = Level(task.level)
    return Subject(
        case_region=plain.case_region,
        case_open=plain.case_open,
        decided=plain.decided,
        kin=plain.kin,
        started_by=plain.started_by,
        held_duty=plain.held_duty,
        starter_roles=plain.starter_roles,
        task_region=task.region_code,
        task_role=task.role,
        task_title=ground.organisation.title(task.role),
        task_duty=task.duty,
        task_open=task.state == OPEN,
        claimed_by=task.claimed_by,
        claimed_name=task.claimed_name or "",
        leader_role=ground.organisation.leader_of(level),
    )
