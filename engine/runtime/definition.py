"""A deployed process as the engine runs it: its drawing, parsed once, and what the drawing names.

Reading a definition parses and never executes (DESIGN.md §3.4). It is the only place the process comes from: a stored case holds
the definition's digest, not the process, so nothing read from a case row can become code. Whether a drawing may be deployed at all
is the gate's question; here only what cannot be read is refused.
"""

from __future__ import annotations

import ast
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zlib import crc32

from lxml import etree
from SpiffWorkflow.bpmn.parser.ValidationException import ValidationException
from SpiffWorkflow.bpmn.specs.control import BoundaryEventJoin
from SpiffWorkflow.bpmn.specs.event_definitions.simple import TerminateEventDefinition
from SpiffWorkflow.bpmn.specs.mixins.events.end_event import EndEvent
from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import BoundaryEvent
from SpiffWorkflow.bpmn.specs.mixins.inclusive_gateway import InclusiveGateway
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask

from engine.errors import BadDefinition, Finding, Message
from engine.people.levels import Level
from engine.runtime.decisions import Decision
from engine.runtime.dictionary import Dictionary
from engine.runtime.forms import Form
from engine.runtime.parameters import Parameters
from engine.runtime.reading import read_xml
from engine.runtime.specs import Clock, DecisionTask, DrawingParser, PersonTask

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.runtime.bundle import Bundle

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
SPIFF = "http://spiffworkflow.org/bpmn/schema/1.0/core"
_NAMESPACES = {"b": BPMN, "s": SPIFF}
_LANES = {level.lane: level for level in Level}
_TAKEN = frozenset({"Start", "End", "Root", "StartEventSplit", "StartEventJoin"})
_FLOW_NODE = ("Event", "Task", "task", "Activity", "subProcess", "Gateway")
"""How the tags of shapes end that a case can stand in."""


@dataclass(frozen=True, slots=True)
class Element:
    """A shape of the drawing: `kind` is its BPMN tag, `level` its lane's (None where the caller's lane counts)."""

    id: str
    name: str
    kind: str
    process_id: str
    level: Level | None
    properties: Mapping[str, str]
    documentation: str
    targets: tuple[str, ...]
    attached_to: str | None
    called: str | None


@dataclass(frozen=True)
class Definition:
    """One version of one process, immutable; `digest` names it.

    `forms` are by their name, `decisions` by the id a rule task calls; `diagrams` are the drawings' XML by process id.
    """

    digest: str
    process_id: str
    title: str
    bundle: Bundle
    elements: Mapping[str, Element]
    diagrams: Mapping[str, str]
    dictionary: Dictionary
    forms: Mapping[str, Form]
    decisions: Mapping[str, Decision]
    parameters: Parameters
    spec: Any = field(repr=False)
    called_specs: Mapping[str, Any] = field(repr=False)

    def undeclared(self, data: Mapping[str, Any]) -> list[str]:
        """Return the names in `data` that the data dictionary does not declare; a bundle without a dictionary declares all."""
        declared = self.dictionary.fields
        return sorted(name for name in data if name not in declared) if declared else []

    @classmethod
    def read(cls, bundle: Bundle) -> Definition:
        """Parse the bundle; raises BadDefinition where a file cannot be read or a reference leads nowhere."""
        parser = DrawingParser()
        elements: dict[str, Element] = {}
        diagrams: dict[str, str] = {}
        title = ""
        for path in sorted(bundle.files):
            if not path.endswith(".bpmn"):
                continue
            root = read_xml(path, bundle.files[path])
            _refuse_taken_names(path, root)
            for process in root.iterfind(f"{{{BPMN}}}process"):
                diagrams[process.get("id", "")] = bundle.files[path].decode("utf-8")
                elements.update(_elements(process))
                if process.get("id") == bundle.process_id:
                    title = _title(root, process)
            _parsed(path, parser.add_bpmn_xml, root.getroottree(), path)
        spec = _parsed(bundle.process_id, parser.get_spec, bundle.process_id)
        called = _parsed(bundle.process_id, parser.get_subprocess_specs, bundle.process_id)
        dictionary = _dictionary(bundle)
        forms = _forms(bundle, dictionary)
        decisions = _decisions(bundle)
        for one in (spec, *called.values()):
            _prepare(one)
            _bind(one, elements, forms, decisions)
        return cls(
            digest=bundle.digest,
            process_id=bundle.process_id,
            title=title,
            bundle=bundle,
            elements=elements,
            diagrams=diagrams,
            dictionary=dictionary,
            forms=forms,
            decisions=decisions,
            parameters=_parameters(bundle),
            spec=spec,
            called_specs=called,
        )


