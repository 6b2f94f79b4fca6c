"""Forks and joins: every fork that is joined is joined once, by all its branches, and never inside a return loop.

The library's joins look at finished tasks of earlier rounds (BPMN.md A11): inside a loop they go on too early. Outside of loops they
are right if each branch of a fork comes to its join by exactly one flow. A fork that is never joined (the waiting withdrawal of BPMN.md C2)
is fine where its branches never meet and every end on them terminates the case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import Finding, Message
from engine.runtime.gate.drawing import Process, Shape, at, circles, reachable

if TYPE_CHECKING:
    from collections.abc import Iterator

_KINDS = {"parallelGateway", "inclusiveGateway"}


def check_forks(process: Process, *, is_called: bool) -> Iterator[Finding]:
    """Find forks and joins that would wait for ever, go on too early or run a step twice."""
    gateways = [shape for shape in process.shapes.values() if shape.kind in _KINDS]
    if not gateways:
        return
    forks = [one for one in gateways if len(process.out_of(one)) > 1]
    joins = [one for one in gateways if len(process.incoming.get(one.id, ())) > 1]
    in_circles = {place for circle in circles(process.ways) for place in circle}
    before = _dominators(process)
    joined: dict[str, Shape] = {}
    for join in joins:
        if join in forks:
            yield at(
                process,
                join,
                "mixed-gateway",
                Message("同一个网关既汇合又分开", "One gateway joins and forks at once."),
                Message("画成两个网关", "Draw two gateways."),
            )
        elif join.id in in_circles:
            yield at(
                process,
                join,
                "join-in-loop",
                Message(
                    "汇合在退回圈内,第二次会提前通过",
                    "The join can be reached from itself; in the second round it goes on too early.",
                ),
                Message("把分开和汇合放进被调用流程", "Put fork and join into a called process."),
            )
        else:
            fork = _fork_of(join, before, process)
            if fork is None:
                yield at(
                    process,
                    join,
                    "join-without-fork",
                    Message(
                        "汇合之前没有同类的分开,会一直等待",
                        "No fork of its kind leads to this join; it would wait for ever.",
                    ),
                    Message("改用排他网关合并", "Merge with an exclusive gateway."),
                )
            else:
                joined[fork.id] = join
    if any(join in forks for join in joins):
        return  # its branches cannot be told apart before it is drawn as two
    for fork in forks:
        yield from _fork(_Fork(process, fork, joined.get(fork.id)), is_called=is_called)


@dataclass(frozen=True)
class _Fork:
    """A fork, the join it belongs to, and where each branch can go before it."""

    process: Process
    fork: Shape
    join: Shape | None

    def branches(self) -> dict[str, set[str]]:
        """Return what each branch reaches, by the id of its flow."""
        stop = () if self.join is None else (self.join.id,)
        return {
            flow.id: reachable(self.process.main_ways, flow.target, without=stop)
            for flow in self.process.out_of(self.fork)
        }


def _fork(one: _Fork, *, is_called: bool) -> Iterator[Finding]:
    process, fork = one.process, one.fork
    branches = one.branches()
    if any(fork.id in reached for reached in branches.values()):
        yield at(
            process,
            fork,
            "return-out-of-fork",
            Message(
                "有一支退回到分开之前,另一支的任务会出现两次",
                "A branch leads back before the fork; the other branch's tasks appear twice.",
            ),
            Message("汇合之后再决定退回", "Decide on a return behind the join."),
        )
        return
    listed = list(branches.values())
    for number, reached in enumerate(listed):
        shared = reached & set().union(*listed[:number]) if number else set()
        meeting = sorted(
            place for place in shared if place in process.shapes and process.shapes[place].event != "terminate"
        )
        if meeting:
            yield at(
                process,
                process.shapes[meeting[0]],
                "branches-meet",
                Message(
                    f"{fork.id} 的两支在这里相遇而没有汇合,步骤会执行两次",
                    f"Branches of {fork.id} meet here without a join; the step would run twice.",
                ),
                Message("用同类的网关汇合", "Join them with a gateway of the same kind."),
            )
            return
    if one.join is None:
        yield from _unjoined(one, branches, is_called=is_called)
    else:
        yield from _joined(one, one.join, branches)


def _joined(one: _Fork, join: Shape, branches: dict[str, set[str]]) -> Iterator[Finding]:
    process = one.process
    incoming = process.incoming.get(join.id, ())
    for flow in process.out_of(one.fork):
        reached = branches[flow.id]
        arrivals = [
            arrow for arrow in incoming if arrow.source in reached or (arrow.id == flow.id and flow.target == join.id)
        ]
        lost = [
            place
            for place in sorted(reached)
            if place in process.shapes
            and process.shapes[place].kind == "endEvent"
            and process.shapes[place].event != "terminate"
        ]
        if lost:
            yield at(
                process,
                process.shapes[lost[0]],
                "fork-misses-join",
                Message(
                    f"{one.fork.id} 的一支在这里结束,{join.id} 会一直等它",
                    f"A branch of {one.fork.id} ends here; {join.id} waits for it for ever.",
                ),
                Message("接到汇合,或改为终止结束", "Lead it to the join, or terminate."),
            )
        elif len(arrivals) != 1:
            yield at(
                process,
                flow,
                "fork-misses-join",
                Message(
                    f"这一支经 {len(arrivals)} 条流到达 {join.id},应为一条",
                    f"This branch comes to {join.id} by {len(arrivals)} flows; one is expected.",
                ),
                Message("先把本支合并,再汇合", "Merge the branch before the join."),
            )


def _unjoined(one: _Fork, branches: dict[str, set[str]], *, is_called: bool) -> Iterator[Finding]:
    process = one.process
    if is_called or one.fork.scope:
        return
    waiting = [
        flow for flow, reached in branches.items() if any(_waits_for_message(process, place) for place in reached)
    ]
    for flow, reached in branches.items():
        if not [other for other in waiting if other != flow]:
            continue
        for place in sorted(reached):
            shape = process.shapes.get(place)
            if shape is not None and shape.kind == "endEvent" and not shape.scope and shape.event in {"", "message"}:
                yield at(
                    process,
                    shape,
                    "plain-end",
                    Message(
                        "旁边还有一支在等待,普通结束不会结束办件",
                        "Another branch still waits beside it; a plain end would leave the case open for ever.",
                    ),
                    Message("改为终止结束事件", "Make it a terminate end."),
                )


def _waits_for_message(process: Process, place: str) -> bool:
    shape = process.shapes.get(place)
    return shape is not None and shape.kind == "intermediateCatchEvent"


def _fork_of(join: Shape, before: dict[str, str], process: Process) -> Shape | None:
    """Return the nearest place every way to the join passes, if it is a fork of the join's kind."""
    place = before.get(join.id)
    shape = process.shapes.get(place or "")
    if shape is None or shape.kind != join.kind or len(process.out_of(shape)) < 2:  # noqa: PLR2004  (a fork has two ways)
        return None
    return shape


