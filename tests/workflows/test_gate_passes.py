"""What we deploy passes the gate whole; and the gate does look at it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.runtime.bundle import Bundle
from engine.runtime.gate import check_bundle, check_file

WORKFLOWS = Path(__file__).parents[2] / "workflows"


@pytest.fixture(scope="module")
def bundle():
    return Bundle.from_folder(WORKFLOWS, "medical_assistance")


def test_the_medical_bundle_passes_the_gate(bundle):
    assert [str(finding) for finding in check_bundle(bundle)] == []


def test_the_bundle_holds_all_drawings_tables_and_forms(bundle):
    assert {path for path in bundle.files if path.endswith(".bpmn")} == {
        "medical_assistance.bpmn",
        "medical_assessment.bpmn",
        "public_notice.bpmn",
    }
    assert sum(path.endswith(".dmn") for path in bundle.files) == 4
    assert sum(path.startswith("forms/") for path in bundle.files) == 13


@pytest.mark.parametrize(
    "path", sorted([*WORKFLOWS.glob("*.bpmn"), *WORKFLOWS.glob("*.dmn")]), ids=lambda path: path.name
)
def test_every_file_passes_alone(path):
    assert [str(finding) for finding in check_file(path.name, path.read_bytes())] == []


SLIPS = {
    "a name nobody declared": (
        "medical_assistance.bpmn",
        "county_outcome == &quot;RETURN&quot;",
        "county_answer == &quot;RETURN&quot;",
    ),
    "a post of another level": ("medical_assistance.bpmn", 'value="CTY_FIN"', 'value="TWN_FIN"'),
    "a form that is not there": ("medical_assistance.bpmn", 'name="form" value="pay"', 'name="form" value="payment"'),
    "a clock by the wall": ("medical_assistance.bpmn", "workdays(3)", "somedays(3)"),
    "a plain end beside the withdrawal": (
        "medical_assistance.bpmn",
        '<bpmn:terminateEventDefinition id="End_done_td"/>',
        "",
    ),
    "two answers that can hold together": (
        "medical_assistance.bpmn",
        "county_outcome == &quot;REJECT&quot;",
        "aid_fen &gt; 0",
    ),
    "a policy that ANY would change": ("medical_route.dmn", 'hitPolicy="FIRST"', 'hitPolicy="ANY"'),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_of_the_pen_does_not_pass(bundle, slip):
    path, written, slipped = SLIPS[slip]
    text = bundle.files[path].decode("utf-8")
    forms = (written, written.replace("&quot;", '"'))
    found = next((form for form in forms if form in text), None)
    assert found, f"{path} no longer says {written}"
    spoilt = text.replace(found, slipped, 1).encode()
    findings = check_bundle(replace(bundle, files={**bundle.files, path: spoilt}))
    assert findings
    assert all(finding.file and finding.reason.zh and finding.reason.en for finding in findings)
