"""From a case's events to the picture after each of them: the *fold* of DESIGN.md §3.9.

Pure: no database, no engine, no clock. An event says what opened and closed, which automatic steps were taken and
how the data changed; laid upon each other they give every shape's state, the flows gone along and all data as they
stood then. A hundred events fold in milliseconds, so a replay needs no stored pictures that could say something
else than the sealed events.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from lxml import etree

from engine.deadlines.stages import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.runtime import Element

JSON = Any

_FLOW = "{http://www.omg.org/spec/BPMN/20100524/MODEL}sequenceFlow"
_GATEWAYS = frozenset({"exclusiveGateway", "inclusiveGateway", "eventBasedGateway", "complexGateway"})


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has an open task: the post in its place, and the person where somebody has taken it."""

    no: int
    element_id: str
    name: str
    level: int
    role: str
    region: str
    person: int | None
    person_name: str


@dataclass(frozen=True, slots=True)
class Frame:
    """The case after one event.

    `states` are done, current, overdue, returned or cancelled, by shape; `flows` the ids of the sequence flows this event went
    along, `passed` those of all events so far; `data` everything declared as it stood then, `changes` what this event changed.
    """

    n: int
    seq: int
    at: str
    kind: str
    actor: Mapping[str, JSON]
    task: Mapping[str, JSON] | None
    outcome: str
    opinion: str
    states: Mapping[str, str]
    flows: tuple[str, ...]
    passed: frozenset[str]
    data: Mapping[str, JSON]
    changes: Mapping[str, tuple[JSON, JSON]]
    decisions: tuple[Mapping[str, JSON], ...]
    services: tuple[Mapping[str, JSON], ...]
    signature: str
    holders: tuple[Holder, ...]
    status: str
    marking: str


