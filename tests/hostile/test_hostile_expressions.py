"""The language under attack: known ways out of Python sandboxes, and expressions made up at random (RELIABILITY.md F26)."""

from __future__ import annotations

import ast
import contextlib
import time
import warnings

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.runtime.decisions import condition
from engine.runtime.expressions import FUNCTIONS, LARGEST_NUMBER, Refused, SafeEnvironment, assignments, read
from tests.hostile.canary import quiet

ESCAPES = [
    "().__class__.__base__.__subclasses__()",
    "[c for c in ().__class__.__base__.__subclasses__() if c.__name__ == '_wrap_close'][0].__init__.__globals__['system']('x')",
    "__import__('os').system('x')",
    "eval('1')",
    "exec('1')",
    "compile('1', '', 'eval')",
    "open('/etc/passwd').read()",
    "globals()",
    "locals()",
    "vars()",
    "dir()",
    "getattr(1, 'real')",
    "(lambda: 1)()",
    "[x for x in [1]]",
    "{x: 1 for x in [1]}",
    "(x for x in [1])",
    "f'{x.__class__}'",
    "'{0.__class__}'.format(1)",
    "x ** y",
    "9 ** 9 ** 8",
    "1 << 99",
    "x / 2",
    "0.1",
    "1e3",
    "1j",
    "b'x'",
    "u'x'",
    "...",
    "x.y",
    "x[1:2]",
    "x @ y",
    "~x",
    "x | y",
    "(y := 1)",
    "await x",
    "yield",
    "*x",
    "max(*x)",
    "max(**x)",
    "max(x, key=len)",
    "sorted(x)",
    "range(9)",
    "type(x)",
    "str(x)",
    "int('9' * 9)",
    "print(x)",
    "input()",
    "breakpoint()",
    "help()",
    "memoryview(x)",
    "__builtins__",
    "_add(1, 2)",
    "_x",
    "len",
    "[len]",
    "len(x) == len",
    "len is None",
    "max(len, min)",
    "{**x}",
    "1 if x else len",
    "x; y",
    "x = 1",
    "import os",
    "x\n.y",
    "'\\x41'",
    "x \\\n + 1",
    "max(x)(y)",
    "x[0](1)",
    "(x)(1)",
    "'a'[0]",
    "[1, 2][0]",
    "1 is None",
    "x is y",
    "\x00",
    "9" * 30,
    "0x" + "f" * 40,
    "(" * 300 + "1" + ")" * 300,
    "-" * 3000 + "1",
    "not " * 900 + "x",
    "[" * 100 + "]" * 100,
    " + ".join(["x"] * 900),
    "x" * 5000,
    "if",
    "",
    "   ",
    "\ud800",
]


@pytest.mark.parametrize("text", ESCAPES, ids=range(len(ESCAPES)))
def test_a_known_way_out_is_refused_when_it_is_read(text):
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(Refused):
            read(text)
        with pytest.raises(EngineError):
            SafeEnvironment().evaluate(text, {"x": 1, "y": 2})


@pytest.mark.parametrize(
    "data",
    [
        {"LIMIT": 10**9, "amount": 5},
        {"__builtins__": {"eval": eval}, "amount": 5},
        {"len": lambda _: 0, "half_up": max, "dmninputexpr": 5, "cell_input": 5, "amount": 5},
    ],
    ids=["constant", "builtins", "functions"],
)
def test_data_never_take_the_place_of_the_language(data):
    environment = SafeEnvironment()
    assert environment.evaluate("len([1, 2, 3])", data) == 3
    assert environment.evaluate("half_up(5, 2) + amount", data) == 8
    with pytest.raises(EngineError):
        environment.evaluate("__builtins__", data)


@pytest.mark.parametrize(
    "text",
    [
        "s + s + s",
        "big * big",
        "big + big + big",
        "sum([big, big])",
        "sum([many, many])",
        "sum(nested)",
        "[nested, nested, nested, nested, nested, nested]",
        "abs(s)",
        "half_up(s, 2)",
        "half_up(1, 0)",
        "1 // 0",
        "1 % 0",
        "s * 3",
        "3 * many",
        "s % 3",
        "s - 1",
        "-s",
        "s[99999]",
        "many[s]",
        "number['x']",
        "{many: 1}",
        "len(number)",
        "min([])",
        "max()",
        "s < 3",
        "number in number",
        "parameter('x')",
        "workdays(3)",
        "True + True",
        "'%s' % number",
        "'a' * 10",
        "[0] * 10",
    ],
)
def test_an_expression_that_goes_wrong_says_so_and_stays_small(text):
    data = {"s": "长" * 4_000, "big": 10**18, "many": list(range(4_000)), "nested": [[1] * 2_000], "number": 1}
    started = time.process_time()
    with pytest.raises(EngineError):
        SafeEnvironment().evaluate(text, data)
    assert time.process_time() - started < 0.05


def test_a_list_that_holds_itself_twice_over_and_over_is_stopped():
    data = {"a": [1]}
    with pytest.raises(EngineError, match="at most"):
        SafeEnvironment().execute("\n".join(["a = [a, a]"] * 40), data)


