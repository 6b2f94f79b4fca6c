"""A drawing as the gate looks at it: shapes, flows and the ways between them, each with its line in the file.

This is not SpiffWorkflow's picture of the process. The library silently leaves out what it does not know, and what it leaves out is
exactly what the gate must see; so the graph is made from the XML itself. Nothing here judges.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from engine.errors import Finding, Message
from engine.runtime.reading import local_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EVENT_SUFFIX = "EventDefinition"
ACTIVITIES = frozenset(
    {
        *("userTask", "serviceTask", "businessRuleTask", "callActivity", "subProcess", "sendTask", "scriptTask"),
        *("manualTask", "receiveTask", "task", "transaction", "adHocSubProcess"),
    }
)
EVENTS = frozenset({"startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent"})
GATEWAYS = frozenset({"exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway", "complexGateway"})
SHAPES = ACTIVITIES | EVENTS | GATEWAYS
DONE = "#done"
"""Behind a sub-process's id: the place its own outgoing flows leave from, once its inside has ended."""


@dataclass(frozen=True)
class Flow:
    """An arrow."""

    id: str
    source: str
    target: str
    condition: str | None
    line: int


@dataclass(frozen=True)
class Shape:
    """A shape a case can stand in. `scope` is the id of the sub-process around it, empty in the process itself."""

    id: str
    kind: str
    name: str
    line: int
    scope: str
    node: Any = field(repr=False, compare=False)

    @property
    def attached_to(self) -> str:
        """The activity a boundary event sits on."""
        return str(self.node.get("attachedToRef", ""))

    @property
    def is_interrupting(self) -> bool:
        """Say whether a boundary event ends what it sits on."""
        return str(self.node.get("cancelActivity", "true")) != "false"

    @cached_property
    def events(self) -> tuple[tuple[str, Any], ...]:
        """The event definitions: their kind (timer, message, …) and the element."""
        named = ((local_name(child), child) for child in self.node)
        return tuple((name.removesuffix(EVENT_SUFFIX), child) for name, child in named if name.endswith(EVENT_SUFFIX))

    @property
    def event(self) -> str:
        """The kind of event; empty for a plain one."""
        return self.events[0][0] if self.events else ""

    @cached_property
    def extensions(self) -> Mapping[str, Any]:
        """The extension elements by name."""
        return {
            local_name(child): child
            for block in self.node
            if local_name(block) == "extensionElements"
            for child in block
        }

    def script(self, name: str) -> str:
        """Return the text of the preScript or postScript; empty where there is none."""
        element = self.extensions.get(name)
        return "" if element is None else (element.text or "")

    @cached_property
    def properties(self) -> Mapping[str, str]:
        """What the shape says about itself: post, duty, form and so on."""
        block = self.extensions.get("properties")
        return {} if block is None else {child.get("name", ""): child.get("value", "") for child in block}

    @property
    def decision(self) -> str:
        """The id of the table a rule task calls."""
        element = self.extensions.get("calledDecisionId")
        return "" if element is None else (element.text or "").strip()

    @property
    def repetition(self) -> Any:
        """The multi-instance marker, or None."""
        return next((child for child in self.node if local_name(child).endswith("LoopCharacteristics")), None)


@dataclass(frozen=True)
class Process:
    """One process of a drawing."""

    path: str
    id: str
    line: int
    node: Any = field(repr=False)
    shapes: Mapping[str, Shape]
    flows: tuple[Flow, ...]
    lanes: Mapping[str, tuple[str, ...]]
    """The names of the lanes each shape stands in."""
    lane_lines: Mapping[str, tuple[int, str]]
    """The line and id of each lane by its name."""
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    declares_data: bool

    @cached_property
    def outgoing(self) -> Mapping[str, tuple[Flow, ...]]:
        """The flows out of each shape."""
        return _grouped((flow.source, flow) for flow in self.flows)

    @cached_property
    def incoming(self) -> Mapping[str, tuple[Flow, ...]]:
        """The flows into each shape."""
        return _grouped((flow.target, flow) for flow in self.flows)

    @cached_property
    def attached(self) -> Mapping[str, tuple[str, ...]]:
        """The boundary events on each activity."""
        found: dict[str, list[str]] = {}
        for shape in self.shapes.values():
            if shape.kind == "boundaryEvent":
                found.setdefault(shape.attached_to, []).append(shape.id)
        return {name: tuple(ids) for name, ids in found.items()}

    def starts(self, scope: str = "") -> tuple[Shape, ...]:
        """Return the start events of the process or of a sub-process."""
        return tuple(one for one in self.shapes.values() if one.kind == "startEvent" and one.scope == scope)

    def out_of(self, shape: Shape) -> tuple[Flow, ...]:
        """Return the flows that leave a shape and lead to one."""
        return tuple(flow for flow in self.outgoing.get(shape.id, ()) if flow.target in self.shapes)

    @cached_property
    def ways(self) -> Mapping[str, tuple[str, ...]]:
        """Where a case can go next from each place, through flows, boundary events and into and out of sub-processes."""
        found: dict[str, tuple[str, ...]] = {}
        for shape in self.shapes.values():
            targets = tuple(flow.target for flow in self.out_of(shape))
            on_it = self.attached.get(shape.id, ())
            if shape.kind == "subProcess":
                found[shape.id + DONE] = targets
                found[shape.id] = tuple(one.id for one in self.starts(shape.id)) + on_it
            elif shape.kind == "endEvent" and shape.scope and shape.event != "error":
                found[shape.id] = (shape.scope + DONE,)
            else:
                found[shape.id] = targets + on_it
        return found

    @cached_property
    def main_ways(self) -> Mapping[str, tuple[str, ...]]:
        """The ways without those a non-interrupting boundary event opens beside the main one."""
        beside = {one.id for one in self.shapes.values() if one.kind == "boundaryEvent" and not one.is_interrupting}
        return {
            place: tuple(target for target in targets if target not in beside) for place, targets in self.ways.items()
        }


