"""The language of conditions, clocks, assignments and table cells: small, safe, and the only one there is.

It is an allow-list over Python's own syntax tree. What is not on the list (attributes, comprehensions, lambdas, powers, true division,
formatted text, keywords, unpacking) is refused when the text is read, so nothing of it can ever run; what is on the list works on numbers,
text, truth values, lists and dictionaries and is bounded in size, so nothing of it can run long. A case's data are only data: an
expression sees the names it mentions and no others, and a name of the language (a function) is never looked up in them
(RELIABILITY.md §0.1–0.3, §5.1). There are no floats: money is integer fen, and half_up divides it.
"""

from __future__ import annotations

import ast
import keyword
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from engine.errors import EngineError
from engine.money import half_up

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping
    from types import CodeType

    from engine.runtime.surroundings import Surroundings

LARGEST_NUMBER = 10**18
LONGEST_TEXT = 4_000
"""Characters of an expression."""
MOST_NODES = 500
DEEPEST = 60
LONGEST_VALUE = 10_000
"""Characters or items of a value an expression may make."""

PURE_FUNCTIONS = ("len", "min", "max", "sum", "abs", "half_up")
HOUSE_FUNCTIONS = ("workdays", "notice_end", "parameter")
"""Functions that need what a step is lent: the calendar and the policy numbers."""
FUNCTIONS = frozenset({*PURE_FUNCTIONS, *HOUSE_FUNCTIONS})
CELL_INPUT = "cell_input"
"""What a table cell calls the value of its column."""
RESERVED = FUNCTIONS | {"dmninputexpr", "typename", CELL_INPUT}
"""Names that no field of a data dictionary may have."""

_ALLOWED = (
    ast.Expression,
    ast.Constant,
    ast.Name,
    ast.Load,
    ast.BoolOp,
    ast.And,
    ast.Or,
    ast.UnaryOp,
    ast.Not,
    ast.USub,
    ast.UAdd,
    ast.BinOp,
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.FloorDiv,
    ast.Mod,
    ast.Compare,
    ast.Eq,
    ast.NotEq,
    ast.Lt,
    ast.LtE,
    ast.Gt,
    ast.GtE,
    ast.In,
    ast.NotIn,
    ast.Is,
    ast.IsNot,
    ast.IfExp,
    ast.List,
    ast.Tuple,
    ast.Dict,
    ast.Subscript,
    ast.Call,
)
_OPERATORS: Mapping[type[ast.operator], str] = {
    ast.Add: "_add",
    ast.Sub: "_sub",
    ast.Mult: "_mul",
    ast.FloorDiv: "_div",
    ast.Mod: "_mod",
}


