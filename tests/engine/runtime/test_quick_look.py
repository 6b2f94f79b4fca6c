"""The quick look at a submission agrees with the validator it spares: it never calls right what the validator refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from engine.runtime.quick_look import quick_look

WORKFLOWS = Path(__file__).resolve().parents[3] / "workflows"
SCHEMAS = {
    str(path.relative_to(WORKFLOWS)): json.loads(path.read_bytes())["schema"]
    for path in sorted((WORKFLOWS / "forms").rglob("*.json"))
}
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2**62),
    st.floats(allow_nan=False),
    st.text(max_size=12),
    st.just([]),
    st.just({}),
)


def answer(entry, *, beyond):
    """Values that an entry of a schema takes; with `beyond` also some that it just does not take."""
    if "enum" in entry:
        return st.sampled_from(entry["enum"])
    if entry["type"] == "integer":
        bounds = [entry.get("minimum", 0), entry.get("maximum", 10**6)]
        return st.sampled_from([*bounds, *([bounds[0] - 1, bounds[1] + 1] if beyond else [])])
    if entry["type"] == "boolean":
        return st.booleans()
    if "pattern" in entry:
        fitting = st.from_regex(entry["pattern"])
        return st.one_of(fitting, st.text(max_size=5)) if beyond else fitting
    bounds = [entry.get("minLength", 0), entry.get("maxLength", 9)]
    lengths = [*bounds, *([max(bounds[0] - 1, 0), bounds[1] + 1] if beyond else [])]
    return st.sampled_from(lengths).map(lambda length: "字" * length)


def submissions(schema):
    """Mostly whole submissions, with a field left out, added or spoilt here and there."""
    properties = schema["properties"]
    whole = st.one_of(
        st.fixed_dictionaries({name: answer(entry, beyond=beyond) for name, entry in properties.items()})
        for beyond in (False, True)
    )
    dropped = st.one_of(st.just(set()), st.sets(st.sampled_from(sorted(properties)), max_size=3))
    spoilt = st.dictionaries(st.sampled_from([*sorted(properties), "another"]), ODD, max_size=2)

    def put_together(parts):
        values, left_out, wrong = parts
        return {**{name: value for name, value in values.items() if name not in left_out}, **wrong}

    return st.tuples(whole, dropped, st.one_of(st.just({}), spoilt)).map(put_together)


@pytest.mark.parametrize("path", SCHEMAS)
def test_every_form_of_the_house_is_plain_enough_for_a_quick_look(path):
    assert quick_look(SCHEMAS[path]) is not None


@pytest.mark.parametrize("path", SCHEMAS)
def test_the_quick_look_says_right_exactly_where_the_validator_finds_nothing(path):
    schema = SCHEMAS[path]
    look, validator = quick_look(schema), Draft202012Validator(schema)
    seen = set()

    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(submissions(schema))
    def agree(values):
        found = list(validator.iter_errors(values))
        seen.add(bool(found))
        if look(values):
            assert not found, (values, found)
        elif not found:
            # Only an odd number may be left to the validator: 17.0 is an integer for it, and no value of ours.
            assert any(type(value) is float for value in values.values()), values

    agree()
    assert seen == {True, False}


PLAIN = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}


@pytest.mark.parametrize(
    "change",
    [
        {"additionalProperties": True},
        {"minProperties": 1},
        {"properties": {"a": {"type": "number"}}},
        {"properties": {"a": {"type": ["string", "null"]}}},
        {"properties": {"a": {"type": "string", "not": {"const": "x"}}}},
        {"properties": {"a": {"type": "string", "enum": ["x", 1]}}},
        {"allOf": [{"required": ["a"]}]},
        {"allOf": [{"if": {"required": ["a"]}, "then": {"required": ["b"]}}]},
        {"allOf": [{"if": {"properties": {"a": {"const": 1}}, "required": ["a"]}, "then": {"required": ["a"]}}]},
        {
            "allOf": [
                {
                    "if": {"properties": {"a": {"const": "x"}}, "required": ["a"]},
                    "then": {"required": ["a"]},
                    "else": {},
                }
            ]
        },
        {"allOf": [{"if": {"properties": {"a": {"const": "x"}}, "required": ["a"]}, "then": {"minProperties": 2}}]},
    ],
)
def test_what_is_not_plain_is_left_to_the_validator(change):
    assert quick_look(PLAIN) is not None
    assert quick_look({**PLAIN, **change}) is None