def _dictionary(bundle: Bundle) -> Dictionary:
    path = f"{bundle.process_id}.dictionary.json"
    stored = bundle.files.get(path)
    return Dictionary(bundle.process_id, {}) if stored is None else Dictionary.read(stored, path)


def _forms(bundle: Bundle, dictionary: Dictionary) -> dict[str, Form]:
    """Read every form; a task names its form alone, so two processes of a bundle may not use one name for two forms."""
    forms: dict[str, Form] = {}
    for path, stored in bundle.files.items():
        if not (path.startswith("forms/") and path.endswith(".json")):
            continue
        form = Form.read_file(path, stored, dictionary)
        if form.name in forms:
            zh, en = f"表单名“{form.name}”用了两次", f"The form name {form.name!r} is used twice."
            raise BadDefinition([Finding(path, 0, form.name, "form-name", Message(zh, en))])
        forms[form.name] = form
    return forms


def _decisions(bundle: Bundle) -> dict[str, Decision]:
    read = (Decision.read(stored, path) for path, stored in bundle.files.items() if path.endswith(".dmn"))
    return {decision.id: decision for decision in read}


def _parameters(bundle: Bundle) -> Parameters:
    path = f"parameters/{bundle.process_id}.json"
    stored = bundle.files.get(path)
    return Parameters({}) if stored is None else Parameters.read(stored, path)


def _unreadable(path: str, line: int, reason: str) -> BadDefinition:
    return BadDefinition(
        [Finding(path, line, "", "unreadable", Message(f"文件无法读取:{reason}", f"The file cannot be read: {reason}"))]
    )


def _refuse_taken_names(path: str, root: Any) -> None:
    """Raise BadDefinition for ids under which the library keeps shapes of its own: it would silently run those instead."""
    findings = [
        Finding(
            path,
            node.sourceline,
            node.get("id"),
            "taken-id",
            Message(f"标识 {node.get('id')} 为引擎保留", f"The id {node.get('id')} is taken by the engine itself"),
            Message("请改用其他标识", "Choose another id."),
        )
        for node in root.iterfind(f".//{{{BPMN}}}*[@id]")
        if node.get("id") in _TAKEN or "." in node.get("id") or "[" in node.get("id")
    ]
    if findings:
        raise BadDefinition(findings)


