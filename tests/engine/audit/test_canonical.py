"""The same fact has the same bytes; what has no one way to be written is refused."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audit import canonical as module
from engine.audit.canonical import LARGEST, canonical

PLAIN = st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.text(st.characters(max_codepoint=0xD7FF), max_size=8)
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=20
)


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_what_was_written_reads_back_the_same_and_is_written_the_same_again(value):
    text = canonical(value)
    assert json.loads(text) == value
    assert canonical(json.loads(text)) == text


def test_names_are_sorted_and_nothing_is_spaced_or_escaped_that_need_not_be():
    assert canonical({"乙": 1, "b": [True, None, "é/\u2028"], "a": {}}) == '{"a":{},"b":[true,null,"é/\u2028"],"乙":1}'
    # RFC 8785: only what JSON forbids is escaped, with the short forms where there are any.
    assert canonical('"\\\b\f\n\r\t\x0f') == r'"\"\\\b\f\n\r\t\u000f"'


@settings(max_examples=200, deadline=None)
@given(VALUES, st.sampled_from([0.0, 1.5, -0.0, math.nan, math.inf]), st.randoms(use_true_random=False))
def test_a_float_is_refused_wherever_it_hides(value, number, random):
    with pytest.raises(TypeError, match="float"):
        canonical(_hide(value, number, random))


def _hide(value, number, random):
    """Put a float somewhere inside a value."""
    if isinstance(value, dict) and value and random.random() < 0.8:
        name = random.choice(sorted(value))
        return {**value, name: _hide(value[name], number, random)}
    if isinstance(value, list) and value and random.random() < 0.8:
        place = random.randrange(len(value))
        return [*value[:place], _hide(value[place], number, random), *value[place + 1 :]]
    return random.choice([number, [number], (number,), {"n": number}, [{"deep": [number]}]])


@pytest.mark.parametrize("value", [b"x", {1, 2}, Fraction(1, 2), object(), ["a", b"b"], {"x": {"y": frozenset()}}])
def test_what_is_not_json_is_refused(value):
    with pytest.raises(TypeError):
        canonical(value)


@pytest.mark.parametrize("name", [1, True, None, 1.0, "😀", "a\ud800", ("a",)])
def test_a_name_that_is_not_plain_text_is_refused(name):
    with pytest.raises(TypeError, match="names"):
        canonical({"fine": {name: 1}})


def test_true_is_not_taken_for_a_name_seen_before():
    canonical({"1": 1, "True": 1})
    with pytest.raises(TypeError):
        canonical({1: 1})


def test_numbers_that_other_readers_would_round_are_refused():
    assert canonical([LARGEST, -LARGEST]) == f"[{LARGEST},{-LARGEST}]"
    for number in (LARGEST + 1, -LARGEST - 1, 10**30):
        with pytest.raises(ValueError, match="within"):
            canonical({"fen": number})


def test_names_are_remembered_only_up_to_a_bound():
    for number in range(module._MOST_NAMES + 50):
        canonical({f"name-{number}": 1})
    assert len(module._names) <= module._MOST_NAMES
    assert canonical({"never-seen-before": 1}) == '{"never-seen-before":1}'
