"""Calls between processes: they exist, declare what goes in and out where the library keeps it, and never call themselves.

Also what a called process lets escape: an error that nobody catches would silently complete the case (BPMN.md A8), and a message
waited for in two places would release both (A7).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import Finding, Message
from engine.runtime.gate.drawing import Drawing, Process, Shape, at, circles, reachable
from engine.runtime.reading import local_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_WAITING_KINDS = {"userTask", "manualTask", "receiveTask", "eventBasedGateway", "intermediateCatchEvent"}


def check_calls(drawings: list[Drawing], *, is_whole: bool) -> Iterator[Finding]:
    """Find calls that lead nowhere or in a circle, data declared on the wrong side, errors nobody catches, messages waited for twice."""
    processes = {process.id: process for drawing in drawings for process in drawing.processes}
    calls = {process.id: _calls(process) for process in processes.values()}
    ways = {name: tuple(shape.node.get("calledElement", "") for shape in found) for name, found in calls.items()}
    rings = circles({name: tuple(one for one in called if one in processes) for name, called in ways.items()})
    for process in processes.values():
        for shape in calls[process.id]:
            called = shape.node.get("calledElement", "")
            if (is_whole and called not in processes) or not called:
                yield at(
                    process,
                    shape,
                    "called-missing",
                    Message(f"没有流程“{called}”", f"There is no process {called!r} to call."),
                    Message("把它的图放进来", "Bring its drawing along."),
                )
            if any({process.id, called} <= ring for ring in rings):
                yield at(
                    process,
                    shape,
                    "call-recursion",
                    Message(f"{process.id} 调用到自己", f"{process.id} comes to call itself."),
                    Message("改用退回的流", "Draw a return instead."),
                )
            if any(local_name(child) == "ioSpecification" for child in shape.node):
                yield at(
                    process,
                    shape,
                    "call-data",
                    Message(
                        "调用活动上声明数据,其他数据会丢失",
                        "Data declared on the call make the caller lose all its other data.",
                    ),
                    Message("在被调用的流程里声明", "Declare them in the called process."),
                )
    yield from _errors(drawings, processes, calls)
    yield from _messages(drawings)
    yield from _one_id_each(drawings)


def _one_id_each(drawings: list[Drawing]) -> Iterator[Finding]:
    """Find shapes of two files with one id: due dates, audit and translations hang on it."""
    owner: dict[str, str] = {}
    for drawing in drawings:
        for process in drawing.processes:
            for shape in process.shapes.values():
                if owner.setdefault(shape.id, drawing.path) != drawing.path:
                    yield at(
                        process,
                        shape,
                        "duplicate-id",
                        Message(
                            f"标识 {shape.id} 在 {owner[shape.id]} 里已用过",
                            f"The id {shape.id} is used in {owner[shape.id]} too.",
                        ),
                        Message(
                            "一个流程的各张图里,每个标识只用一次", "Use each id once over all drawings of a process."
                        ),
                    )


def _calls(process: Process) -> list[Shape]:
    return [shape for shape in process.shapes.values() if shape.kind == "callActivity"]


def _errors(
    drawings: list[Drawing], processes: Mapping[str, Process], calls: Mapping[str, list[Shape]]
) -> Iterator[Finding]:
    for drawing in drawings:
        for process in drawing.processes:
            for shape in process.shapes.values():
                if shape.kind == "endEvent" and shape.event == "error":
                    code = drawing.name_of(shape.events[0][1].get("errorRef"))
                    if not _is_caught(_Thrown(drawings, processes, calls, code), process, shape.scope, frozenset()):
                        yield at(
                            process,
                            shape,
                            "uncaught-error",
                            Message(
                                f"没有人接住错误“{code}”,办件会直接办结",
                                f"Nobody catches the error {code!r}; the case would simply complete.",
                            ),
                            Message("在调用处画错误边界事件", "Draw an error boundary event on the call."),
                        )


class _Thrown:
    """An error on its way up."""

    def __init__(
        self,
        drawings: list[Drawing],
        processes: Mapping[str, Process],
        calls: Mapping[str, list[Shape]],
        code: str,
    ) -> None:
        self.drawings = {process.id: drawing for drawing in drawings for process in drawing.processes}
        self.processes = processes
        self.calls = calls
        self.code = code

    def caught_on(self, process: Process, host: str) -> bool:
        """Say whether a boundary event of a shape catches it."""
        drawing = self.drawings[process.id]
        for boundary in (process.shapes[name] for name in process.attached.get(host, ())):
            if boundary.event == "error":
                reference = boundary.events[0][1].get("errorRef")
                if reference is None or drawing.name_of(reference) == self.code:
                    return True
        return False


def _is_caught(thrown: _Thrown, process: Process, scope: str, seen: frozenset[str]) -> bool:
    while scope:
        if thrown.caught_on(process, scope):
            return True
        scope = process.shapes[scope].scope if scope in process.shapes else ""
    if process.id in seen:
        return True
    callers = [
        (caller, shape)
        for caller in thrown.processes.values()
        for shape in thrown.calls[caller.id]
        if shape.node.get("calledElement") == process.id
    ]
    return bool(callers) and all(
        thrown.caught_on(caller, shape.id) or _is_caught(thrown, caller, shape.scope, seen | {process.id})
        for caller, shape in callers
    )


def _messages(drawings: list[Drawing]) -> Iterator[Finding]:
    waiting: dict[str, str] = {}
    for drawing in drawings:
        for process in drawing.processes:
            for shape in process.shapes.values():
                if shape.event != "message" or shape.kind not in {"intermediateCatchEvent", "boundaryEvent"}:
                    continue
                name = drawing.name_of(shape.events[0][1].get("messageRef"))
                if name and name in waiting:
                    yield at(
                        process,
                        shape,
                        "message-twice",
                        Message(
                            f"消息“{name}”已在 {waiting[name]} 等待,一来两处都会放行",
                            f"{waiting[name]} waits for {name!r} too; one message would release both.",
                        ),
                        Message("每种含义用一个消息名", "Use one name per meaning."),
                    )
                waiting.setdefault(name, shape.id)


def waiting_in(processes: Mapping[str, Process]) -> Callable[[Shape], bool]:
    """Return what says whether a shape makes a case wait; a call waits where its process cannot be passed without waiting."""
    known: dict[str, bool] = {}

    def waits(shape: Shape) -> bool:
        if shape.kind == "callActivity":
            return passes_through(shape.node.get("calledElement", ""))
        if shape.kind == "boundaryEvent":
            return shape.event in {"timer", "message"}
        return shape.kind in _WAITING_KINDS

    def passes_through(name: str) -> bool:
        process = processes.get(name)
        if process is None:
            return True  # missing: another rule says so
        if name not in known:
            known[name] = True  # while a recursion is looked at
            resting = [shape.id for shape in process.shapes.values() if waits(shape)]
            free = reachable(process.ways, *(start.id for start in process.starts()), without=resting)
            ends = {shape.id for shape in process.shapes.values() if shape.kind == "endEvent" and not shape.scope}
            known[name] = not free & ends
        return known[name]

    return waits
