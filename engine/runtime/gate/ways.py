"""How a case moves through the drawing: no loose arrow, no shape nobody reaches, no circle that never waits, no lost waiting end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import Finding, Message
from engine.runtime.gate.drawing import ACTIVITIES, DONE, Process, Shape, at, circles, reachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NO_WAY_ON = {"endEvent", "subProcess"}
_NO_FLOW_IN = {"startEvent", "boundaryEvent"}


def check_ways(process: Process, waits: Callable[[Shape], bool]) -> Iterator[Finding]:
    """Find loose flows, shapes nobody reaches or leaves, gateways that cannot wait, and circles without a wait.

    `waits` says whether a shape makes a case wait for somebody or something.
    """
    yield from _flows(process)
    yield from _boundaries(process)
    yield from _reach(process)
    for shape in process.shapes.values():
        if shape.kind == "eventBasedGateway":
            yield from _event_gateway(process, shape)
    yield from _clock_branches(process)
    yield from _automatic_loops(process, waits)


def _flows(process: Process) -> Iterator[Finding]:
    for flow in process.flows:
        source, target = process.shapes.get(flow.source), process.shapes.get(flow.target)
        if source is None or target is None:
            missing = flow.source if source is None else flow.target
            yield at(
                process,
                flow,
                "dangling-flow",
                Message(
                    f"流的一端“{missing[:40]}”不存在",
                    f"The flow leads to or from {missing[:40]!r}, which is not there.",
                ),
                Message("把两端都接上", "Connect both ends."),
            )
        elif source.scope != target.scope or target.kind in _NO_FLOW_IN or source.kind == "endEvent":
            yield at(
                process,
                flow,
                "dangling-flow",
                Message(
                    "流进入开始或边界事件、离开结束事件,或越过子流程的边界",
                    "The flow enters a start, leaves an end or crosses a border.",
                ),
                Message("改接到同一范围内的步骤", "Connect steps of the same process."),
            )


def _boundaries(process: Process) -> Iterator[Finding]:
    for shape in process.shapes.values():
        host = process.shapes.get(shape.attached_to)
        if shape.kind == "boundaryEvent" and (host is None or host.kind not in ACTIVITIES):
            yield at(
                process,
                shape,
                "boundary",
                Message("边界事件没有附在任务上", "The boundary event sits on no activity."),
                Message("附到任务、子流程或调用活动上", "Attach it to a task, sub-process or call."),
            )


def _reach(process: Process) -> Iterator[Finding]:
    reached = reachable(process.ways, *(start.id for start in process.starts()))
    for shape in process.shapes.values():
        if shape.id not in reached:
            yield at(
                process,
                shape,
                "unreachable",
                Message(f"从开始走不到“{shape.name or shape.id}”", f"Nothing leads from the start to {shape.id}."),
                Message("接上它,或删去它", "Connect it or remove it."),
            )
        onward = process.ways.get(shape.id + DONE if shape.kind == "subProcess" else shape.id, ())
        on_it = set(process.attached.get(shape.id, ()))
        if shape.kind != "endEvent" and not [target for target in onward if target not in on_it]:
            yield at(
                process,
                shape,
                "dead-end",
                Message(f"“{shape.name or shape.id}”之后没有去处", f"Nothing follows {shape.id}, and it is no end."),
                Message("接到下一步或结束事件", "Connect it to the next step or an end."),
            )


def _event_gateway(process: Process, gateway: Shape) -> Iterator[Finding]:
    targets = [process.shapes[flow.target] for flow in process.out_of(gateway)]
    clocks = [target for target in targets if target.event == "timer"]
    if len(clocks) > 1:
        yield at(
            process,
            clocks[1],
            "two-timers",
            Message(
                "同一个事件网关后有两个时钟,第二个不会响", "Behind one event gateway the second clock never rings."
            ),
            Message("只留一个时钟", "Keep one clock."),
        )
    for target in targets:
        if target.kind != "intermediateCatchEvent" or len(process.incoming.get(target.id, ())) != 1:
            yield at(
                process,
                target,
                "event-gateway",
                Message(
                    "事件网关之后只能是只由它进入的捕获事件",
                    "Behind an event gateway stand catch events that only it leads to.",
                ),
                Message("改为消息或时钟事件", "Draw a message or clock event there."),
            )


def _clock_branches(process: Process) -> Iterator[Finding]:
    main = reachable(process.main_ways, *(start.id for start in process.starts()))
    for shape in process.shapes.values():
        if shape.kind != "boundaryEvent" or shape.is_interrupting:
            continue
        back = main & reachable(process.ways, shape.id)
        if back - {shape.id}:
            first = min(back - {shape.id})
            yield at(
                process,
                shape,
                "clock-rejoins",
                Message(
                    f"不打断的事件又回到主流程的 {first},任务会出现两次",
                    f"A second token would reach {first} on the main way.",
                ),
                Message("让它通向自己的结束事件", "Let it lead to an end of its own."),
            )


def _automatic_loops(process: Process, waits: Callable[[Shape], bool]) -> Iterator[Finding]:
    resting = {shape.id for shape in process.shapes.values() if waits(shape)}
    running = {
        place: tuple(target for target in targets if target not in resting)
        for place, targets in process.ways.items()
        if place not in resting
    }
    for circle in circles(running):
        members = sorted(
            (process.shapes[place] for place in circle if place in process.shapes), key=lambda one: one.line
        )
        if members:
            yield at(
                process,
                members[0],
                "automatic-loop",
                Message("有一圈步骤不等任何人,会一直转下去", "These steps run in a circle and wait for nobody."),
                Message("在圈里放一个任务或等待事件", "Put a task or a waiting event into the circle."),
            )