class Refused(ValueError):  # noqa: N818  (a refusal is an answer, not an error)
    """An expression that is not in the language; says what was found."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """An expression that has been read: its code, the data it names and the functions it calls."""

    text: str
    code: CodeType
    names: frozenset[str]
    functions: frozenset[str]


@lru_cache(maxsize=4096)
def read(text: str) -> Compiled:
    """Read an expression; Refused where it is not in the language."""
    return compile_tree(text, parse(text))


def parse(text: str) -> ast.Expression:
    """Parse the text of an expression into a syntax tree that has been looked through."""
    if len(text) > LONGEST_TEXT:
        raise Refused(f"Expected at most {LONGEST_TEXT} characters, found {len(text)}")
    if "\x00" in text or "\\" in text:
        raise Refused("Expected plain text, found a NUL character or a backslash")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Refused(f"Expected an expression, found {_short(text)}: {getattr(error, 'msg', error)}") from error
    _look_through(tree, text)
    return tree


def compile_tree(text: str, tree: ast.Expression) -> Compiled:
    """Compile a tree that has been looked through."""
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    calls = {node.id for node in called}
    asked = {id(node) for node in called}
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in asked}
    # A function is never a value: not compared, not put in a list, not shadowed by data of the same name.
    shadowed = names & FUNCTIONS
    if shadowed:
        raise Refused(f"Expected a value, found the function {min(shadowed)!r} without a call")
    guarded = ast.fix_missing_locations(_Guard().visit(tree))
    try:
        code = compile(guarded, "<expression>", "eval")
    except (ValueError, RecursionError, MemoryError, SyntaxError) as error:
        raise Refused(f"Expected an expression, found {_short(text)}: {error}") from error
    return Compiled(text, code, frozenset(names), frozenset(calls))


def _look_through(tree: ast.AST, text: str) -> None:
    count = 0
    stack: list[tuple[ast.AST, int]] = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        count += 1
        if count > MOST_NODES or depth > DEEPEST:
            raise Refused(f"Expected a short expression, found one of more than {MOST_NODES} parts or {DEEPEST} levels")
        if not isinstance(node, _ALLOWED):
            raise Refused(
                f"Expected only values, comparisons and arithmetic, found {type(node).__name__} in {_short(text)}"
            )
        _look_at(node)
        stack.extend((child, depth + 1) for child in ast.iter_child_nodes(node))


def _look_at(node: ast.AST) -> None:
    look = _LOOKS.get(type(node))
    if look is not None:
        look(node)


def _look_at_constant(node: Any) -> None:
    value = node.value
    if type(value) not in {int, str, bool, type(None)}:
        raise Refused(f"Expected whole numbers, text or truth values, found {value!r}")
    if type(value) is int and value > LARGEST_NUMBER:
        raise Refused("Expected a number up to 10**18, found a larger one")
    if node.kind is not None:
        raise Refused("Expected plain text, found a prefixed one")


def _look_at_name(node: Any) -> None:
    if node.id.startswith("_"):
        raise Refused(f"Expected a declared name, found {node.id!r}")


def _look_at_call(node: Any) -> None:
    found = node.func.id if isinstance(node.func, ast.Name) else type(node.func).__name__
    if found not in FUNCTIONS:
        raise Refused(f"Expected one of {', '.join(sorted(FUNCTIONS))}, found a call of {found!r}")
    if node.keywords:
        raise Refused("Expected plain arguments, found a keyword")


def _look_at_dictionary(node: Any) -> None:
    if any(key is None for key in node.keys):
        raise Refused("Expected a plain dictionary, found an unpacked one")


def _look_at_comparison(node: Any) -> None:
    if not any(isinstance(one, ast.Is | ast.IsNot) for one in node.ops):
        return
    if isinstance(node.left, ast.Constant) or not all(
        isinstance(one, ast.Constant) and one.value is None for one in node.comparators
    ):
        raise Refused("Expected `is` only between a name and None")


def _look_at_place(node: Any) -> None:
    if not isinstance(node.value, ast.Name | ast.Subscript):
        raise Refused("Expected a name before [ ]")


_LOOKS: Mapping[type[ast.AST], Callable[[Any], None]] = {
    ast.Constant: _look_at_constant,
    ast.Name: _look_at_name,
    ast.Call: _look_at_call,
    ast.Dict: _look_at_dictionary,
    ast.Compare: _look_at_comparison,
    ast.Subscript: _look_at_place,
}


class _Guard(ast.NodeTransformer):
    """Put our own arithmetic in the place of Python's: numbers only, and within bounds."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        name = _OPERATORS[type(node.op)]
        call = ast.Call(func=ast.Name(id=name, ctx=ast.Load()), args=[node.left, node.right], keywords=[])
        return ast.copy_location(call, node)


def _number(value: Any) -> int:
    if type(value) is not int:
        raise TypeError(f"Expected a whole number, found {_kind(value)}")
    return value


def _bounded(value: int) -> int:
    if not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
        raise ValueError("Expected a number within ±10**18, found a larger one")
    return value


def _add(left: Any, right: Any) -> Any:
    if type(left) is int and type(right) is int:
        return _bounded(left + right)
    if type(left) is type(right) and type(left) in {str, list}:
        if len(left) + len(right) > LONGEST_VALUE:
            raise ValueError(f"Expected at most {LONGEST_VALUE} characters or items, found more")
        return left + right
    raise TypeError(f"Expected two numbers, two texts or two lists, found {_kind(left)} and {_kind(right)}")


def _sub(left: Any, right: Any) -> int:
    return _bounded(_number(left) - _number(right))


def _mul(left: Any, right: Any) -> int:
    return _bounded(_number(left) * _number(right))


def _div(left: Any, right: Any) -> int:
    return _number(left) // _number(right)


def _mod(left: Any, right: Any) -> int:
    return _number(left) % _number(right)


def _sum(values: Any) -> int:
    """Add whole numbers only: the built-in one would also glue lists together, over and over."""
    if type(values) not in {list, tuple}:
        raise TypeError(f"Expected a list of whole numbers, found {_kind(values)}")
    total = 0
    for value in values:
        total = _bounded(total + _number(value))
    return total


