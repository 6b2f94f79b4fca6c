"""What an execution shows to the rest of the engine: open steps, what is waited for, and what has happened.

Plain values; whoever reads them needs to know nothing of the library, nor of how the case is held.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs.event_definitions.item_aware_event import EscalationEventDefinition
from SpiffWorkflow.bpmn.specs.mixins.events.end_event import EndEvent
from SpiffWorkflow.bpmn.specs.mixins.events.event_types import CatchingEvent, ThrowingEvent

from engine.runtime.specs import DecisionTask, HouseTask

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from engine.people.levels import Level
    from engine.runtime.decisions import DecisionResult
    from engine.runtime.definition import Element


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A step that waits for a person; `level` is its lane's, or the lane's of the call it stands in."""

    ref: str
    element_id: str
    name: str
    level: Level | None
    properties: Mapping[str, str]
    _read: Callable[[], Mapping[str, Any]] = field(repr=False, compare=False)

    @property
    def data(self) -> Mapping[str, Any]:
        """What the person would see: a copy of the task's data."""
        return self._read()


@dataclass(frozen=True, slots=True)
class Wait:
    """Something the case waits for: a clock (`due_at`, aware UTC) or a message (`message`, its name).

    `limit_days` is n where the clock says workdays(n). `attached_ref` is the ref of the task or call a boundary event sits on.
    """

    ref: str
    element_id: str
    kind: str
    message: str | None
    due_at: datetime | None
    limit_days: int | None
    attached_ref: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened: kind is task, decision, service, event, gateway, end or escalation.

    `taken` are the ids of the shapes a gateway went on to; `decision` is the DecisionResult of a decision table; `result` what a
    service answered; `ref` the task's ref.
    """

    element_id: str
    kind: str
    taken: tuple[str, ...] = ()
    decision: DecisionResult | None = None
    result: Mapping[str, Any] | None = None
    ref: str = ""


_KINDS: tuple[tuple[Any, str], ...] = (
    (EndEvent, "end"),
    (DecisionTask, "decision"),
    (HouseTask, "service"),
    ((CatchingEvent, ThrowingEvent), "event"),
)


def shape_of(spec: Any) -> str:
    """Return the id of the shape a spec stands for: the library adds specs of its own around a shape."""
    return str(getattr(spec, "bpmn_id", None) or spec.name.removesuffix(".BoundaryEventSplit"))


def kind_of(spec: Any, elements: Mapping[str, Element]) -> str | None:
    """Return what kind of step a spec is; None for the library's own, which nobody has drawn."""
    element = elements.get(shape_of(spec))
    if element is None or getattr(spec, "bpmn_id", None) is None:
        return None
    if isinstance(spec, EndEvent) and isinstance(spec.event_definition, EscalationEventDefinition):
        return "escalation"
    if element.kind.endswith("Gateway"):
        return "gateway"
    return next((kind for kinds, kind in _KINDS if isinstance(spec, kinds)), "task")
