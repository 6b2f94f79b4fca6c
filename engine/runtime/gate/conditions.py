"""Which way a gateway takes: conditions in the language, a default, and no two that can hold together.

The library tries the flows of an exclusive gateway in the order of their targets' height in the picture (BPMN.md A9), so moving a
shape could change who pays. Where conditions exclude each other the order does not matter; that must be provable from the text:
the same thing compared with different constants, or with ranges that do not meet, or said and denied.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

from engine.errors import Finding, Message
from engine.runtime.expressions import Refused, parse, read
from engine.runtime.gate.drawing import GATEWAYS, Flow, Process, Shape, at

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_ALTERNATIVES = 32
_PLAIN = Message("只用名称、比较和算术", "Use names, comparisons and arithmetic only.")


def check_conditions(process: Process) -> Iterator[Finding]:
    """Find gateways whose way is not certain, and conditions where none are looked at."""
    for shape in process.shapes.values():
        flows = process.out_of(shape)
        if shape.kind in {"exclusiveGateway", "inclusiveGateway"}:
            yield from _gateway(process, shape, flows)
        else:
            yield from _no_conditions(process, shape, flows)


def _no_conditions(process: Process, shape: Shape, flows: tuple[Flow, ...]) -> Iterator[Finding]:
    for flow in flows:
        if flow.condition is not None:
            yield at(
                process,
                flow,
                "task-condition",
                Message(f"{shape.id} 之后的条件不会被判断", f"The condition behind {shape.id} would not be looked at."),
                Message("在后面画一个排他网关", "Draw an exclusive gateway behind it."),
            )
    if shape.kind not in GATEWAYS and len(flows) > 1:
        yield at(
            process,
            shape,
            "implicit-split",
            Message(f"{shape.id} 之后有 {len(flows)} 条流", f"{len(flows)} flows leave {shape.id} at once."),
            Message("在后面画一个网关", "Draw a gateway behind it."),
        )


def _gateway(process: Process, gateway: Shape, flows: tuple[Flow, ...]) -> Iterator[Finding]:
    default = gateway.node.get("default")
    readable: list[Flow] = []
    if len(flows) > 1 and default not in {flow.id for flow in flows}:
        yield at(
            process,
            gateway,
            "gateway-default",
            Message(
                "网关没有默认流,条件都不成立时办件会停住",
                "The gateway has no default; where no condition holds, the case stops.",
            ),
            Message("把最常走的一条设为默认流", "Make the common way the default."),
        )
    for flow in flows:
        if flow.id == default:
            if flow.condition is not None:
                yield at(
                    process,
                    flow,
                    "default-condition",
                    Message("默认流带有条件", "The default flow carries a condition."),
                    Message("删去条件", "Remove the condition."),
                )
        elif flow.condition is None:
            if len(flows) > 1 and default in {one.id for one in flows}:
                yield at(
                    process,
                    flow,
                    "condition-missing",
                    Message("网关的这条流没有条件", "This flow out of the gateway has no condition."),
                    Message("写上条件", "Write its condition."),
                )
        elif (error := unreadable(flow.condition)) is not None:
            yield at(
                process,
                flow,
                "condition",
                Message(f"条件不能识别:{error}", f"The condition is not in the language: {error}"),
                _PLAIN,
            )
        elif len(flows) == 1:
            yield at(
                process,
                flow,
                "task-condition",
                Message(
                    "只有一条流,条件不成立时办件会停住",
                    "It is the only flow; where its condition fails, the case stops.",
                ),
                Message("删去条件,或加一条默认流", "Remove the condition, or add a default flow."),
            )
        else:
            readable.append(flow)
    if gateway.kind == "exclusiveGateway":
        yield from _overlaps(process, readable)


def unreadable(text: str) -> str | None:
    """Return why a text is not in the language; None where it is."""
    try:
        read(text)
    except Refused as error:
        return str(error)
    return None


def _overlaps(process: Process, flows: list[Flow]) -> Iterator[Finding]:
    cases = {flow.id: alternatives(flow.condition or "") for flow in flows[:20]}
    for one, other in combinations(flows[:20], 2):
        if not exclude_each_other(cases[one.id], cases[other.id]):
            yield at(
                process,
                other,
                "conditions-overlap",
                Message(
                    f"条件可能与 {one.id} 同时成立,走哪条取决于图上的高低",
                    f"Its condition can hold together with that of {one.id}; the picture's heights would decide.",
                ),
                Message("用同一个名称与不同的常量比较", "Compare one name with different constants."),
            )


@dataclass
class Facts:
    """What must be true of one subject: a constant it is, constants it is not, the numbers it lies between."""

    among: set[Any] | None = None
    never: set[Any] = field(default_factory=set)
    least: int | None = None
    most: int | None = None

    @property
    def impossible(self) -> bool:
        """Say whether nothing can be all of this."""
        if self.least is not None and self.most is not None and self.least > self.most:
            return True
        return self.among is not None and not any(self._fits(value) for value in self.among - self.never)

    def _fits(self, value: Any) -> bool:
        if not isinstance(value, int):
            return self.least is None and self.most is None
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def add(self, operator: ast.cmpop, value: Any) -> None:
        """Learn that the subject stands so to a constant (a list of constants for `in`)."""
        match operator:
            case ast.Eq():
                self._be({value})
            case ast.In():
                self._be(set(value))
            case ast.NotEq():
                self.never.add(value)
            case ast.NotIn():
                self.never |= set(value)
            case ast.Lt() | ast.LtE() if type(value) is int:
                most = value - isinstance(operator, ast.Lt)
                self.most = most if self.most is None else min(self.most, most)
            case ast.Gt() | ast.GtE() if type(value) is int:
                least = value + isinstance(operator, ast.Gt)
                self.least = least if self.least is None else max(self.least, least)
            case _:
                pass

    def _be(self, values: set[Any]) -> None:
        self.among = values if self.among is None else self.among & values


Alternative = tuple[tuple[str, ast.cmpop, Any], ...]
"""One way for a condition to hold: things that are all true of subjects."""
_TURNED: dict[type[ast.cmpop], ast.cmpop] = {
    ast.Eq: ast.Eq(),
    ast.NotEq: ast.NotEq(),
    ast.Lt: ast.Gt(),
    ast.LtE: ast.GtE(),
    ast.Gt: ast.Lt(),
    ast.GtE: ast.LtE(),
}
_DENIED: dict[type[ast.cmpop], ast.cmpop] = {
    ast.Eq: ast.NotEq(),
    ast.NotEq: ast.Eq(),
    ast.In: ast.NotIn(),
    ast.NotIn: ast.In(),
    ast.Lt: ast.GtE(),
    ast.LtE: ast.Gt(),
    ast.Gt: ast.LtE(),
    ast.GtE: ast.Lt(),
}


def alternatives(text: str) -> list[Alternative] | None:
    """Return the ways for a condition to hold; None where there are too many to list."""
    return _ways(parse(text).body, holds=True)


def exclude_each_other(one: list[Alternative] | None, other: list[Alternative] | None) -> bool:
    """Say whether two conditions can never hold together."""
    if one is None or other is None:
        return False
    return all(_contradict((*left, *right)) for left, right in product(one, other))


def _contradict(things: Alternative) -> bool:
    known: dict[str, Facts] = {}
    for subject, operator, value in things:
        known.setdefault(subject, Facts()).add(operator, value)
    return any(facts.impossible for facts in known.values())


def _ways(node: ast.expr, *, holds: bool) -> list[Alternative] | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return _ways(node.operand, holds=not holds)
    if isinstance(node, ast.BoolOp):
        parts = [_ways(value, holds=holds) for value in node.values]
        listed = [part for part in parts if part is not None]
        if len(listed) < len(parts):
            return None
        if isinstance(node.op, ast.And) == holds:
            count = 1
            for part in listed:
                count *= len(part)
            if count > _MOST_ALTERNATIVES:
                return None
            return [tuple(thing for part in chosen for thing in part) for chosen in product(*listed)]
        joined = [way for part in listed for way in part]
        return joined if len(joined) <= _MOST_ALTERNATIVES else None
    return _atoms(node, holds=holds)


def _atoms(node: ast.expr, *, holds: bool) -> list[Alternative]:
    if isinstance(node, ast.Compare):
        pairs = list(zip([node.left, *node.comparators], node.ops, node.comparators, strict=False))
        if holds:
            return [tuple(_thing(*pair) for pair in pairs)]
        if len(pairs) == 1 and type(pairs[0][1]) in _DENIED:
            left, operator, right = pairs[0]
            return [(_thing(left, _DENIED[type(operator)], right),)]
    # Anything else is a statement by itself: it and its denial exclude each other, more is not known.
    return [(("?" + ast.dump(node), ast.Eq(), holds),)]


def _thing(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> tuple[str, ast.cmpop, Any]:
    constants = _constant(right)
    if constants is not None and (isinstance(operator, ast.In | ast.NotIn)) == isinstance(constants, tuple):
        return ast.dump(left), operator, constants
    turned = _constant(left)
    if turned is not None and not isinstance(turned, tuple) and type(operator) in _TURNED:
        return ast.dump(right), _TURNED[type(operator)], turned
    # "CITY" in scope: a statement about both together; its denial is the same statement with the other answer.
    positive = {ast.NotIn: ast.In(), ast.NotEq: ast.Eq(), ast.IsNot: ast.Is()}.get(type(operator))
    said = ast.dump(ast.Compare(left=left, ops=[positive or operator], comparators=[right]))
    return "?" + said, ast.Eq(), positive is None


def _constant(node: ast.expr) -> Any:
    """Return a constant, a tuple of constants for a list of them, or None."""
    if isinstance(node, ast.Constant) and node.value is not None:
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        return -node.operand.value if type(node.operand.value) is int else None
    if isinstance(node, ast.List | ast.Tuple) and all(isinstance(one, ast.Constant) for one in node.elts):
        return tuple(one.value for one in node.elts if isinstance(one, ast.Constant))
    return None
