# ruff: noqa: A002 (an id is called id)
"""Draws small processes for tests in one line per shape, so that a test shows the whole drawing it speaks about."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:spiffworkflow="http://spiffworkflow.org/bpmn/schema/1.0/core" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" id="D_{id}" targetNamespace="urn:test">\n'
)


@dataclass
class Sketch:
    """One process; shapes and flows are added by the methods, `xml()` gives the file."""

    id: str
    lanes: dict[str, list[str]] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._shapes: list[tuple[str, str, str, str, str]] = []
        self._flows: list[tuple[str, str, str, str | None]] = []
        self._defaults: dict[str, str] = {}
        self._messages: dict[str, None] = {}
        self._escalations: dict[str, None] = {}

    def shape(self, tag: str, id: str, attributes: str = "", extension: str = "", content: str = "") -> Sketch:
        self._shapes.append((tag, id, attributes, extension, content))
        return self

    def start(self, id: str = "S") -> Sketch:
        return self.shape("startEvent", id)

    def user(
        self, id: str, pre: str = "", post: str = "", properties: dict[str, str] | None = None, loop: str = ""
    ) -> Sketch:
        return self.shape("userTask", id, extension=_properties(properties) + _scripts(pre, post), content=loop)

    def script(self, id: str, post: str) -> Sketch:
        """An automatic step that assigns: the library's own script task."""
        return self.shape("scriptTask", id, content=f"<bpmn:script>{escape(post)}</bpmn:script>")

    def service(self, id: str, operator: str, parameters: dict[str, str] | None = None) -> Sketch:
        inner = "".join(
            f'<spiffworkflow:parameter id="{name}" type="str" value="{escape(value, quote=True)}"/>'
            for name, value in (parameters or {}).items()
        )
        return self.shape(
            "serviceTask",
            id,
            extension=f'<spiffworkflow:serviceTaskOperator id="{operator}"><spiffworkflow:parameters>{inner}'
            "</spiffworkflow:parameters></spiffworkflow:serviceTaskOperator>",
        )

    def rule(self, id: str, decision: str) -> Sketch:
        return self.shape(
            "businessRuleTask",
            id,
            extension=f"<spiffworkflow:calledDecisionId>{decision}</spiffworkflow:calledDecisionId>",
        )

    def call(self, id: str, process: str, pre: str = "", post: str = "", loop: str = "") -> Sketch:
        return self.shape("callActivity", id, f'calledElement="{process}"', _scripts(pre, post), loop)

    def gateway(self, id: str, kind: str = "exclusive") -> Sketch:
        return self.shape(f"{kind}Gateway" if kind != "event" else "eventBasedGateway", id)

    def clock(self, id: str, on: str, when: str = "workdays(10)", *, interrupting: bool = False) -> Sketch:
        return self.shape(
            "boundaryEvent",
            id,
            f'attachedToRef="{on}" cancelActivity="{str(interrupting).lower()}"',
            content=_timer(id, when),
        )

    def boundary_message(self, id: str, on: str, message: str, variable: str, *, interrupting: bool) -> Sketch:
        return self.shape(
            "boundaryEvent",
            id,
            f'attachedToRef="{on}" cancelActivity="{str(interrupting).lower()}"',
            content=self._message(id, message, variable),
        )

    def catch_clock(self, id: str, when: str = "workdays(10)") -> Sketch:
        return self.shape("intermediateCatchEvent", id, content=_timer(id, when))

    def catch_message(self, id: str, message: str, variable: str) -> Sketch:
        return self.shape("intermediateCatchEvent", id, content=self._message(id, message, variable))

    def end(self, id: str, kind: str = "") -> Sketch:
        content = ""
        if kind == "terminate":
            content = f'<bpmn:terminateEventDefinition id="{id}_td"/>'
        elif kind == "escalation":
            self._escalations[f"{id}_code"] = None
            content = f'<bpmn:escalationEventDefinition id="{id}_ed" escalationRef="{id}_code"/>'
        elif kind == "message":
            content = self._message(id, f"{id}_told", "")
        return self.shape("endEvent", id, content=content)

    def flow(self, *path: str, when: str | None = None, default: bool = False) -> Sketch:
        for source, target in pairwise(path):
            name = f"F{len(self._flows)}_{self.id}"
            self._flows.append((name, source, target, when))
            if default:
                self._defaults[source] = name
        return self

    def _message(self, id: str, message: str, variable: str) -> str:
        self._messages[message] = None
        inner = (
            f"<bpmn:extensionElements><spiffworkflow:messageVariable>{variable}</spiffworkflow:messageVariable>"
            "</bpmn:extensionElements>"
            if variable
            else ""
        )
        return (
            f'<bpmn:messageEventDefinition id="{id}_md" messageRef="M_{message}">{inner}</bpmn:messageEventDefinition>'
        )

    def sub(self, id: str, inner: Sketch) -> Sketch:
        """Embed another sketch as a sub-process."""
        self._messages |= inner._messages
        self._escalations |= inner._escalations
        return self.shape("subProcess", id, content="".join(inner._body()))

    def xml(self) -> bytes:
        parts = [_HEAD.format(id=self.id)]
        parts += [f'<bpmn:message id="M_{message}" name="{message}"/>' for message in self._messages]
        parts += [f'<bpmn:escalation id="{code}" escalationCode="{code}" name="{code}"/>' for code in self._escalations]
        parts.append(f'<bpmn:process id="{self.id}" name="{self.id}" isExecutable="true">')
        parts += self._body()
        parts.append("</bpmn:process></bpmn:definitions>")
        return "\n".join(parts).encode()

    def _body(self) -> list[str]:
        parts = []
        if self.inputs or self.outputs:
            parts.append("<bpmn:ioSpecification>")
            parts += [f'<bpmn:dataInput id="{name}"/>' for name in self.inputs]
            parts += [f'<bpmn:dataOutput id="{name}"/>' for name in self.outputs]
            parts.append("<bpmn:inputSet>")
            parts += [f"<bpmn:dataInputRefs>{name}</bpmn:dataInputRefs>" for name in self.inputs]
            parts.append("</bpmn:inputSet><bpmn:outputSet>")
            parts += [f"<bpmn:dataOutputRefs>{name}</bpmn:dataOutputRefs>" for name in self.outputs]
            parts.append("</bpmn:outputSet></bpmn:ioSpecification>")
        if self.lanes:
            parts.append(f'<bpmn:laneSet id="LS_{self.id}">')
            for number, (lane, members) in enumerate(self.lanes.items()):
                inner = "".join(f"<bpmn:flowNodeRef>{member}</bpmn:flowNodeRef>" for member in members)
                parts.append(f'<bpmn:lane id="L{number}_{self.id}" name="{lane}">{inner}</bpmn:lane>')
            parts.append("</bpmn:laneSet>")
        for tag, name, attributes, extension, content in self._shapes:
            default = f' default="{self._defaults[name]}"' if name in self._defaults else ""
            inner = f"<bpmn:extensionElements>{extension}</bpmn:extensionElements>" if extension else ""
            parts.append(f'<bpmn:{tag} id="{name}" name="{name}" {attributes}{default}>{inner}{content}</bpmn:{tag}>')
        for name, source, target, when in self._flows:
            condition = (
                f'<bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">{escape(when)}</bpmn:conditionExpression>'
                if when
                else ""
            )
            parts.append(
                f'<bpmn:sequenceFlow id="{name}" sourceRef="{source}" targetRef="{target}">{condition}</bpmn:sequenceFlow>'
            )
        return parts


