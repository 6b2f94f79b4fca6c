"""`bangfu calendar add`: the due date, and an arithmetic that can be checked by hand."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from web.cli.calendar import calendar


def run(*arguments: str) -> Result:
    return CliRunner().invoke(calendar, ["add", *arguments])


def test_the_due_date_comes_first_then_the_arithmetic_in_chinese_and_in_english():
    result = run("2016-09-28", "10")
    assert result.exit_code == 0
    chinese, english = result.output.split("\n\n")
    assert chinese.splitlines()[:4] == [
        "期限：2016-10-17 周一",
        "2016-09-28收到，10个工作日",
        "  2016-09-28 周三 收到当日，不计",
        "  2016-09-29 周四 第1日",
    ]
    assert english.splitlines()[0] == "Due: 2016-10-17 Monday"
    assert english.splitlines()[-1] == "  2016-10-17 Monday: day 10"


def test_one_language_may_be_asked_for():
    assert "Due:" not in run("2016-09-28", "10", "--lang", "zh").output
    assert "期限" not in run("2016-09-28", "10", "--lang", "en").output


def test_natural_days_roll_off_days_of_rest():
    result = run("2016-09-29", "7", "--natural", "--lang", "zh")
    assert result.output.startswith("期限：2016-10-08 周六\n2016-09-29收到，7个自然日\n")
    assert "顺延至本日" in result.output


def test_a_date_beyond_the_published_calendar_is_an_answer_and_says_that_it_is_provisional():
    result = run("2026-12-30", "5")
    assert result.exit_code == 0
    assert "（暂定）" in result.output
    assert "provisional" in result.output
    assert "尚未公布" in result.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("2016-02-30", "10"), "2016-09-28"),
        (("20160928", "10"), "2016-09-28"),
        (("28.9.2016", "10"), "2016-09-28"),
        (("9999-12-30", "10"), "2199"),
        (("2016-09-28", "ten"), "整数"),
        (("2016-09-28", "-5"), "整数"),
        (("2016-09-28", "1.5"), "整数"),
        (("2016-09-28", "999999999999"), "整数"),
    ],
)
def test_what_is_no_date_or_no_number_is_refused_in_both_languages_with_code_2(arguments, told):
    result = run(*arguments)
    assert result.exit_code == 2
    assert told in result.output
    assert "Wanted" in result.output
    assert "Traceback" not in result.output
