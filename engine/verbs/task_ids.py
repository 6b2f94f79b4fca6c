"""How a task is called outside the engine: "381-4" is number 4 of case 381."""

from __future__ import annotations

from engine.errors import Message, NotFound
from engine.verbs import rows

LONGEST_TASK_ID = 30


def parse_task_id(task_id: str) -> tuple[int, int]:
    """Split "381-4" into case 381 and number 4; NotFound for anything else."""
    case_text, _, no_text = task_id.partition("-")
    if (
        not (case_text.isascii() and case_text.isdigit() and no_text.isascii() and no_text.isdigit())
        or len(task_id) > LONGEST_TASK_ID
    ):
        raise NotFound(Message("没有这项任务", "There is no such task"))
    case_id, no = int(case_text), int(no_text)
    if case_id > rows.LARGEST_KEY or no >= 2**31:
        raise NotFound(Message("没有这项任务", "There is no such task"))
    return case_id, no


def task_id_of(case_id: int, no: int) -> str:
    """Join a case and a number into the task's id."""
    return f"{case_id}-{no}"