def votes(parallel: bool = True, condition: str = "", key: str = "", items: str = "signers") -> str:
    """A multi-instance over `items` whose answers `vote` are collected in `votes` (all three with `key` behind)."""
    ending = f"<bpmn:completionCondition>{escape(condition)}</bpmn:completionCondition>" if condition else ""
    return (
        f'<bpmn:multiInstanceLoopCharacteristics isSequential="{str(not parallel).lower()}">'
        f"<bpmn:loopDataInputRef>{items}</bpmn:loopDataInputRef><bpmn:loopDataOutputRef>votes{key}</bpmn:loopDataOutputRef>"
        f'<bpmn:inputDataItem id="signer{key}" name="signer"/><bpmn:outputDataItem id="vote{key}" name="vote"/>'
        f"{ending}</bpmn:multiInstanceLoopCharacteristics>"
    )


@dataclass(frozen=True)
class SketchBundle:
    """The files of some sketches under one digest, as the engine expects a bundle."""

    process_id: str
    files: dict[str, bytes]

    @property
    def digest(self) -> str:
        whole = hashlib.sha256()
        for path in sorted(self.files):
            whole.update(path.encode() + b"\0" + hashlib.sha256(self.files[path]).digest())
        return whole.hexdigest()


def bundle(main: Sketch, *called: Sketch, **files: bytes) -> SketchBundle:
    return SketchBundle(main.id, {f"{one.id}.bpmn": one.xml() for one in (main, *called)} | files)


def _timer(id: str, when: str) -> str:
    return (
        f'<bpmn:timerEventDefinition id="{id}_td"><bpmn:timeDate xsi:type="bpmn:tFormalExpression">{escape(when)}'
        "</bpmn:timeDate></bpmn:timerEventDefinition>"
    )


def _scripts(pre: str, post: str) -> str:
    return (f"<spiffworkflow:preScript>{escape(pre)}</spiffworkflow:preScript>" if pre else "") + (
        f"<spiffworkflow:postScript>{escape(post)}</spiffworkflow:postScript>" if post else ""
    )


def _properties(properties: dict[str, str] | None) -> str:
    if not properties:
        return ""
    inner = "".join(f'<spiffworkflow:property name="{name}" value="{value}"/>' for name, value in properties.items())
    return f"<spiffworkflow:properties>{inner}</spiffworkflow:properties>"