@pytest.mark.parametrize(
    "script",
    [
        "import os",
        "x.y = 1",
        "x[0] = 1",
        "x, y = 1, 2",
        "x += 1",
        "None = 1",
        "len = 1",
        "__x = 1",
        "x == 1",
        "def f(): pass",
        "x",
        "cell_input = 1",
    ],
)
def test_a_script_that_is_no_assignment_is_refused(script):
    with pytest.raises(EngineError):
        assignments(script)


NAMES = ["x", "text", "listed", "table", "flag", "nothing", "missing", "_hidden", "__class__"]
DATA = {"x": 7, "text": "村级", "listed": [1, "A", [2]], "table": {"a": 1}, "flag": True, "nothing": None}
LEAVES = st.one_of(
    st.sampled_from(NAMES).map(lambda name: ast.Name(name, ast.Load())),
    st.one_of(
        st.integers(-(10**20), 10**20),
        st.text(max_size=6),
        st.booleans(),
        st.none(),
        st.floats(),
        st.binary(max_size=3),
        st.just(...),
    ).map(ast.Constant),
)
OPERATORS = [ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod, ast.Div, ast.Pow, ast.LShift, ast.BitOr, ast.MatMult]
COMPARISONS = [ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Is, ast.IsNot]
CALLED = [*sorted(FUNCTIONS), "eval", "open", "getattr", "type", "__import__"]


def _larger(inner):
    return st.one_of(
        st.builds(lambda left, op, right: ast.BinOp(left, op(), right), inner, st.sampled_from(OPERATORS), inner),
        st.builds(
            lambda op, values: ast.BoolOp(op(), values),
            st.sampled_from([ast.And, ast.Or]),
            st.lists(inner, min_size=2, max_size=3),
        ),
        st.builds(
            lambda left, op, right: ast.Compare(left, [op()], [right]), inner, st.sampled_from(COMPARISONS), inner
        ),
        st.builds(
            lambda op, value: ast.UnaryOp(op(), value),
            st.sampled_from([ast.Not, ast.USub, ast.UAdd, ast.Invert]),
            inner,
        ),
        st.builds(ast.IfExp, inner, inner, inner),
        st.builds(lambda values: ast.List(values, ast.Load()), st.lists(inner, max_size=3)),
        st.builds(lambda values: ast.Tuple(values, ast.Load()), st.lists(inner, max_size=3)),
        st.builds(
            lambda keys, values: ast.Dict(keys[: len(values)], values[: len(keys)]),
            st.lists(inner, max_size=2),
            st.lists(inner, max_size=2),
        ),
        st.builds(lambda value, place: ast.Subscript(value, place, ast.Load()), inner, inner),
        st.builds(
            lambda name, values: ast.Call(ast.Name(name, ast.Load()), values, []),
            st.sampled_from(CALLED),
            st.lists(inner, max_size=3),
        ),
        st.builds(
            lambda value, name: ast.Attribute(value, name, ast.Load()),
            inner,
            st.sampled_from(["real", "__class__", "format"]),
        ),
        st.builds(lambda value: ast.Starred(value, ast.Load()), inner),
        st.builds(
            lambda value, kept: ast.ListComp(value, [ast.comprehension(ast.Name("x", ast.Store()), kept, [], 0)]),
            inner,
            inner,
        ),
        st.builds(lambda value: ast.JoinedStr([ast.FormattedValue(value, -1)]), inner),
    )


TREES = st.recursive(LEAVES, _larger, max_leaves=24)


@settings(max_examples=2_500, deadline=None, suppress_health_check=list(HealthCheck))
@given(TREES)
@example(ast.Name("x", ast.Load()))
def test_an_expression_made_up_at_random_runs_nothing_and_is_quick(tree):
    try:
        text = ast.unparse(ast.fix_missing_locations(ast.Expression(tree)))
    except (ValueError, TypeError, KeyError, RecursionError):
        return
    environment = SafeEnvironment()
    with warnings.catch_warnings(), quiet():
        warnings.simplefilter("ignore")
        started = time.thread_time()
        try:
            value = environment.evaluate(text, DATA)
            spent = time.thread_time() - started
        except EngineError:
            spent = time.thread_time() - started
            value = None
    assert spent < 0.02
    _plain(value)


def _plain(value) -> None:
    assert value is None or type(value) in {int, str, bool, list, tuple, dict}
    if type(value) is int:
        assert abs(value) <= 10 * LARGEST_NUMBER
    for part in value if type(value) in {list, tuple} else list(value.values()) if type(value) is dict else ():
        _plain(part)


@settings(max_examples=1_500, deadline=None)
@given(st.text(alphabet="xy?.[](){}<>=!-+*/%'\"\\, \n0123456789abcdefinotr_长", max_size=40))
def test_a_cell_of_any_text_is_read_or_refused(text):
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            cell = condition(text)
        except Refused:
            return
        if cell is not None:
            with contextlib.suppress(EngineError):
                SafeEnvironment().run(cell, {"cell_input": 3})