def flow_ids(diagrams: Iterable[str]) -> dict[tuple[str, str], str]:
    """Return the id of each sequence flow of some drawings, by the shapes it leads from and to."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    found: dict[tuple[str, str], str] = {}
    for drawing in diagrams:
        for flow in etree.fromstring(drawing.encode(), parser).iter(_FLOW):
            found[flow.get("sourceRef", ""), flow.get("targetRef", "")] = flow.get("id", "")
    return found


def fold(
    events: Sequence[Mapping[str, JSON]],
    elements: Mapping[str, Element],
    flows: Mapping[tuple[str, str], str] | None = None,
) -> tuple[Frame, ...]:
    """Return the case after each of its events, in order; `events` are their bodies, `flows` what :func:`flow_ids` gives."""
    picture = _Picture(elements, flows or {})
    return tuple(picture.after(n, event) for n, event in enumerate(events, 1))


@dataclass(slots=True)
class _Picture:
    """The case so far."""

    elements: Mapping[str, Element]
    flow_ids: Mapping[tuple[str, str], str]
    states: dict[str, str] = field(default_factory=dict)
    data: dict[str, JSON] = field(default_factory=dict)
    open: dict[int, Holder] = field(default_factory=dict)
    late: set[int] = field(default_factory=set)
    waiting: dict[int, str] = field(default_factory=dict)
    passed: set[str] = field(default_factory=set)
    status: str = "OPEN"

    def after(self, n: int, event: Mapping[str, JSON]) -> Frame:
        """Lay one event upon what was; return the frame."""
        before = {holder.element_id for holder in self.open.values()}
        steps: Sequence[Mapping[str, JSON]] = event.get("steps", ())
        changes = {name: (was, now) for name, (was, now) in event.get("changes", {}).items()}
        for name, (_, now) in changes.items():
            if now is None:
                self.data.pop(name, None)
            else:
                self.data[name] = now
        self._leave(event)
        for step in steps:
            self.states[step["element"]] = "done"
        self._enter(event)
        self._hold(event)
        self._draw(before)
        flows = self._flows(event, steps)
        self.passed.update(flows)
        if "ended" in event:
            self.status = str(event["ended"]["status"])
        return Frame(
            n=n,
            seq=event["seq"],
            at=event["at"],
            kind=event["kind"],
            actor=event.get("actor", {}),
            task=event.get("task"),
            outcome=str(event.get("outcome", "")),
            opinion=str(event.get("opinion") or event.get("reason") or ""),
            states=MappingProxyType(dict(self.states)),
            flows=flows,
            passed=frozenset(self.passed),
            data=MappingProxyType(dict(self.data)),
            changes=MappingProxyType(changes),
            decisions=tuple(step for step in steps if step["kind"] == "decision"),
            services=tuple(step for step in steps if step["kind"] == "service"),
            signature=str(event.get("signature", "")),
            holders=tuple(self.open[no] for no in sorted(self.open)),
            status=self.status,
            marking=str(event.get("marking", "")),
        )

    def _leave(self, event: Mapping[str, JSON]) -> None:
        """Close what the event closed or cancelled; a task handed in while it opened is closed after it has opened."""
        for no in event.get("disarmed", ()):
            self.states[self.waiting.pop(no, "")] = "done"
        self.states.pop("", None)
        for told in event.get("opened", ()):
            if told["no"] in event.get("closed", ()):
                self.open[told["no"]] = _holder(told)
        returned = event.get("tone") == "return"
        for no in event.get("closed", ()):
            holder = self.open.pop(no, None)
            self.late.discard(no)
            if holder is not None:
                self.states[holder.element_id] = "returned" if returned else "done"
        for no in event.get("cancelled", ()):
            holder = self.open.pop(no, None)
            self.late.discard(no)
            if holder is not None:
                self.states[holder.element_id] = "cancelled"

    def _enter(self, event: Mapping[str, JSON]) -> None:
        gone = {*event.get("closed", ()), *event.get("cancelled", ())}
        for told in event.get("opened", ()):
            if told["no"] not in gone:
                self.open[told["no"]] = _holder(told)
        for told in event.get("armed", ()):
            self.waiting[told["no"]] = told["element"]

    def _hold(self, event: Mapping[str, JSON]) -> None:
        """Follow who has a task: claimed, given back, given to another, moved to the leader by the clock."""
        task = event.get("task") or {}
        holder = self.open.get(task.get("no", 0))
        if holder is None:
            return
        person, name, role = holder.person, holder.person_name, holder.role
        match event["kind"]:
            case "task_claimed":
                person, name = event["actor"]["person"], str(event["actor"]["name"])
            case "task_released":
                person, name = None, ""
            case "task_reassigned":
                person, name = event["to"]["person"], str(event["to"]["name"])
            case "stage_reached":
                if Stage(event["stage"]) >= Stage.YELLOW:
                    self.late.add(holder.no)
                if event.get("moved_to", role) != role:
                    person, name, role = None, "", str(event["moved_to"])
            case _:
                return
        self.open[holder.no] = Holder(
            holder.no, holder.element_id, holder.name, holder.level, role, holder.region, person, name
        )

    def _draw(self, before: set[str]) -> None:
        """Mark what is open now, and the called processes it lies in."""
        inside: set[str] = set()
        for holder in self.open.values():
            self.states[holder.element_id] = "overdue" if holder.no in self.late else "current"
            inside.add(self._process(holder.element_id))
        for element_id in self.waiting.values():
            self.states[element_id] = "current"
            inside.add(self._process(element_id))
        left = {self._process(element_id) for element_id in before} - inside
        for element in self.elements.values():
            if element.called in inside:
                self.states[element.id] = "current"
            elif element.called in left and self.states.get(element.id) == "current":
                self.states[element.id] = "done"

    def _process(self, element_id: str) -> str:
        found = self.elements.get(element_id)
        return "" if found is None else found.process_id

    def _flows(self, event: Mapping[str, JSON], steps: Sequence[Mapping[str, JSON]]) -> tuple[str, ...]:
        """Return the flows this event went along: from each shape it left to each shape it reached next."""
        reached = {step["element"] for step in steps}
        reached.update(told["element"] for told in event.get("opened", ()))
        reached.update(told["element"] for told in event.get("armed", ()))
        # A called process stands for its shape: entering it is reaching the shape.
        called = {self._process(element_id) for element_id in reached}
        reached.update(element.id for element in self.elements.values() if element.called in called)
        taken = {step["element"]: frozenset(step.get("taken", ())) for step in steps}
        left = [*taken]
        left += [told["element"] for told in event.get("opened", ()) if told["no"] in event.get("closed", ())]
        if event["kind"] == "task_completed" and event.get("task"):
            left.append(event["task"]["element"])
        if event["kind"] == "timer_fired":
            left.append(event["element"])
        found: dict[str, None] = {}
        for source in left:
            element = self.elements.get(source)
            if element is None:
                continue
            for target in element.targets:
                gone = target in taken[source] if taken.get(source) and element.kind in _GATEWAYS else target in reached
                flow = self.flow_ids.get((source, target))
                if gone and flow:
                    found[flow] = None
        return tuple(found)


def _holder(told: Mapping[str, JSON]) -> Holder:
    return Holder(
        no=told["no"],
        element_id=told["element"],
        name=told["name"],
        level=told["level"],
        role=told["role"],
        region=told["region"],
        person=None,
        person_name="",
    )
