# ruff: noqa: SLF001 (the adapter is where the library's inside is known)
"""One number for the place where a case stands, so that two runs can be compared (DESIGN.md §3.9, *prove*).

It covers what is open, what is waited for and since when, with which data, what has arrived at a join that still waits, and the end.
It does not cover how the case got there, the refs, or how it was stored: equal places give equal markings.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs.mixins.unstructured_join import UnstructuredJoin
from SpiffWorkflow.util.task import TaskState

from engine.runtime.tree import walk
from engine.runtime.values import same

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.runtime.places import Wait

_encoder = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
_REACHED = TaskState.READY | TaskState.WAITING | TaskState.STARTED


def marking(trees: Iterable[tuple[str, Any]], waits: Iterable[Wait], end: Any) -> str:
    """Return 64 hex digits for trees (each with the chain of calls it stands in), what is waited for, and the end."""
    written: list[tuple[Any, str]] = []
    places = [_line(place, written) for where, root in trees for place in _places(where, root)]
    moments = [
        f"{wait.element_id} {wait.kind} {wait.message} {wait.due_at and wait.due_at.isoformat()}" for wait in waits
    ]
    lines = [*sorted(places), "--", *sorted(moments), "--", _canonical(end)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _line(place: tuple[list[Any], Any, list[Any]], written: list[tuple[Any, str]]) -> str:
    """Return a place as text. A task and what waits beside it mostly carry the same data, which are written once."""
    first, data, rest = place
    text = next((text for known, text in written if same(known, data)), None)
    if text is None:
        text = _canonical(data)
        written.append((data, text))
    parts = [_canonical(first)[1:-1], text, *("{}" if one == {} else _canonical(one) for one in rest)]
    return f"[{','.join(parts)}]"


def _places(where: str, root: Any) -> Iterable[tuple[list[Any], Any, list[Any]]]:
    """Tell each place as what stands before its data, the data, and what stands after."""
    for task in walk(root):
        name = task.task_spec.name
        if task._state & _REACHED:
            yield [where, name, task._state], task.data, [_told(task.internal_data)]
        elif task._state == TaskState.CANCELLED and isinstance(task.task_spec, UnstructuredJoin):
            # A branch that has arrived at a join still waiting: it will bring its data along.
            yield [where, name, "arrived", task.above.task_spec.name], task.above.data, []


def _told(books: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the marking tells of a task's own books: not the refs of what was merged, only how many there are."""
    if not books:
        return {}
    return {name: len(value) if name == "merged" else value for name, value in books.items() if name != "seen_events"}


def _canonical(value: Any) -> str:
    return _encoder.encode(value)
