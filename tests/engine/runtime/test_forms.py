"""Forms read what people type, say what is wrong beside the field, and let nothing else through."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import BadDefinition, Invalid
from engine.runtime.dictionary import Dictionary
from engine.runtime.forms import Form
from tests.strategies.form_submissions import ODD_TEXTS, RESERVED, bad, good

WORKFLOWS = Path(__file__).parents[3] / "workflows"
TODAY = date(2018, 10, 22)
DICTIONARY = Dictionary.read((WORKFLOWS / "medical_assistance.dictionary.json").read_bytes())
FORMS = {
    path.stem: Form.read_file(f"forms/{path.parent.name}/{path.name}", path.read_bytes(), DICTIONARY)
    for path in sorted(WORKFLOWS.glob("forms/*/*.json"))
    if path.parent.name in {"medical_assistance", "public_notice"}
}
NAMED = st.sampled_from(sorted(FORMS))


def small(**fields: dict) -> Form:
    """A form that asks for fields of these types."""
    dictionary = Dictionary.read(
        json.dumps(
            {
                "process": "p",
                "fields": {name: {"zh": name, "en": name, "from": "form"} | entry for name, entry in fields.items()},
            }
        ).encode()
    )
    kinds = {"money": "integer", "integer": "integer", "boolean": "boolean", "choices": "array"}
    schema = {
        "type": "object",
        "properties": {name: {"type": kinds.get(entry["type"], "string")} for name, entry in fields.items()},
        "additionalProperties": False,
        "required": [],
    }
    return Form.read_file("forms/p/small.json", json.dumps({"title": {}, "schema": schema}).encode(), dictionary)


@pytest.mark.parametrize(
    ("kind", "typed", "expected"),
    [
        ("money", "68,532.40", 6_853_240),
        ("money", " 68532.4 ", 6_853_240),
        ("money", "¥0.01", 1),
        ("money", "１２元", 1_200),
        ("integer", "007", 7),
        ("boolean", "on", True),
        ("boolean", "否", False),
        ("date", "2018-10-22", "2018-10-22"),
        ("id_number", "44022919760816006x", "44022919760816006X"),
        ("id_number", "441882 19700101 0028", "441882197001010028"),
        ("bank_card", "6228 4800 0000 0000 018", "6228480000000000018"),
        ("bank_card", "6228480000000000019", "6228480000000000019"),  # Luhn warns elsewhere and never refuses
        ("phone", "13800138000", "13800138000"),
        ("text", " 两行\n文字 ", "两行\n文字"),
        ("region", "441882104205", "441882104205"),
    ],
)
def test_what_people_type_becomes_a_typed_value(kind, typed, expected):
    reading = small(x={"type": kind}).read({"x": typed}, today=TODAY)
    assert (reading.values, reading.errors) == ({"x": expected}, {})


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        ("money", "1.005"),
        ("money", "-5"),
        ("money", "1e5"),
        ("money", "NaN"),
        ("money", "五百"),
        ("integer", "1.0"),
        ("integer", "٣"),
        ("integer", "9" * 40),
        ("boolean", "maybe"),
        ("date", "2018-10-23"),
        ("date", "2018-02-29"),
        ("date", "20181022"),
        ("id_number", "441882197001010029"),
        ("id_number", "441823198702291047"),
        ("id_number", "44088219700101002"),
        ("id_number", "441882210001010024"),
        ("bank_card", "123"),
        ("phone", "12345"),
        ("text", "a\x00b"),
        ("text", "长" * 4_001),
        ("text", "\ud800"),
        ("region", "4418"[:3]),
    ],
)
def test_what_cannot_be_right_gets_a_sentence_in_both_languages(kind, typed):
    reading = small(x={"type": kind}).read({"x": typed}, today=TODAY)
    assert set(reading.errors) == {"x"}
    assert reading.errors["x"].zh
    assert reading.errors["x"].en


@pytest.mark.parametrize(
    "name",
    ["441882197001010028", "440229195503150317", "441823198802291047", "441721199912316061", "44022919760816006X"],
)
def test_the_identity_numbers_of_b08_are_taken(name):
    assert small(x={"type": "id_number"}).read({"x": name}, today=TODAY).errors == {}


@pytest.mark.parametrize("name", RESERVED)
def test_a_name_the_form_does_not_ask_for_is_a_fault(name):
    form = FORMS["review"]
    assert form.read({"review_outcome": "AGREE", name: "x"}).errors
    assert form.check({"review_outcome": "AGREE", name: {"typename": "x"}})


def test_a_return_must_say_to_which_level():
    form = FORMS["review"]
    assert set(form.read({"review_outcome": "RETURN"}).errors) == {"return_to"}
    assert form.read({"review_outcome": "RETURN", "return_to": "VILLAGE"}).errors == {}
    assert form.read({"review_outcome": "AGREE"}).errors == {}


def test_every_missing_field_is_named_at_once():
    missing = FORMS["apply"].read({}).errors
    assert {"aid_type", "diagnosis", "total_fen", "bank_card"} <= set(missing)


def test_an_unticked_box_means_no_and_two_answers_are_a_fault():
    form = small(x={"type": "boolean"}, y={"type": "text"})
    assert form.read({}).values == {"x": False}
    assert set(form.read({"y": ["a", "b"]}).errors) == {"y"}


def test_what_a_step_forgets_is_its_outcome_and_what_its_form_lists():
    assert FORMS["review"].reset_fields >= {"review_outcome"}
    assert FORMS["apply"].reset_fields == frozenset()


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_honest_submissions_are_taken(data):
    form = FORMS[data.draw(NAMED)]
    reading = form.read(data.draw(good(form)), today=TODAY)
    assert reading.errors == {}
    DICTIONARY.check(reading.values, today=TODAY)
    assert form.check(reading.values, today=TODAY) == {}


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_submission_is_answered_and_nothing_undeclared_gets_through(data):
    form = FORMS[data.draw(NAMED)]
    raw = data.draw(bad(form))
    reading = form.read(raw, today=TODAY)
    assert set(reading.values) <= set(form.fields)
    assert all(one.zh and one.en and len(one.zh) < 400 for one in reading.errors.values())
    for name in raw:
        assert name in form.fields or name[:60] in reading.errors
    if not reading.errors:
        DICTIONARY.check(reading.values, today=TODAY)
        assert json.loads(json.dumps(reading.values)) == reading.values


@pytest.mark.parametrize(
    "value",
    [None, 1.5, float("nan"), 10**19, True, b"x", {"typename": "x"}, [["x"]], {"a": {"__b": 1}}, *ODD_TEXTS[:12]],
)
def test_typed_values_of_the_wrong_kind_are_refused_by_the_dictionary(value):
    for name in ("total_fen", "admitted_on", "patient_id_no", "insured", "aid_type", "categories"):
        if name == "insured" and value is True:
            continue
        with pytest.raises(Invalid) as refusal:
            DICTIONARY.check({name: value}, today=TODAY)
        assert set(refusal.value.fields) == {name}


def test_a_form_that_asks_for_what_is_not_declared_cannot_be_deployed():
    content = {"schema": {"type": "object", "properties": {"approved": {}}, "additionalProperties": True}}
    with pytest.raises(BadDefinition) as refusal:
        Form.read_file("forms/p/x.json", json.dumps(content).encode(), DICTIONARY)
    assert {(one.rule, one.element) for one in refusal.value.findings} == {("undeclared", "approved"), ("form", "")}


@pytest.mark.parametrize(
    "name",
    ["typename", "__x", "len", "lambda", "dmninputexpr", "cell_input", "Upper", "1a", "a" * 60, "parameter", "_x"],
)
def test_a_dictionary_cannot_declare_a_reserved_name(name):
    content = {"process": "p", "fields": {name: {"type": "text", "zh": "x", "en": "x", "from": "form"}}}
    with pytest.raises(BadDefinition) as refusal:
        Dictionary.read(json.dumps(content).encode())
    assert [one.rule for one in refusal.value.findings] == ["reserved-name"]