@dataclass(frozen=True)
class Drawing:
    """One file: its processes, and what it declares beside them (messages, errors, escalations) by id."""

    path: str
    root: Any = field(repr=False)
    processes: tuple[Process, ...]
    declared: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, path: str, root: Any) -> Drawing:
        """Make the graph of a file that has been read."""
        processes = tuple(_process(path, node) for node in root if local_name(node) == "process")
        declared = {
            node.get("id", ""): node
            for node in root
            if local_name(node) in {"message", "error", "escalation", "signal"}
        }
        return cls(path, root, processes, declared)

    def name_of(self, reference: str | None) -> str:
        """Return the name of a declared message, or the code of an error or escalation."""
        node = self.declared.get(reference or "")
        if node is None:
            return ""
        return str(node.get("errorCode") or node.get("escalationCode") or node.get("name") or "")


def reachable(ways: Mapping[str, tuple[str, ...]], *starts: str, without: Iterable[str] = ()) -> set[str]:
    """Return every place a case can come to from the starts, the starts included, without passing some."""
    seen = set(without)
    left = [start for start in starts if start not in seen]
    found: set[str] = set()
    while left:
        place = left.pop()
        if place in found:
            continue
        found.add(place)
        left.extend(target for target in ways.get(place, ()) if target not in found and target not in seen)
    return found


def circles(ways: Mapping[str, tuple[str, ...]]) -> list[set[str]]:
    """Return the sets of places that lie on a common circle (Tarjan, without recursion)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    path: list[str] = []
    on_path: set[str] = set()
    found: list[set[str]] = []
    for root in ways:
        if root in index:
            continue
        work = [(root, iter(ways.get(root, ())))]
        index[root] = low[root] = len(index)
        path.append(root)
        on_path.add(root)
        while work:
            place, targets = work[-1]
            target = next(targets, None)
            if target is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[place])
                if low[place] == index[place]:
                    _close(place, path, on_path, ways, found)
            elif target not in index:
                index[target] = low[target] = len(index)
                path.append(target)
                on_path.add(target)
                work.append((target, iter(ways.get(target, ()))))
            elif target in on_path:
                low[place] = min(low[place], index[target])
    return found


def _close(
    place: str, path: list[str], on_path: set[str], ways: Mapping[str, tuple[str, ...]], found: list[set[str]]
) -> None:
    members = set()
    while True:
        member = path.pop()
        on_path.discard(member)
        members.add(member)
        if member == place:
            break
    if len(members) > 1 or place in ways.get(place, ()):
        found.append(members)


def finding(path: str, line: int, element: str, rule: str, reason: Message, remedy: Message) -> Finding:
    """Return a finding; line 0 where the library knows none."""
    return Finding(path, line or 0, element, rule, reason, remedy)


def at(process: Process, shape: Shape | Flow, rule: str, reason: Message, remedy: Message) -> Finding:
    """Return a finding at a shape or flow."""
    return Finding(process.path, shape.line or 0, shape.id, rule, reason, remedy)


def _grouped(pairs: Iterable[tuple[str, Flow]]) -> dict[str, tuple[Flow, ...]]:
    found: dict[str, list[Flow]] = {}
    for key, flow in pairs:
        found.setdefault(key, []).append(flow)
    return {key: tuple(flows) for key, flows in found.items()}


def _process(path: str, node: Any) -> Process:
    shapes: dict[str, Shape] = {}
    flows: list[Flow] = []
    _collect(node, "", shapes, flows)
    lanes: dict[str, list[str]] = {}
    lane_lines: dict[str, tuple[int, str]] = {}
    for lane in node.iter():
        if local_name(lane) != "lane":
            continue
        lane_lines.setdefault(lane.get("name", ""), (lane.sourceline or 0, lane.get("id", "")))
        for reference in lane:
            if local_name(reference) == "flowNodeRef":
                lanes.setdefault((reference.text or "").strip(), []).append(lane.get("name", ""))
    declared = next((child for child in node if local_name(child) == "ioSpecification"), None)
    return Process(
        path,
        node.get("id", ""),
        node.sourceline or 0,
        node,
        shapes,
        tuple(flows),
        {name: tuple(found) for name, found in lanes.items()},
        lane_lines,
        _data_names(declared, "dataInput"),
        _data_names(declared, "dataOutput"),
        declared is not None,
    )


def _data_names(declared: Any, tag: str) -> tuple[str, ...]:
    if declared is None:
        return ()
    # The library names a data input by its name, or by its id where it has none.
    return tuple(child.get("name") or child.get("id", "") for child in declared if local_name(child) == tag)


def _collect(node: Any, scope: str, shapes: dict[str, Shape], flows: list[Flow]) -> None:
    for child in node:
        name = local_name(child)
        if name in SHAPES:
            identity = child.get("id", "")
            shapes.setdefault(
                identity, Shape(identity, name, child.get("name", ""), child.sourceline or 0, scope, child)
            )
            if name == "subProcess":
                _collect(child, identity, shapes, flows)
        elif name == "sequenceFlow":
            flows.append(
                Flow(
                    child.get("id", ""),
                    child.get("sourceRef", ""),
                    child.get("targetRef", ""),
                    _condition(child),
                    child.sourceline or 0,
                )
            )


def _condition(flow: Any) -> str | None:
    for child in flow:
        if local_name(child) == "conditionExpression":
            return (child.text or "").strip()
    return None
