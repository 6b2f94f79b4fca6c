"""The first reading of a case's events: fold them into one picture after each step (DESIGN.md §3.9).

It is pure: events and the shapes of the drawing go in, frames come out. No database, no clock, no running process,
so a replay can neither change a case nor be changed by what the case has become since. What a picture shows is only
what the sealed events say; whether the events are the true ones is the other reading's question
(:mod:`engine.audit.verify`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LATE = frozenset({"YELLOW", "RED", "TAKEOVER", "UPPER2"})
"""Stages at which a task is drawn as overdue: from the yellow card on (DOMAIN.md C7)."""


class Shape(Protocol):
    """What a frame needs to know of a shape of the drawing; the engine's elements have it."""

    @property
    def process_id(self) -> str:
        """The process that draws it."""

    @property
    def targets(self) -> tuple[str, ...]:
        """The shapes its ways lead to."""

    @property
    def called(self) -> str | None:
        """The process it calls, if it calls one."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open task as the events tell it: which shape, which post in which place, who took it, how late it is."""

    no: int
    element: str
    name: str
    level: int
    role: str
    region: str
    due_at: str | None = None
    holder: str | None = None
    stage: str = "NONE"


@dataclass(frozen=True, slots=True)
class Frame:
    """A case after its n-th event.

    `states` says how each shape passed so far is drawn: done, current, returned, cancelled, overdue. `flows` are the ways taken so far, as
    (from, to) shapes. `data` is everything declared as it was then, `changes` what this event changed as name → (before, after).
    """

    n: int
    seq: int
    kind: str
    at: str
    actor: Mapping[str, Any]
    task: Mapping[str, Any] | None
    outcome: str
    opinion: str
    states: Mapping[str, str]
    flows: tuple[tuple[str, str], ...]
    data: Mapping[str, Any]
    changes: Mapping[str, tuple[Any, Any]]
    decisions: tuple[Mapping[str, Any], ...]
    services: tuple[Mapping[str, Any], ...]
    signature: str
    waiting: tuple[Waiting, ...]
    """The open tasks, by number."""
    papers: Mapping[str, Mapping[str, Any]]
    """Every paper in the case by then, by its id."""
    status: str
    """The case's status by then: OPEN until an event ends it."""


@dataclass(slots=True)
class _Picture:
    """What is carried from one event to the next."""

    shapes: Mapping[str, Shape]
    states: dict[str, str] = field(default_factory=dict)
    flows: dict[tuple[str, str], None] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    waiting: dict[int, Waiting] = field(default_factory=dict)
    armed: dict[int, str] = field(default_factory=dict)
    papers: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    status: str = "OPEN"


def fold(events: Iterable[Mapping[str, Any]], shapes: Mapping[str, Shape]) -> tuple[Frame, ...]:
    """Return the picture after each event, first to last; `shapes` are the drawing's, by id."""
    picture = _Picture(shapes)
    return tuple(_frame(picture, n, event) for n, event in enumerate(events, 1))


def _frame(picture: _Picture, n: int, event: Mapping[str, Any]) -> Frame:
    steps: Sequence[Mapping[str, Any]] = event.get("steps", ())
    changes = {name: (pair[0], pair[1]) for name, pair in event.get("changes", {}).items()}
    for name, (_, after) in changes.items():
        if after is None:
            picture.data.pop(name, None)
        else:
            picture.data[name] = after
    for paper in (*event.get("papers", ()), *event.get("attachments", ())):
        picture.papers[paper["id"]] = paper
    _take_steps(picture, event, steps)
    _move_tasks(picture, event)
    if "ended" in event:
        picture.status = event["ended"]["status"]
    return Frame(
        n=n,
        seq=event["seq"],
        kind=event["kind"],
        at=event["at"],
        actor=event.get("actor") or {},
        task=event.get("task"),
        outcome=str(event.get("outcome", "")),
        opinion=str(event.get("opinion") or event.get("reason") or event.get("text") or ""),
        states=_drawn(picture),
        flows=tuple(picture.flows),
        data=dict(picture.data),
        changes=changes,
        decisions=tuple(step for step in steps if step["kind"] == "decision"),
        services=tuple(step for step in steps if step["kind"] == "service"),
        signature=str(event.get("signature", "")),
        waiting=tuple(picture.waiting[no] for no in sorted(picture.waiting)),
        papers=dict(picture.papers),
        status=picture.status,
    )


def _take_steps(picture: _Picture, event: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> None:
    reached = [*(step["element"] for step in steps), *(one["element"] for one in event.get("opened", ()))]
    reached += [one["element"] for one in event.get("armed", ())]
    for step in steps:
        element = step["element"]
        picture.states[element] = "done"
        for target in step.get("taken") or _onward(picture, element, reached):
            picture.flows[element, target] = None
    task = event.get("task")
    if task and event.get("tone") == "return":
        picture.states[task["element"]] = "returned"


def _onward(picture: _Picture, element: str, reached: Sequence[str]) -> tuple[str, ...]:
    """Return where a shape that is not a gateway went on to: its only way, or those of its ways that were reached."""
    shape = picture.shapes.get(element)
    if shape is None:
        return ()
    return shape.targets if len(shape.targets) == 1 else tuple(one for one in shape.targets if one in reached)


def _move_tasks(picture: _Picture, event: Mapping[str, Any]) -> None:
    for one in event.get("opened", ()):
        picture.waiting[one["no"]] = Waiting(
            one["no"], one["element"], one["name"], one["level"], one["role"], one["region"], one.get("due_at")
        )
    for no in event.get("closed", ()):
        picture.waiting.pop(no, None)
    for no in event.get("cancelled", ()):
        gone = picture.waiting.pop(no, None)
        if gone is not None:
            picture.states[gone.element] = "cancelled"
    for one in event.get("armed", ()):
        picture.armed[one["no"]] = one["element"]
    for no in event.get("disarmed", ()):
        picture.armed.pop(no, None)
    task = event.get("task")
    if task and task["no"] in picture.waiting:
        picture.waiting[task["no"]] = _handled(picture.waiting[task["no"]], event)


def _handled(task: Waiting, event: Mapping[str, Any]) -> Waiting:
    """Return an open task after an event that did not close it: taken, given back, given to somebody, or late."""
    holder, role, stage = task.holder, task.role, task.stage
    kind = event["kind"]
    if kind == "task_claimed":
        holder = (event.get("actor") or {}).get("name")
    elif kind == "task_released":
        holder = None
    elif kind == "task_reassigned":
        holder = event["to"]["name"]
    elif kind == "stage_reached":
        stage = event["stage"]
        if event.get("moved_to", role) != role:
            holder, role = None, event["moved_to"]
    return Waiting(task.no, task.element, task.name, task.level, role, task.region, task.due_at, holder, stage)


def _drawn(picture: _Picture) -> dict[str, str]:
    states = dict(picture.states)
    here = {task.element: "overdue" if task.stage in LATE else "current" for task in picture.waiting.values()}
    here.update((element, "current") for element in picture.armed.values())
    states.update(here)
    # A drawing that calls another is where its callee is.
    inside = {picture.shapes[element].process_id for element in here if element in picture.shapes}
    for element, shape in picture.shapes.items():
        if shape.called in inside and _was_reached(picture, element):
            states[element] = "current"
    return states


def _was_reached(picture: _Picture, element: str) -> bool:
    return any(target == element for _, target in picture.flows)
