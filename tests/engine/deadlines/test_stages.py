"""DOMAIN.md C7, as the table has it, and the moments at which its stages begin."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from engine.deadlines.calendar import DueDate, start_of_working_day
from engine.deadlines.clock import Clock, PauseReason
from engine.deadlines.seed import seed_calendar, seed_thresholds
from engine.deadlines.stages import Stage, Thresholds, moment_of, next_stage, stage_at, stage_of
from engine.settings import Settings


@pytest.mark.parametrize(
    ("elapsed", "stage"),
    [
        (0, "NONE"),
        (6, "NONE"),
        (7, "REMIND"),
        (10, "REMIND"),
        (11, "YELLOW"),
        (13, "YELLOW"),
        (14, "RED"),
        (17, "RED"),
        (18, "TAKEOVER"),
        (25, "TAKEOVER"),
        (26, "UPPER2"),
        (400, "UPPER2"),
    ],
)
def test_with_a_limit_of_ten_days_the_stages_are_as_in_the_table(thresholds, elapsed, stage):
    assert stage_of(elapsed, 10, thresholds) is Stage(stage)


@pytest.mark.parametrize(
    ("elapsed", "stage"),
    [
        (2, "NONE"),
        (3, "REMIND"),
        (4, "YELLOW"),
        (6, "YELLOW"),
        (7, "RED"),
        (10, "RED"),
        (11, "TAKEOVER"),
        (19, "UPPER2"),
    ],
)
def test_with_a_limit_of_three_days_the_stages_are_as_in_the_table(thresholds, elapsed, stage):
    assert stage_of(elapsed, 3, thresholds) is Stage(stage)


@given(st.integers(0, 500), st.integers(1, 300))
def test_the_stage_is_what_the_written_rule_says_for_every_count_and_limit(e, limit):
    expected = Stage.NONE
    if 10 * e >= 7 * limit:
        expected = Stage.REMIND
    for late, stage in ((0, Stage.YELLOW), (3, Stage.RED), (7, Stage.TAKEOVER), (15, Stage.UPPER2)):
        if e > limit + late:
            expected = stage
    assert stage_of(e, limit, seed_thresholds()) is expected


# ---- the drawn table is the authority, and this room agrees with it -----------------------------------------------------

WORKFLOWS = Settings.from_environment().workflows
DMN = "{https://www.omg.org/spec/DMN/20191111/MODEL/}"


def drawn_table():
    """Return escalation.dmn as (input expressions, rules), each rule as (input entries, stage): read here independently."""
    parameters = {
        entry["name"]: entry["value"]
        for entry in json.loads((WORKFLOWS / "parameters" / "escalation.json").read_text(encoding="utf-8"))["entries"]
    }

    def plain(text: str) -> str:
        return re.sub(r'parameter\("([^"]+)"\)', lambda found: str(parameters[found[1]]), text.strip())

    root = etree.parse(str(WORKFLOWS / "escalation.dmn")).getroot()
    inputs = [plain(node.findtext(f"{DMN}text")) for node in root.iter(f"{DMN}inputExpression")]
    rules = [
        (
            [plain(entry.findtext(f"{DMN}text")) for entry in rule.iter(f"{DMN}inputEntry")],
            json.loads(rule.find(f"{DMN}outputEntry").findtext(f"{DMN}text")),
        )
        for rule in root.iter(f"{DMN}rule")
    ]
    return [compile(text, "input", "eval") for text in inputs], [
        ([condition(entry) for entry in entries], stage) for entries, stage in rules
    ]


def condition(entry: str):
    if entry == "-":
        return compile("True", "any", "eval")
    return compile(entry.replace("?", "value") if "?" in entry else f"value {entry}", "entry", "eval")


def test_for_every_count_and_limit_exactly_one_row_of_the_drawn_table_fits_and_it_is_this_stage(thresholds):
    inputs, rules = drawn_table()
    assert len(rules) == len(Stage)
    for limit in range(1, 61):
        for elapsed in range(limit + 25):
            values = [eval(i, {"elapsed_days": elapsed, "limit_days": limit}) for i in inputs]
            hits = [
                stage
                for entries, stage in rules
                if all(eval(entry, {"value": value}) for entry, value in zip(entries, values, strict=True))
            ]
            assert hits == [stage_of(elapsed, limit, thresholds).value], (elapsed, limit)


RECEIVED = datetime(2016, 9, 28, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stage", "day"),
    [
        (Stage.REMIND, date(2016, 10, 12)),
        (Stage.YELLOW, date(2016, 10, 18)),
        (Stage.RED, date(2016, 10, 21)),
        (Stage.TAKEOVER, date(2016, 10, 27)),
        (Stage.UPPER2, date(2016, 11, 8)),
    ],
)
def test_a_stage_begins_at_midnight_in_china_of_the_working_day_that_reaches_it(calendar, thresholds, stage, day):
    moment = moment_of(stage, Clock(RECEIVED, 10), calendar, thresholds)
    assert moment == start_of_working_day(day)
    assert moment is not None
    assert stage_at(moment, Clock(RECEIVED, 10), calendar, thresholds) is stage
    assert stage_at(moment - timedelta(seconds=1), Clock(RECEIVED, 10), calendar, thresholds) < stage


def test_nothing_begins_when_the_clock_starts(calendar, thresholds):
    assert moment_of(Stage.NONE, Clock(RECEIVED, 10), calendar, thresholds) == RECEIVED


def test_a_clock_that_stands_still_comes_to_no_further_stage(calendar, thresholds):
    stopped = Clock(RECEIVED, 10).pause(datetime(2016, 10, 13, 1, tzinfo=UTC), PauseReason.SUPPLEMENT)
    assert moment_of(Stage.REMIND, stopped, calendar, thresholds) == start_of_working_day(date(2016, 10, 12))
    assert moment_of(Stage.YELLOW, stopped, calendar, thresholds) is None
    assert stage_at(datetime(2017, 10, 13, 1, tzinfo=UTC), stopped, calendar, thresholds) is Stage.REMIND


def test_a_resumed_clock_comes_to_its_stages_later(calendar, thresholds):
    clock = Clock(RECEIVED, 10).pause(datetime(2016, 10, 13, 1, tzinfo=UTC), PauseReason.SUPPLEMENT)
    clock = clock.resume(datetime(2016, 10, 20, 1, tzinfo=UTC))
    assert clock.due(RECEIVED, calendar) == DueDate(date(2016, 10, 24))
    assert moment_of(Stage.YELLOW, clock, calendar, thresholds) == start_of_working_day(date(2016, 10, 25))


@given(st.integers(0, 1440 * 1000), st.integers(1, 60))
def test_stages_come_in_order_and_each_after_the_due_moment_from_yellow_on(minutes, limit):
    calendar, thresholds = seed_calendar(), seed_thresholds()
    clock = Clock(datetime(2016, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes), limit)
    moments = [moment_of(stage, clock, calendar, thresholds) for stage in Stage]
    assert moments == sorted(moments)  # type: ignore[type-var]
    due = clock.due(clock.started_at, calendar)
    assert all((moment > due.at) == (stage >= Stage.YELLOW) for stage, moment in zip(Stage, moments, strict=True))


def test_the_stages_follow_one_another_to_the_last():
    assert [next_stage(stage) for stage in Stage] == [*list(Stage)[1:], None]
    assert sorted(Stage) == list(Stage)


def test_every_stage_has_its_words():
    assert [stage.text.zh for stage in Stage] == ["正常", "临期提醒", "黄牌", "红牌", "上级督办", "再上一级督办"]
    assert all(stage.text.en for stage in Stage)


@pytest.mark.parametrize(
    "numbers", [(0, 0, 3, 7, 15), (101, 0, 3, 7, 15), (70, -1, 3, 7, 15), (70, 3, 3, 7, 15), (70, 0, 3, 15, 7)]
)
def test_thresholds_out_of_order_are_an_error(numbers):
    with pytest.raises(ValueError, match="Expected"):
        Thresholds(*numbers)


def test_thresholds_come_from_the_parameter_file_and_every_entry_cites_its_source(thresholds):
    assert thresholds == Thresholds(70, 0, 3, 7, 15)
    with pytest.raises(KeyError, match="escalation"):
        Thresholds.from_entries([])