def _parsed(path: str, parse: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return parse(*arguments)
    except ValidationException as error:
        raise _unreadable(error.file_name or path, error.line_number or 0, str(error)) from error


def _title(root: Any, process: Any) -> str:
    """Return what the pool is called, or else the process."""
    for participant in root.iterfind(f"{{{BPMN}}}collaboration/{{{BPMN}}}participant"):
        if participant.get("processRef") == process.get("id") and participant.get("name"):
            return str(participant.get("name"))
    return str(process.get("name") or process.get("id") or "")


def _elements(process: Any) -> dict[str, Element]:
    lanes = {
        reference.text: lane.get("name")
        for lane in process.iterfind(f".//{{{BPMN}}}lane")
        for reference in lane.iterfind(f"{{{BPMN}}}flowNodeRef")
    }
    targets: dict[str, list[str]] = {}
    for flow in process.iterfind(f".//{{{BPMN}}}sequenceFlow"):
        targets.setdefault(flow.get("sourceRef"), []).append(flow.get("targetRef"))
    found: dict[str, Element] = {}
    for node in process.iter(f"{{{BPMN}}}*"):
        kind = etree.QName(node).localname
        if not kind.endswith(_FLOW_NODE):
            continue
        identity = node.get("id")
        properties = node.xpath("b:extensionElements/s:properties/s:property", namespaces=_NAMESPACES)
        found[identity] = Element(
            id=identity,
            name=node.get("name") or "",
            kind=kind,
            process_id=process.get("id"),
            level=_LANES.get(lanes.get(identity, "")),
            properties={one.get("name"): one.get("value", "") for one in properties},
            documentation="".join(node.xpath("b:documentation/text()", namespaces=_NAMESPACES)).strip(),
            targets=tuple(targets.get(identity, ())),
            attached_to=node.get("attachedToRef"),
            called=node.get("calledElement"),
        )
    return found


def _prepare(spec: Any) -> None:
    """Make a parsed process fit to be shared by all its cases: nothing of it may change while one of them runs."""
    spec.shapes = tuple(sorted(spec.task_specs))
    spec.numbers = {name: number for number, name in enumerate(spec.shapes)}
    spec.fingerprint = crc32("\n".join(spec.shapes).encode())
    spec.always_terminates = _always_terminates(spec)
    spec.looks_ahead = any(
        isinstance(task_spec, InclusiveGateway) and len(task_spec.inputs) > 1 for task_spec in spec.task_specs.values()
    )
    for task_spec in spec.task_specs.values():
        if isinstance(task_spec, LoopTask):
            # The library connects this when the first case gets there; a case restored in a new process would miss it.
            spec.task_specs[task_spec.task_spec].completed_event.connect(task_spec.merge_child)
        definition = getattr(task_spec, "event_definition", None)
        for clock in (definition, *getattr(definition, "event_definitions", ())):
            if isinstance(clock, Clock):
                clock.limit_days = _limit_days(clock.expression)


def _always_terminates(spec: Any) -> bool:
    """Say whether every way from the start ends in a terminate end, but for what non-interrupting events open beside it."""
    seen = set()
    waiting = [spec.start]
    while waiting:
        task_spec = waiting.pop()
        if task_spec.name in seen or (isinstance(task_spec, BoundaryEvent) and not task_spec.cancel_activity):
            continue
        seen.add(task_spec.name)
        if isinstance(task_spec, EndEvent):
            if not isinstance(task_spec.event_definition, TerminateEventDefinition):
                return False
        elif not task_spec.outputs and not isinstance(task_spec, BoundaryEventJoin):
            return False
        else:
            waiting.extend(task_spec.outputs)
    return spec.end.name not in seen


def _bind(
    spec: Any, elements: Mapping[str, Element], forms: Mapping[str, Form], decisions: Mapping[str, Decision]
) -> None:
    """Give each shape what it names beyond the drawing; raises BadDefinition for a name that leads nowhere."""
    findings = []
    for task_spec in spec.task_specs.values():
        if isinstance(task_spec, PersonTask) and task_spec.bpmn_id in elements:
            name = elements[task_spec.bpmn_id].properties.get("form", "")
            if name in forms:
                task_spec.reset_fields = forms[name].reset_fields
            elif name:
                findings.append(_nowhere(task_spec, "form", f"表单“{name}”", f"the form {name!r}"))
        elif isinstance(task_spec, DecisionTask) and task_spec.decision_id not in decisions:
            name = task_spec.decision_id
            findings.append(_nowhere(task_spec, "decision", f"决策表“{name}”", f"the decision {name!r}"))
    if findings:
        raise BadDefinition(findings)


def _nowhere(task_spec: Any, rule: str, zh: str, en: str) -> Finding:
    return Finding(
        task_spec._wf_spec.file or "",  # noqa: SLF001
        0,
        task_spec.bpmn_id,
        f"{rule}-missing",
        Message(f"引用了不存在的{zh}", f"It names {en}, which is not part of the bundle."),
    )


def _limit_days(expression: str) -> int | None:
    """Return n where a clock says workdays(n) with a plain number."""
    try:
        call = ast.parse(expression, mode="eval").body
    except SyntaxError:
        return None
    if (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "workdays"
        and len(call.args) == 1
    ):
        days = call.args[0]
        if isinstance(days, ast.Constant) and type(days.value) is int:
            return days.value
    return None


_CACHE_SIZE = 64
_cache: OrderedDict[str, Definition] = OrderedDict()
_cache_lock = threading.Lock()


def definition_for(digest: str, load: Callable[[], Bundle]) -> Definition:
    """Return the definition with this digest, parsing what `load` gives only if no case of this process run met it yet.

    Raises ValueError if what was loaded has another digest: a version never changes under its name.
    """
    with _cache_lock:
        found = _cache.get(digest)
        if found is not None:
            _cache.move_to_end(digest)
            return found
    bundle = load()
    if bundle.digest != digest:
        raise ValueError(f"Expected the definition {digest}, found {bundle.digest}")
    definition = Definition.read(bundle)
    with _cache_lock:
        _cache[digest] = definition
        while len(_cache) > _CACHE_SIZE:
            _cache.popitem(last=False)
    return definition