def _abs(value: Any) -> int:
    return abs(_number(value))


def _rounded(numerator: Any, denominator: Any) -> int:
    return half_up(_number(numerator), _number(denominator))


def _measured(value: Any) -> Any:
    """Refuse a value of more than LONGEST_VALUE parts: lists that hold themselves twice would grow without end."""
    left = LONGEST_VALUE
    stack = [value]
    while stack:
        left -= 1
        if left < 0:
            raise ValueError(f"Expected a value of at most {LONGEST_VALUE} parts, found a larger one")
        one = stack.pop()
        if type(one) is dict:
            stack.extend(one)
            stack.extend(one.values())
        elif type(one) in {list, tuple}:
            stack.extend(one)
    return value


_GUARDS: Mapping[str, Any] = {
    "__builtins__": {},
    "_add": _add,
    "_sub": _sub,
    "_mul": _mul,
    "_div": _div,
    "_mod": _mod,
    "len": len,
    "min": min,
    "max": max,
    "sum": _sum,
    "abs": _abs,
    "half_up": _rounded,
}
"""What an expression finds besides its data: our arithmetic, and the functions that need nothing of the house."""


class SafeEnvironment:
    """The one evaluator: functions of the language, and those of the house where a step is lent them."""

    __slots__ = ("_globals",)

    def __init__(self, house: Mapping[str, Callable[..., Any]] | None = None) -> None:
        self._globals: dict[str, Any] = {**(house or {}), **_GUARDS}

    @classmethod
    def of(cls, surroundings: Surroundings) -> SafeEnvironment:
        """Return the evaluator of one step, with the calendar and the policy numbers it was lent."""
        return cls(
            {
                "workdays": lambda count: surroundings.workdays(_count(count)).isoformat(),
                "notice_end": lambda count: surroundings.notice_end(_count(count)).isoformat(),
                "parameter": surroundings.parameter,
            }
        )

    def evaluate(self, expression: str, context: Mapping[str, Any]) -> Any:
        """Return the value of an expression over a case's data; EngineError says which name or what was wrong."""
        try:
            compiled = read(expression)
        except Refused as error:
            raise EngineError("", str(error)) from error
        return self.run(compiled, context)

    def run(self, compiled: Compiled, context: Mapping[str, Any]) -> Any:
        """Return the value of an expression that has been read."""
        seen = {name: context[name] for name in compiled.names if name in context}
        try:
            # The code was made from an allow-listed tree and sees only these names; it has no builtins.
            value = eval(compiled.code, self._globals, seen)  # noqa: S307
            if type(value) in {list, dict, tuple}:
                _measured(value)
        except EngineError:
            raise
        except NameError as error:
            raise EngineError(
                "", f"Expected a value for {error.name!r} in {_short(compiled.text)}, found none"
            ) from error
        except Exception as error:
            raise EngineError("", f"{_short(compiled.text)} cannot be evaluated: {error}") from error
        if type(value) is float:
            raise EngineError("", f"{_short(compiled.text)} gave a fraction; there are only whole numbers")
        return value

    def execute(self, script: str, context: MutableMapping[str, Any]) -> None:
        """Run assignments, a line each: `name = expression`."""
        for name, expression in assignments(script):
            context[name] = self.evaluate(expression, context)


def assignments(script: str) -> tuple[tuple[str, str], ...]:
    """Split a pre- or post-script into its assignments; EngineError where it is anything else."""
    found = []
    for line in script.strip().splitlines():
        if not line.strip():
            continue
        name, equals, expression = line.partition("=")
        name = name.strip()
        if (
            not equals
            or not name.isidentifier()
            or keyword.iskeyword(name)
            or name.startswith("_")
            or name in RESERVED
            or expression.startswith("=")
        ):
            raise EngineError("", f"Expected a line `name = expression`, found {_short(line)}")
        found.append((name, expression.strip()))
    return tuple(found)


_PLAIN = SafeEnvironment()


def evaluate(expression: str, data: Mapping[str, Any]) -> Any:
    """Return the value of an expression that asks nothing of the house, as in a brief."""
    return _PLAIN.evaluate(expression, data)


def _count(value: Any) -> int:
    number = _number(value)
    if not 0 <= number <= 3660:  # noqa: PLR2004  (ten years of days)
        raise ValueError(f"Expected a number of days from 0 to 3660, found {number}")
    return number


def _kind(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return repr(flat if len(flat) <= 80 else flat[:77] + "…")  # noqa: PLR2004
