"""Drawing, forms, tables, dictionary, parameters, posts and brief speak of the same things by the same names."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
from lxml import etree
from tables import entries

from engine.errors import BadDefinition
from engine.people.levels import Level
from engine.people.organisation import Organisation
from engine.runtime import Definition
from engine.runtime.bundle import Bundle
from engine.runtime.expressions import assignments, parse, read
from engine.runtime.parameters import Parameters

WORKFLOWS = Path(__file__).parents[2] / "workflows"
DRAWINGS = sorted(WORKFLOWS.glob("*.bpmn"))
TABLES = sorted(WORKFLOWS.glob("*.dmn"))
FORMS = sorted(WORKFLOWS.glob("forms/*/*.json"))
DICTIONARY = json.loads((WORKFLOWS / "medical_assistance.dictionary.json").read_text(encoding="utf-8"))["fields"]
BRIEF = json.loads((WORKFLOWS / "briefs" / "medical_assistance.json").read_text(encoding="utf-8"))
NAMES = {
    "b": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "s": "http://spiffworkflow.org/bpmn/schema/1.0/core",
    "d": "https://www.omg.org/spec/DMN/20191111/MODEL/",
}
DUTIES = {"survey", "review", "approve", "pay", "file"}
ROLES_OF_B0_1 = {
    "VIL_CLERK",
    "VIL_SECRETARY",
    "VIL_TEAM",
    "VIL_HELPER",
    "TWN_POV",
    "TWN_CIVIL",
    "TWN_BUILD",
    "TWN_FIN",
    "TWN_LEADER",
    "CTY_POV",
    "CTY_CIVIL",
    "CTY_HOUSING",
    "CTY_FIN",
    "CTY_HR",
    "CTY_DATA",
    "CTY_LEADER",
    "BANK_OFFICER",
    "BANK_APPROVER",
    "CIT_POV",
    "CIT_DEPT",
    "CIT_LEADER",
    "PRV_POV",
    "PRV_DEPT",
    "PRV_LEADER",
    "AUDITOR",
    "PAIR_TEAM",
}


@pytest.fixture(scope="module")
def definition():
    return Definition.read(Bundle.from_folder(WORKFLOWS, "medical_assistance"))


@pytest.fixture(scope="module")
def organisation():
    return Organisation.from_folder(WORKFLOWS)


def drawn_expressions():
    """Every expression of every drawing, with the names its assignments set, by where it stands."""
    for path in DRAWINGS:
        root = etree.parse(path).getroot()
        for node in root.iterfind(".//b:conditionExpression", NAMES):
            yield f"{path.name} {node.getparent().get('id')}", node.text, None
        for node in root.iterfind(".//b:timeDate", NAMES):
            yield f"{path.name} {node.getparent().get('id')}", node.text, None
        for tag in ("preScript", "postScript"):
            for node in root.iterfind(f".//s:{tag}", NAMES):
                for name, expression in assignments(node.text):
                    yield f"{path.name} {node.getparent().getparent().get('id')}", expression, name


def table_expressions():
    for path in TABLES:
        root = etree.parse(path).getroot()
        for node in root.iterfind(".//d:inputExpression/d:text", NAMES):
            yield path.name, node.text
        for entry in root.iterfind(".//d:inputEntry/d:text", NAMES):
            if entry.text not in {"-", None}:
                text = entry.text.replace("?", "1")
                yield path.name, text if not re.match(r"\s*[<>=!]", text) else f"1 {text}"
        for node in root.iterfind(".//d:outputEntry/d:text", NAMES):
            yield path.name, node.text


def brief_expressions():
    for row in BRIEF["rows"]:
        yield from (row[name] for name in ("ok", "attention", "when") if name in row)
        for part in row.values():
            if isinstance(part, dict):
                yield from (value.partition("|")[0] for value in part.get("values", {}).values())
    for term in BRIEF["working"]:
        yield from (term[name] for name in ("value", "when") if name in term)


ESCALATION_NAMES = {"elapsed_days", "limit_days", "stage", "moves_to"}
"""The escalation table is asked about a task, not about a claim."""


def test_every_name_of_the_drawings_is_declared():
    for where, expression, assigned in drawn_expressions():
        names = read(expression).names | ({assigned} if assigned else set())
        assert names <= set(DICTIONARY), (where, names - set(DICTIONARY))


def test_every_name_of_the_tables_is_declared():
    for where, expression in table_expressions():
        assert read(expression).names <= set(DICTIONARY) | ESCALATION_NAMES, (where, expression)
    for path in TABLES:
        outputs = {node.get("name") for node in etree.parse(path).getroot().iterfind(".//d:output", NAMES)}
        assert outputs <= set(DICTIONARY) | ESCALATION_NAMES, path.name


def test_every_name_of_the_brief_is_declared():
    for expression in brief_expressions():
        assert read(expression).names <= set(DICTIONARY), expression
    assert set(BRIEF["summary"].values()) <= set(DICTIONARY)


def test_every_declared_input_and_output_of_a_called_drawing_is_in_the_dictionary():
    for path in DRAWINGS:
        root = etree.parse(path).getroot()
        for node in root.iterfind(".//b:ioSpecification/*[@id]", NAMES):
            assert node.get("id") in DICTIONARY, (path.name, node.get("id"))


def test_nothing_is_declared_that_nobody_uses():
    used = set()
    for _, expression, assigned in drawn_expressions():
        used |= read(expression).names | {assigned}
    for _, expression in table_expressions():
        used |= read(expression).names
    for expression in brief_expressions():
        used |= read(expression).names
    for path in (*DRAWINGS, *TABLES, *FORMS):
        used |= set(re.findall(r"[a-z][a-z0-9_]+", path.read_text(encoding="utf-8")))
    used |= {"case_no", "household_no", "person_no", "village_group", "household_size", "region_code", "patient_id_no"}
    assert set(DICTIONARY) - used == {"ledger_entry_no"}, "written by the ledger, shown with the case"


@pytest.mark.parametrize("path", FORMS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_form_shows_every_field_it_asks_and_offers_what_the_dictionary_offers(path):
    form = json.loads(path.read_text(encoding="utf-8"))
    properties = form["schema"]["properties"]
    shown = [name for section in form["ui"]["sections"] for name in section["fields"]]
    outcome = [form["outcome"]["field"]] if form["outcome"] else []
    assert sorted(shown + outcome) == sorted(properties)
    assert set(form["ui"]["help"]) <= set(properties)
    assert set(form["shows"]) <= set(DICTIONARY)
    for name, schema in properties.items():
        if "enum" in schema:
            assert schema["enum"] == [choice["value"] for choice in DICTIONARY[name]["choices"]], name
    for text in re.findall(r'"(?:zh|en)": "([^"]*)"', path.read_text(encoding="utf-8")):
        assert text.strip()


@pytest.mark.parametrize("path", FORMS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_return_and_refusal_needs_an_opinion(path):
    outcome = json.loads(path.read_text(encoding="utf-8"))["outcome"]
    for choice in (outcome or {"choices": []})["choices"]:
        assert choice["needs_opinion"] == (choice["tone"] != "positive"), choice["value"]
        assert choice["line"]["zh"]
        assert choice["line"]["en"]


def test_every_step_of_a_person_has_a_form_a_duty_and_a_post_of_its_lane(definition, organisation):
    tasks = [element for element in definition.elements.values() if element.kind == "userTask"]
    for task in tasks:
        assert task.properties["duty"] in DUTIES, task.id
        assert task.properties["form"] in definition.forms, task.id
        assert organisation.role(task.properties["post"]).level is task.level, task.id
    assert {task.properties["form"] for task in tasks} == {path.stem for path in FORMS}


def test_filing_lists_are_named_at_city_and_province(definition):
    lists = {e.id: e.properties["list"] for e in definition.elements.values() if "list" in e.properties}
    assert lists == {"T_city": "city_filing", "T_province": "province_filing"}


def test_outcomes_are_named_after_their_step(definition):
    tasks = [element for element in definition.elements.values() if element.kind == "userTask"]
    for task in tasks:
        form = definition.forms[task.properties["form"]]
        if form.outcome is not None:
            assert form.outcome.field == f"{task.id.removeprefix('T_')}_outcome"


def test_every_end_of_the_main_drawing_says_how_the_case_ended(definition):
    ends = {
        element.id: element.properties.get("status")
        for element in definition.elements.values()
        if element.kind == "endEvent" and element.process_id == "medical_assistance" and element.id.startswith("End_")
    }
    assert ends == {
        "End_withdrawn": "WITHDRAWN",
        "End_town_refused": "REJECTED",
        "End_county_refused": "REJECTED",
        "End_nothing": "NOTHING_TO_PAY",
        "End_done": "COMPLETED",
    }


def test_what_is_private_is_never_shown_at_the_notice():
    for path in (WORKFLOWS / "forms" / "public_notice").glob("*.json"):
        form = json.loads(path.read_text(encoding="utf-8"))
        asked = set(form["schema"]["properties"]) | set(form["shows"])
        assert [name for name in asked if DICTIONARY[name].get("private")] == []
    private = {name for name, entry in DICTIONARY.items() if entry.get("private")}
    assert private >= {"diagnosis", "patient_id_no", "bank_card", "phone"}


# ---- posts ----------------------------------------------------------------------------------------------------------------


def test_every_role_of_the_domain_is_there_with_its_level(organisation):
    assert set(organisation.roles) >= ROLES_OF_B0_1
    prefixes = {
        "VIL": Level.VILLAGE,
        "TWN": Level.TOWNSHIP,
        "CTY": Level.COUNTY,
        "CIT": Level.CITY,
        "PRV": Level.PROVINCE,
    }
    for code, role in organisation.roles.items():
        assert role.level is prefixes.get(code[:3], Level.COUNTY)
        assert "{place}" in role.body.zh
        assert "{place}" in role.body.en


def test_the_office_above_is_one_level_up(organisation):
    order = list(Level)
    for role in organisation.roles.values():
        if role.upper is not None:
            assert order.index(organisation.role(role.upper).level) == order.index(role.level) + 1, role.code


# ---- numbers --------------------------------------------------------------------------------------------------------------


def used_parameters():
    texts = [expression for _, expression, _ in drawn_expressions()] + [
        expression for _, expression in table_expressions()
    ]
    for text in texts:
        for call in ast.walk(parse(text)):
            if isinstance(call, ast.Call) and call.func.id == "parameter":
                yield tuple(ast.literal_eval(one) if isinstance(one, ast.Constant) else None for one in call.args)


@pytest.mark.parametrize("year", [2016, 2017, 2018, 2019, 2024, 2025, 2026, 2030])
def test_every_number_the_tables_ask_for_is_set_in_every_year(year):
    known = {
        (entry["name"], *entry["keys"])
        for entry in entries()
        if entry["year_from"] <= year <= (entry["year_to"] or 9999)
    }
    for name, *keys in set(used_parameters()):
        if None in keys:
            assert any(one[0] == name for one in known), (name, year)
        else:
            assert (name, *keys) in known, (name, keys, year)
    for category in ("TK", "DB", "JD", "LOW", "ILL"):
        assert {("medical_ratio", category), ("medical_cap", category), ("medical_deductible", category)} <= known


def test_every_number_names_its_source_or_asks_the_county():
    assert [entry["name"] for entry in entries() if not entry["source"].strip()] == []


@pytest.mark.parametrize("category", ["JD", "DB", "TK"])
def test_c3_a_ratio_of_69_percent_for_the_registered_poor_is_refused(category):
    content = json.loads((WORKFLOWS / "parameters" / "medical_assistance.json").read_text(encoding="utf-8"))
    Parameters.read(json.dumps(content).encode())
    for entry in content["entries"]:
        if (entry["name"], entry["keys"]) == ("medical_ratio", [category]):
            entry["value"] = 6900
    with pytest.raises(BadDefinition) as refused:
        Parameters.read(json.dumps(content).encode())
    assert "粤发〔2016〕13号 §9" in str(refused.value.findings[0].reason.zh)
