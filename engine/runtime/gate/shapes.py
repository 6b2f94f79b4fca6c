"""Which shapes and events may be drawn, and how: everything else the library would leave out or run differently (BPMN.md A)."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from engine.errors import EngineError, Finding, Message
from engine.runtime.expressions import LARGEST_NUMBER, Refused, assignments, parse, read
from engine.runtime.gate.drawing import SHAPES, Drawing, Process, Shape, at, finding
from engine.runtime.reading import ID, local_name

if TYPE_CHECKING:
    from collections.abc import Iterator

TAKEN = frozenset({"Start", "End", "Root", "StartEventSplit", "StartEventJoin"})
"""Ids under which the library keeps shapes of its own."""
_RUN = frozenset(
    {
        *("userTask", "serviceTask", "businessRuleTask", "callActivity", "subProcess", "sendTask"),
        *("startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent"),
        *("exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway"),
    }
)
_BESIDE = frozenset(
    {
        *("documentation", "extensionElements", "ioSpecification", "laneSet", "sequenceFlow", "textAnnotation"),
        *("association", "group", "incoming", "outgoing", "multiInstanceLoopCharacteristics", ""),
        *("standardLoopCharacteristics",),
    }
)
_EVENTS = {
    "startEvent": {""},
    "endEvent": {"", "terminate", "escalation", "error", "message"},
    "intermediateCatchEvent": {"timer", "message"},
    "intermediateThrowEvent": {"", "message", "escalation"},
    "boundaryEvent": {"timer", "message", "error", "escalation"},
}
_SPECIAL = {
    "compensate": ("compensation", "补偿", "compensation"),
    "link": ("link", "链接事件", "a link event"),
    "conditional": ("conditional", "条件事件", "a conditional event"),
}
_LONGEST_LIMIT = 3660


def check_shapes(drawing: Drawing) -> Iterator[Finding]:
    """Find ids, shapes, events, clocks and scripts that would not run as drawn."""
    yield from _ids(drawing)
    for process in drawing.processes:
        yield from _strangers(process, process.node)
        for scope in ("", *(one.id for one in process.shapes.values() if one.kind == "subProcess")):
            yield from _one_start(process, scope)
        for shape in process.shapes.values():
            yield from _shape(drawing, process, shape)


def _ids(drawing: Drawing) -> Iterator[Finding]:
    seen: set[str] = set()
    for node in drawing.root.iter():
        name = local_name(node)
        identity = node.get("id") if name else None
        if identity is None:
            if name in SHAPES or name in {"process", "sequenceFlow"}:
                yield finding(
                    drawing.path,
                    node.sourceline,
                    "",
                    "missing-id",
                    Message(f"{name} 没有标识", f"The {name} has no id."),
                    Message("给它一个标识", "Give it an id."),
                )
            continue
        if node.tag.startswith("{http://spiffworkflow.org/"):
            continue  # names of operators and parameters, not of elements
        shown = identity[:80]
        if not ID.match(identity):
            yield finding(
                drawing.path,
                node.sourceline,
                shown,
                "bad-id",
                Message(f"标识“{shown}”不合规则", f"The id {shown!r} is odd."),
                Message("用字母开头,只用字母、数字、_ . -,最多 64 个", "Use letters, digits, _ . - only, 64 at most."),
            )
        elif name in SHAPES and (identity in TAKEN or "." in identity):
            yield finding(
                drawing.path,
                node.sourceline,
                shown,
                "taken-id",
                Message(f"标识 {shown} 为引擎保留", f"The id {shown} is taken by the engine itself."),
                Message("请改用其他标识", "Choose another id."),
            )
        if identity in seen:
            yield finding(
                drawing.path,
                node.sourceline,
                shown,
                "duplicate-id",
                Message(f"标识 {shown} 用了两次", f"The id {shown} is used twice."),
                Message("每个标识只用一次", "Use each id once."),
            )
        seen.add(identity)


def _strangers(process: Process, node: Any) -> Iterator[Finding]:
    for child in node:
        name = local_name(child)
        if name in _RUN:
            if name == "subProcess":
                yield from _strangers(process, child)
        elif name == "scriptTask":
            yield _found(
                process,
                child,
                "script-task",
                "脚本任务",
                "a script task",
                "改用决策表或赋值",
                "Use a table or an assignment.",
            )
        elif name not in _BESIDE:
            yield _found(
                process,
                child,
                "not-run",
                f"引擎不执行的元素 {name}",
                f"{name}, which the engine does not run",
                "删去它",
                "Remove it.",
            )


def _found(process: Process, node: Any, rule: str, zh: str, en: str, zh_remedy: str, en_remedy: str) -> Finding:
    return finding(
        process.path,
        node.sourceline,
        node.get("id", "") or "",
        rule,
        Message(f"图中有{zh}", f"The drawing has {en}."),
        Message(zh_remedy, en_remedy),
    )


def _one_start(process: Process, scope: str) -> Iterator[Finding]:
    starts = process.starts(scope)
    if len(starts) == 1:
        return
    line = process.shapes[scope].line if scope else process.line
    yield finding(
        process.path,
        starts[1].line if starts else line,
        starts[1].id if starts else scope or process.id,
        "one-start",
        Message(f"应有一个开始事件,现有 {len(starts)} 个", f"One start event is expected; there are {len(starts)}."),
        Message("只留一个开始事件", "Draw exactly one start event."),
    )


def _shape(drawing: Drawing, process: Process, shape: Shape) -> Iterator[Finding]:
    yield from _markers(process, shape)
    yield from _event(drawing, process, shape)
    for name in ("preScript", "postScript"):
        yield from _script(process, shape, name)
    if "variableName" in shape.extensions:
        yield at(
            process,
            shape,
            "variable-name",
            Message(
                "表单内容放进了一个变量", "The form lands in one variable, which the data dictionary cannot declare."
            ),
            Message("删去 variableName,各步骤用不同的名称", "Remove variableName; give each step its own names."),
        )


def _markers(process: Process, shape: Shape) -> Iterator[Finding]:
    if shape.node.get("triggeredByEvent") == "true":
        yield at(
            process,
            shape,
            "event-sub-process",
            Message("事件子流程不会打断主流程", "An event sub-process runs beside the flow and never interrupts it."),
            Message("改用边界事件,或由引擎办理", "Use a boundary event, or a verb of the engine."),
        )
    if shape.node.get("isForCompensation") == "true":
        yield _special(process, shape, "compensate")
    if shape.repetition is not None:
        yield from _repetition(process, shape)


def _special(process: Process, shape: Shape, kind: str) -> Finding:
    rule, zh, en = _SPECIAL[kind]
    return at(
        process,
        shape,
        rule,
        Message(f"引擎不执行{zh}", f"The engine does not run {en}."),
        Message("用网关和普通步骤画出来", "Draw it with gateways and ordinary steps."),
    )


def _repetition(process: Process, shape: Shape) -> Iterator[Finding]:
    loop = shape.repetition
    if local_name(loop) != "multiInstanceLoopCharacteristics":
        yield at(
            process,
            shape,
            "loop-marker",
            Message("循环标记不会按图执行", "A loop marker would not run as drawn."),
            Message("用网关画出循环", "Draw the loop with a gateway."),
        )
        return
    parts = {local_name(child): child for child in loop}
    output = (getattr(parts.get("loopDataOutputRef"), "text", "") or "").strip()
    condition = (getattr(parts.get("completionCondition"), "text", "") or "").strip()
    if output and output not in _assigned(shape.script("preScript")):
        yield at(
            process,
            shape,
            "votes-not-emptied",
            Message(
                f"第二轮开始时“{output}”里还有上一轮的结果",
                f"In a second round {output!r} would still hold the first one's.",
            ),
            Message(f"在 preScript 里写 {output} = {{}}", f"Write {output} = {{}} in the preScript."),
        )
    if condition:
        try:
            names = read(condition).names
        except Refused as error:
            yield at(
                process,
                shape,
                "condition",
                Message(f"完成条件不能识别:{error}", f"The completion condition is not in the language: {error}"),
                Message("只用名称、比较和算术", "Use names, comparisons and arithmetic only."),
            )
            return
        if output and output in names:
            yield at(
                process,
                shape,
                "completion-condition",
                Message(f"完成条件看不到全部的“{output}”", f"The completion condition cannot see all of {output!r}."),
                Message(
                    "条件只看本人的一票,结果由后面的决策表判定", "Look at one's own vote; let a table judge the result."
                ),
            )


def _assigned(script: str) -> set[str]:
    try:
        return {name for name, _ in assignments(script)}
    except EngineError:
        return set()  # another rule says so


def _event(drawing: Drawing, process: Process, shape: Shape) -> Iterator[Finding]:
    allowed = _EVENTS.get(shape.kind)
    if allowed is None:
        return
    if len(shape.events) > 1:
        yield at(
            process,
            shape,
            "several-events",
            Message("一个事件里有几个定义", "One event holds several definitions."),
            Message("每个事件只留一个定义", "Keep one definition per event."),
        )
        return
    kind = shape.event
    if kind in _SPECIAL:
        yield _special(process, shape, kind)
    elif kind not in allowed:
        yield at(
            process,
            shape,
            "event-kind",
            Message(
                f"{shape.kind} 不能是“{kind or '空'}”事件", f"A {shape.kind} cannot be a {kind or 'plain'} event here."
            ),
            Message("改用引擎执行的事件", "Use an event that the engine runs."),
        )
    elif kind == "timer":
        yield from _clock(process, shape)
    elif kind in {"message", "error", "escalation"}:
        yield from _reference(drawing, process, shape, kind)


def _clock(process: Process, shape: Shape) -> Iterator[Finding]:
    definition = shape.events[0][1]
    kinds = {
        local_name(child): (child.text or "").strip() for child in definition if local_name(child).startswith("time")
    }
    other = sorted(set(kinds) - {"timeDate"})
    if other:
        yield at(
            process,
            shape,
            "timer-kind",
            Message(
                f"{other[0]} 按服务器时钟计算,不认工作日",
                f"{other[0]} counts by the wall clock and knows no working days.",
            ),
            Message("改为 timeDate,写 workdays(n)", "Use a timeDate with workdays(n)."),
        )
        return
    text = kinds.get("timeDate", "")
    if not _is_period(text):
        yield at(
            process,
            shape,
            "timer-date",
            Message(f"时钟写的是“{text[:60]}”", f"The clock says {text[:60]!r}."),
            Message("只写 workdays(n) 或 notice_end(n)", "Write workdays(n) or notice_end(n) only."),
        )
    elif shape.kind == "boundaryEvent" and shape.is_interrupting:
        yield at(
            process,
            shape,
            "clock-interrupts",
            Message("期限一到任务就被取消", "When the period lapses, the clock would take the task away."),
            Message("边界时钟不打断任务,通向督办", "Draw a non-interrupting clock that leads to an escalation."),
        )


def _is_period(text: str) -> bool:
    try:
        body = parse(text).body
    except Refused:
        return False
    if not isinstance(body, ast.Call) or not isinstance(body.func, ast.Name) or len(body.args) != 1:
        return False
    if body.func.id not in {"workdays", "notice_end"}:
        return False
    days = body.args[0]
    if isinstance(days, ast.Constant):
        return type(days.value) is int and 0 < days.value <= min(_LONGEST_LIMIT, LARGEST_NUMBER)
    return isinstance(days, ast.Name) or (
        isinstance(days, ast.Call) and isinstance(days.func, ast.Name) and days.func.id == "parameter"
    )


def _reference(drawing: Drawing, process: Process, shape: Shape, kind: str) -> Iterator[Finding]:
    definition = shape.events[0][1]
    if not drawing.name_of(definition.get(f"{kind}Ref")):
        if kind != "message" and definition.get(f"{kind}Ref") is None and shape.kind == "boundaryEvent":
            return  # catches every code
        yield at(
            process,
            shape,
            "reference",
            Message(f"事件没有指明是哪一个{_WORDS[kind]}", f"The event names no {kind} that the file declares."),
            Message("声明并引用它", "Declare it and refer to it."),
        )
        return
    catches = shape.kind in {"intermediateCatchEvent", "boundaryEvent"}
    if kind == "message" and catches and not message_variable(shape):
        yield at(
            process,
            shape,
            "message-variable",
            Message("消息没有写变量,内容会丢失", "The message names no variable; what it carries would be lost."),
            Message("写上 messageVariable", "Name a messageVariable."),
        )


_WORDS = {"message": "消息", "error": "错误", "escalation": "升级"}


def message_variable(shape: Shape) -> str:
    """Return the name under which a message's payload is kept."""
    for element in shape.node.iter():
        if local_name(element) == "messageVariable":
            return (element.text or "").strip()
    return ""


def _script(process: Process, shape: Shape, name: str) -> Iterator[Finding]:
    text = shape.script(name)
    try:
        for _, expression in assignments(text):
            read(expression)
    except (EngineError, Refused) as error:
        yield at(
            process,
            shape,
            "script",
            Message(f"{name} 不是简单的赋值:{error}", f"The {name} is not a plain assignment: {error}"),
            Message("每行写一个 name = expression", "Write lines of the form name = expression."),
        )
