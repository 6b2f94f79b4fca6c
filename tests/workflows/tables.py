"""Decide with the deployed tables, for tests that read like the tables of DOMAIN.md C.

`assess` takes the steps of medical_assessment.bpmn in the order in which they are drawn, with the assignments written there; so a
worked case goes through exactly what a claim goes through, without a case around it.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

from engine.runtime.decisions import Decision, DecisionResult
from engine.runtime.expressions import SafeEnvironment

WORKFLOWS = Path(__file__).parents[2] / "workflows"
NAMES = {
    "b": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "s": "http://spiffworkflow.org/bpmn/schema/1.0/core",
}

ORDINARY: dict[str, Any] = {
    "settlement_duplicate": False,
    "excluded_cause": "NONE",
    "insured": True,
    "insurance_kind": "RESIDENT",
    "id_valid": True,
    "patient_alive": True,
    "payee_is_heir": False,
    "categories": ["JD"],
    "economic_finding": "NONE",
    "admitted_on": "2018-09-03",
    "discharged_on": "2018-09-21",
    "disease_class": "ORDINARY",
    "total_fen": 0,
    "noncompliant_fen": 0,
    "basic_paid_fen": 0,
    "serious_paid_fen": 0,
    "other_paid_fen": 0,
    "paid_this_year_fen": 0,
}
"""A claim of a registered poor person against which nothing speaks."""


@cache
def entries() -> list[dict[str, Any]]:
    files = sorted((WORKFLOWS / "parameters").glob("*.json"))
    return [entry for file in files for entry in json.loads(file.read_text(encoding="utf-8"))["entries"]]


def number(name: str, *keys: str, year: int = 2018) -> int:
    """Return a policy number as the files have it; exactly one entry must fit."""
    fitting = [
        entry["value"]
        for entry in entries()
        if entry["name"] == name
        and entry["keys"] == list(keys)
        and entry["year_from"] <= year <= (entry["year_to"] or 9999)
        and entry["county"] == "*"
    ]
    assert len(fitting) == 1, (name, keys, year, fitting)
    return fitting[0]


@cache
def table(name: str) -> Decision:
    path = WORKFLOWS / f"{name}.dmn"
    return Decision.read(path.read_bytes(), path.name)


def decide(name: str, year: int = 2018, /, **data: Any) -> DecisionResult:
    """Let one table decide over these data with the numbers of a year."""
    return table(name).decide(data, environment(year))


def environment(year: int) -> SafeEnvironment:
    return SafeEnvironment({"parameter": lambda name, *keys: number(name, *keys, year=year)})


def fen(yuan: str) -> int:
    """68,532.40 → 6853240."""
    whole, _, rest = yuan.replace(",", "").partition(".")
    return int(whole) * 100 + int(rest.ljust(2, "0") or 0)


def assess(year: int = 2018, /, **claim: Any) -> dict[str, Any]:
    """Return a claim's data after the four tables; amounts may be given as text in yuan."""
    data = dict(ORDINARY)
    for name, value in claim.items():
        data[name] = fen(value) if name.endswith("_fen") and isinstance(value, str) else value
    house = environment(year)
    for step in etree.parse(WORKFLOWS / "medical_assessment.bpmn").iterfind(".//b:businessRuleTask", NAMES):
        house.execute(step.findtext(".//s:preScript", "", NAMES), data)
        result = table(step.findtext(".//s:calledDecisionId", "", NAMES)).decide(data, house)
        data.update(result.outputs)
        house.execute(step.findtext(".//s:postScript", "", NAMES), data)
    return data
