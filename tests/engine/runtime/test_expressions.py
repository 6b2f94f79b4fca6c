"""The language of drawings and tables, as a writer of rules uses it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from engine.errors import EngineError
from engine.runtime.expressions import SafeEnvironment, evaluate, read
from engine.runtime.surroundings import Surroundings

NOW = datetime(2018, 9, 3, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("amount >= 3000000", True),
        ('category in ["JD", "DB"]', True),
        ('"CITY" not in scope', True),
        ("100 <= days < 200", False),
        ("half_up(140021, 10)", 14002),
        ("half_up(-5, 2)", -3),
        ("half_up(70 * 50005, 100)", 35004),
        ("min(5, 3) + max([1, 9]) - abs(-2) + sum([1, 2]) + len(scope)", 15),
        ('"A" if amount > 5 else "B"', "A"),
        ("amount // 7 * 7 + amount % 7 == amount", True),
        ("nothing is None and category is not None", True),
        ("(amount, category)", (3_000_000, "JD")),
        ('{"a": 1}', {"a": 1}),
        ("scope[0]", "LEADER"),
        ("not (amount < 5 or days == 3)", True),
        ('"村" + "级"', "村级"),
        ("[1] + [2]", [1, 2]),
        ("-amount", -3_000_000),
        ("missing if amount < 5 else days", 7),
        ("amount < 5 and missing", False),
    ],
)
def test_an_expression_says(text, expected):
    data = {"amount": 3_000_000, "category": "JD", "scope": ["LEADER", "COUNTY"], "days": 7, "nothing": None}
    assert evaluate(text, data) == expected


def test_a_name_without_a_value_is_named_in_the_error():
    with pytest.raises(EngineError, match=r"Expected a value for 'aid_fen' in 'aid_fen > 5', found none"):
        evaluate("aid_fen > 5", {"aid": 1})


def test_an_expression_tells_its_names_and_functions():
    compiled = read('parameter("x") + amount > len(scope)')
    assert (compiled.names, compiled.functions) == ({"amount", "scope"}, {"parameter", "len"})


def test_clocks_and_policy_numbers_come_from_what_the_step_was_lent():
    lent = Surroundings(
        NOW,
        workdays=lambda count: NOW + timedelta(days=count),
        notice_end=lambda count: NOW + timedelta(days=2 * count),
        parameter=lambda name, *keys: {("ratio", "JD"): 7000}[(name, *keys)],
    )
    environment = SafeEnvironment.of(lent)
    assert environment.evaluate("workdays(10)", {}) == "2018-09-13T02:00:00+00:00"
    assert environment.evaluate("notice_end(days)", {"days": 2}) == "2018-09-07T02:00:00+00:00"
    assert environment.evaluate('parameter("ratio", "JD")', {}) == 7000
    for odd in ("workdays(-1)", 'workdays("3")', "workdays(True)", "workdays(99999)"):
        with pytest.raises(EngineError):
            environment.evaluate(odd, {})


def test_assignments_are_made_line_by_line_and_see_each_other():
    data = {"total": 10}
    SafeEnvironment().execute("half = total // 2\n\nquarter = half // 2", data)
    assert data == {"total": 10, "half": 5, "quarter": 2}


def test_a_fraction_from_the_house_decides_nothing():
    environment = SafeEnvironment({"parameter": lambda _name: 0.7})
    with pytest.raises(EngineError, match="whole numbers"):
        environment.evaluate('parameter("ratio")', {})


def test_a_cached_evaluation_costs_microseconds():
    environment = SafeEnvironment()
    data = {"outcome": "RETURN", "amount": 5} | {f"name{number}": number for number in range(60)}
    environment.evaluate('outcome == "RETURN" and amount > 3', data)
    started = time.thread_time()
    for _ in range(10_000):
        environment.evaluate('outcome == "RETURN" and amount > 3', data)
    assert time.thread_time() - started < 0.5  # 1-2 µs each on an idle machine; the bound only catches a lost cache
