"""Decision tables: which rows hit, in which order, and what they say when nothing fits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from gate_files import table

from engine.errors import BadDefinition, EngineError
from engine.runtime.bundle import Bundle
from engine.runtime.decisions import Decision
from engine.runtime.expressions import SafeEnvironment
from engine.runtime.parameters import Parameters

WORKFLOWS = Path(__file__).parents[3] / "workflows"
PLAIN = SafeEnvironment()
LEVELS = ('< 100 -> "TOWN" | a', '100 <= ? < 500 -> "COUNTY" | b', '>= 300 -> "CITY" | c')


def decide(policy: str, amount: object, *rows: str, **more: object):
    return Decision.read(table(*(rows or LEVELS), policy=policy)).decide({"amount": amount, **more}, PLAIN)


def test_first_takes_the_first_row_that_hits_and_tells_its_citation():
    told = decide("FIRST", 300)
    assert told.outputs == {"answer": "COUNTY"}
    assert [(hit.number, hit.id, hit.citation) for hit in told.hits] == [(2, "r1", "b")]
    assert told.inputs == {"in": 300}


def test_unique_with_two_hits_is_an_accident_and_not_the_first():
    assert decide("UNIQUE", 99).outputs == {"answer": "TOWN"}
    with pytest.raises(EngineError, match="rows 2, 3 hit"):
        decide("UNIQUE", 300)


def test_collect_gives_every_hit_as_a_list():
    assert decide("COLLECT", 300).outputs == {"answer": ["COUNTY", "CITY"]}
    assert decide("COLLECT", 99).outputs == {"answer": ["TOWN"]}


@pytest.mark.parametrize("policy", ["FIRST", "UNIQUE", "COLLECT"])
def test_no_hit_is_an_accident_that_names_the_table_and_the_value(policy):
    with pytest.raises(EngineError, match=r"judge fits \{'in': 100\}"):
        decide(policy, 100, '< 100 -> "TOWN" | a')


@pytest.mark.parametrize(
    ("cell", "value", "hits"),
    [
        ("-", 5, True),
        ("", 5, True),
        ("5", 5, True),
        ("5", 6, False),
        ('"JD"', "JD", True),
        ('? in ["JD", "DB"]', "DB", True),
        ('in ["JD", "DB"]', "TK", False),
        ('not in ["JD"]', "TK", True),
        ('"JD" in ?', ["JD", "DB"], True),
        ("!= 3", 3, False),
        ("?", True, True),
        ("not ?", True, False),
        ('? == "a?b"', "a?b", True),
        ("half_up(?, 2) == 3", 5, True),
        ("limit", 7, True),
        ("< limit", 7, False),
    ],
)
def test_a_cell_compares_the_input(cell, value, hits):
    rows = (f"{cell} -> 1 | a", "- -> 0 | b")
    assert decide("FIRST", value, *rows, limit=7).outputs == {"answer": int(hits)}


def test_form_data_cannot_take_the_place_of_the_input():
    told = decide("FIRST", 50_000, '0 < ? < 1000 -> "town" | a', '- -> "county" | b', dmninputexpr=5, cell_input=5)
    assert told.outputs == {"answer": "county"}


def test_a_bad_table_names_its_line():
    with pytest.raises(BadDefinition) as refusal:
        Decision.read(table("- -> 1 | a", "[1..5] -> 1 | a"))
    assert [(one.rule, one.line) for one in refusal.value.findings] == [("cell", 7)]


def test_the_registered_poor_are_never_carried_at_less_than_seventy_per_cent():
    path = WORKFLOWS / "parameters" / "medical_assistance.json"
    content = json.loads(path.read_text("utf-8"))
    Parameters.read(path.read_bytes())
    entry = next(one for one in content["entries"] if one["name"] == "medical_ratio" and one["keys"] == ["JD"])
    entry["value"] = 6900
    with pytest.raises(BadDefinition) as refusal:
        Parameters.read(json.dumps(content).encode(), path.name)
    assert [(one.rule, one.element) for one in refusal.value.findings] == [("below-floor", "medical_ratio")]
    assert "粤发〔2016〕13号 §9" in refusal.value.findings[0].reason.zh


def test_a_county_s_own_number_goes_before_everybody_s_and_an_unknown_one_is_an_accident():
    entries = [
        {
            "name": "cap",
            "keys": [],
            "value": 6,
            "year_from": 2016,
            "year_to": None,
            "county": "*",
            "source": "待县确认",
        },
        {
            "name": "cap",
            "keys": [],
            "value": 9,
            "year_from": 2017,
            "year_to": 2017,
            "county": "441882",
            "source": "县文件",
        },
    ]
    numbers = Parameters.read(json.dumps({"entries": entries}).encode())
    assert numbers.lookup("cap", year=2017, county="441882") == 9
    assert numbers.lookup("cap", year=2018, county="441882") == 6
    assert numbers.lookup("cap", year=2017, county="441424") == 6
    with pytest.raises(EngineError, match=r"no policy number cap\(\) for 2015"):
        numbers.lookup("cap", year=2015, county="441882")
    with pytest.raises(EngineError):
        numbers.lookup("cap", "JD", year=2017, county="441882")


def test_a_number_without_a_source_cannot_be_deployed():
    entry = {"name": "cap", "keys": [], "value": 6, "year_from": 2016, "county": "*"}
    with pytest.raises(BadDefinition) as refusal:
        Parameters.read(json.dumps({"entries": [entry]}).encode())
    assert [one.rule for one in refusal.value.findings] == ["parameter-source"]


def test_a_bundle_holds_what_a_process_names_and_keeps_its_digest_through_storage():
    bundle = Bundle.from_folder(WORKFLOWS, "medical_assistance")
    assert {"medical_assistance.bpmn", "public_notice.bpmn", "medical_amount.dmn", "organisation.json"} <= set(
        bundle.files
    )
    assert "escalation.dmn" not in bundle.files
    again = Bundle.from_bytes(bundle.to_bytes())
    assert (again.digest, again.files, again.process_id) == (bundle.digest, bundle.files, "medical_assistance")
    assert bundle.to_bytes() == again.to_bytes()
    changed = Bundle(bundle.process_id, bundle.files | {"organisation.json": b"{}"})
    assert changed.digest != bundle.digest


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadDefinition) as refusal:
        Bundle.from_folder(tmp_path, "nothing")
    assert ("file-missing", "nothing.bpmn") in {(one.rule, one.file) for one in refusal.value.findings}