def _dominators(process: Process) -> dict[str, str]:
    """Return for each place the nearest other place that every way to it passes (Cooper, Harvey and Kennedy)."""
    starts = [start.id for start in process.starts()]
    if not starts:
        return {}
    root = starts[0]
    order = _backwards(process, root)
    number = {place: position for position, place in enumerate(order)}
    sources: dict[str, list[str]] = {}
    for place in order:
        for target in process.main_ways.get(place, ()):
            if target in number:
                sources.setdefault(target, []).append(place)
    nearest = {root: root}
    changed = True
    while changed:
        changed = False
        for place in order:
            if place == root:
                continue
            known = [source for source in sources.get(place, ()) if source in nearest]
            common = known[0]
            for source in known[1:]:
                common = _meet(common, source, nearest, number)
            if nearest.get(place) != common:
                nearest[place] = common
                changed = True
    return nearest


def _meet(one: str, other: str, nearest: dict[str, str], number: dict[str, int]) -> str:
    while one != other:
        while number[one] > number[other]:
            one = nearest[one]
        while number[other] > number[one]:
            other = nearest[other]
    return one


def _backwards(process: Process, root: str) -> list[str]:
    """Return the places in reverse postorder: each before those that only it leads to."""
    order: list[str] = []
    seen = {root}
    work = [(root, iter(process.main_ways.get(root, ())))]
    while work:
        place, targets = work[-1]
        target = next(targets, None)
        if target is None:
            order.append(place)
            work.pop()
        elif target not in seen:
            seen.add(target)
            work.append((target, iter(process.main_ways.get(target, ()))))
    return order[::-1]
