"""`bangfu check` and `bangfu decide`, as somebody who draws and writes rules uses them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from web.cli.check import check
from web.cli.decide import decide

WORKFLOWS = Path(__file__).parents[3] / "workflows"
SCOPE = str(WORKFLOWS / "medical_scope.dmn")


def run(command, *arguments: str):
    return CliRunner().invoke(command, list(arguments))


def test_our_own_drawings_may_be_deployed():
    told = run(check, *(str(path) for path in sorted([*WORKFLOWS.glob("*.bpmn"), *WORKFLOWS.glob("*.dmn")])))
    assert told.exit_code == 0
    assert "may be deployed" in told.stderr
    assert told.stdout == ""


def test_a_fault_is_one_line_with_file_line_and_reason(tmp_path):
    shutil.copytree(WORKFLOWS, tmp_path / "w")
    file = tmp_path / "w" / "medical_assistance.bpmn"
    text = (
        file.read_text("utf-8").replace('default="F_review_agree"', "").replace("<bpmn:timeDate", "<bpmn:timeCycle", 1)
    )
    file.write_text(text.replace("</bpmn:timeDate>", "</bpmn:timeCycle>", 1), "utf-8")
    told = run(check, str(file), "--lang", "en")
    assert told.exit_code == 1
    lines = told.stdout.splitlines()
    assert all(re.match(rf"{re.escape(str(file))}:\d+: ", line) for line in lines)
    place = next(number for number, line in enumerate(text.splitlines(), 1) if 'id="G_review"' in line)
    assert any(line.startswith(f"{file}:{place}: [G_review] gateway-default:") for line in lines)
    assert "timer-kind" in told.stdout


@pytest.mark.parametrize("content", [b"", b"\x00", b"<a", b"<!DOCTYPE a><a/>", b"<a/>"])
def test_a_file_that_is_no_drawing_gets_a_sentence(tmp_path, content):
    file = tmp_path / "x.bpmn"
    file.write_bytes(content)
    told = run(check, str(file))
    assert told.exit_code == 1
    assert told.exception is None or isinstance(told.exception, SystemExit)
    assert len(told.stdout.splitlines()) == 1


def test_a_file_that_is_not_there_and_one_of_another_kind_get_a_sentence(tmp_path):
    for name in (str(tmp_path / "none.bpmn"), str(tmp_path / "x.txt"), str(tmp_path)):
        told = run(check, name)
        assert told.exit_code == 1
        assert isinstance(told.exception, SystemExit)


def test_a_drawing_that_stands_alone_says_what_was_not_checked(tmp_path):
    shutil.copy(WORKFLOWS / "public_notice.bpmn", tmp_path)
    told = run(check, str(tmp_path / "public_notice.bpmn"))
    assert told.exit_code == 0
    assert "not checked" in told.stderr


def test_a_decision_tells_the_rows_it_hit_and_their_rules():
    told = run(decide, SCOPE, '{"aid_fen": 5000001}')
    assert told.exit_code == 0
    assert "粤发〔2016〕13号 §13" in told.stdout
    assert 'scope = ["FINANCE", "LEADER", "CITY", "COUNTY"]' in told.stdout
    program = json.loads(run(decide, SCOPE, '{"aid_fen": 5000000}', "--json").stdout)
    assert program["outputs"] == {"scope": ["FINANCE", "LEADER", "COUNTY"]}
    assert [hit["row"] for hit in program["hits"]] == [1, 2, 4]


@pytest.mark.parametrize(
    "told",
    [
        "",
        "x",
        "[]",
        "{}",
        '{"aid_fen": 1.5}',
        '{"aid_fen": NaN}',
        '{"aid_fen": "a"}',
        '{"aid_fen": ' + "9" * 5000 + "}",
        "[" * 5000,
        '{"__builtins__": 1}',
    ],
)
def test_bad_input_gets_a_sentence_and_exit_1(told):
    result = run(decide, SCOPE, told)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert result.stderr.startswith("Error: ")


@pytest.mark.parametrize("table", ["none.dmn", "organisation.json", "medical_assistance.bpmn", "."])
def test_a_table_that_is_none_gets_a_sentence(table):
    result = run(decide, str(WORKFLOWS / table), "{}")
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
