"""DOMAIN.md B0.2 and D7, as the tables have them, and the calendar against a slow model that only walks from day to day."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest
from chinese_calendar import is_workday
from hypothesis import given
from hypothesis import strategies as st

from engine.deadlines.calendar import DayRole, DueDate, WorkingCalendar, end_of_day, start_of_working_day
from engine.deadlines.seed import seed_calendar, seed_days


def day(text: str) -> date:
    return date.fromisoformat(text)


# ---- the worked dates of B0.2 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("received", "limit", "due"),
    [
        ("2016-09-28", 10, "2016-10-17"),
        ("2017-01-24", 5, "2017-02-06"),
        ("2018-02-09", 10, "2018-02-28"),
        ("2016-12-28", 10, "2017-01-12"),
        ("2017-09-29", 3, "2017-10-10"),
    ],
)
def test_a_limit_in_working_days_ends_where_the_table_says(calendar, received, limit, due):
    assert calendar.add_working_days(day(received), limit) == DueDate(day(due), provisional=False)
    assert calendar.working_days_between(day(received), day(due)) == limit


@pytest.mark.parametrize(
    ("posted", "raw", "end"),
    [
        ("2016-09-29", "2016-10-06", "2016-10-08"),
        ("2016-10-25", "2016-11-01", "2016-11-01"),
        ("2018-02-09", "2018-02-16", "2018-02-22"),
    ],
)
def test_a_notice_of_seven_natural_days_ends_where_the_table_says(calendar, posted, raw, end):
    assert calendar.add_natural_days(day(posted), 7, roll=False).day == day(raw)
    assert calendar.add_natural_days(day(posted), 7) == DueDate(day(end), provisional=False)


@pytest.mark.parametrize(("year", "working_days"), [(2016, 250), (2017, 249), (2018, 250)])
def test_a_year_has_as_many_working_days_as_the_notices_leave(calendar, year, working_days):
    assert calendar.working_days_between(date(year - 1, 12, 31), date(year, 12, 31)) == working_days


@pytest.mark.parametrize(
    ("received", "limit", "due"),
    [
        # 2025: off 01-28..02-04, at work on Sunday 01-26 and Saturday 02-08.
        ("2025-01-24", 1, "2025-01-26"),
        ("2025-01-24", 3, "2025-02-05"),
        ("2025-01-24", 6, "2025-02-08"),
        ("2025-01-27", 1, "2025-02-05"),
        ("2025-09-26", 5, "2025-10-10"),
        # 2026: off 02-15..02-23, at work on Saturdays 02-14 and 02-28.
        ("2026-02-13", 1, "2026-02-14"),
        ("2026-02-13", 2, "2026-02-24"),
        ("2026-02-13", 6, "2026-02-28"),
        ("2026-02-14", 1, "2026-02-24"),
        ("2026-09-30", 3, "2026-10-10"),
    ],
)
def test_the_spring_festivals_and_national_days_of_2025_and_2026_are_counted_with_their_make_up_days(
    calendar, received, limit, due
):
    assert calendar.add_working_days(day(received), limit) == DueDate(day(due), provisional=False)


@pytest.mark.parametrize("year", [2016, 2017, 2018, 2024, 2025, 2026])
def test_every_day_of_a_published_year_agrees_with_an_independent_package(calendar, year):
    first = date(year, 1, 1)
    days = [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]
    assert [d for d in days if calendar.is_working_day(d) != is_workday(d)] == []


# ---- receipt, rest days, zero ------------------------------------------------------------------------------------------


def test_a_claim_received_on_a_saturday_counts_from_monday(calendar):
    assert calendar.add_working_days(day("2016-11-05"), 1).day == day("2016-11-07")


def test_no_days_end_on_the_day_itself_or_on_the_next_working_day(calendar):
    assert calendar.add_working_days(day("2016-11-04"), 0).day == day("2016-11-04")
    assert calendar.add_working_days(day("2016-10-01"), 0).day == day("2016-10-08")


def test_a_negative_number_of_days_is_an_error(calendar):
    with pytest.raises(ValueError, match="found -1"):
        calendar.add_working_days(day("2016-11-04"), -1)
    with pytest.raises(ValueError, match="found -1"):
        calendar.add_natural_days(day("2016-11-04"), -1)


def test_nothing_has_passed_before_the_start(calendar):
    assert calendar.working_days_between(day("2016-11-04"), day("2016-11-01")) == 0


# ---- beyond what is published ------------------------------------------------------------------------------------------


def test_a_due_date_in_an_unpublished_year_is_provisional_and_no_accident(calendar):
    assert calendar.add_working_days(day("2026-12-28"), 3) == DueDate(day("2026-12-31"), provisional=False)
    assert calendar.add_working_days(day("2026-12-28"), 4) == DueDate(day("2027-01-01"), provisional=True)
    assert calendar.add_working_days(day("2018-12-28"), 10).provisional
    assert calendar.add_working_days(day("2150-03-01"), 10) == DueDate(day("2150-03-13"), provisional=True)


def test_a_period_that_crosses_an_unpublished_year_is_provisional_even_if_it_ends_in_a_published_one(calendar):
    assert calendar.add_working_days(day("2018-12-20"), 1400).day.year == 2024
    assert calendar.add_working_days(day("2018-12-20"), 1400).provisional


def test_a_notice_end_is_provisional_only_if_its_rolling_rests_on_an_unpublished_day(calendar):
    assert calendar.add_natural_days(day("2026-12-20"), 7) == DueDate(day("2026-12-28"), provisional=False)
    assert calendar.add_natural_days(day("2026-12-28"), 7) == DueDate(day("2027-01-04"), provisional=True)
    assert not calendar.add_natural_days(day("2026-12-28"), 7, roll=False).provisional


def test_publishing_the_next_year_moves_a_provisional_due_date(calendar):
    before = calendar.add_working_days(day("2026-12-30"), 2)
    after = calendar.with_days({date(2027, 1, n): False for n in (1, 2, 3)}).add_working_days(day("2026-12-30"), 2)
    assert before == DueDate(day("2027-01-01"), provisional=True)
    assert after == DueDate(day("2027-01-04"), provisional=False)


def test_a_countys_own_day_off_counts_for_it_and_publishes_no_year(calendar):
    typhoon = calendar.with_days({date(2016, 8, 2): False, date(2027, 8, 2): False})
    assert typhoon.add_working_days(day("2016-08-01"), 1).day == day("2016-08-03")
    assert calendar.add_working_days(day("2016-08-01"), 1).day == day("2016-08-02")
    assert not typhoon.is_published(date(2027, 8, 1))


def test_published_until_cuts_off_what_is_not_known_yet(calendar):
    cut = WorkingCalendar(calendar.days, date(2026, 6, 30))
    assert cut.add_working_days(day("2026-06-29"), 1) == DueDate(day("2026-06-30"), provisional=False)
    assert cut.add_working_days(day("2026-06-30"), 1) == DueDate(day("2026-07-01"), provisional=True)


def test_a_calendar_without_any_notice_goes_by_weekdays():
    assert WorkingCalendar({}).add_working_days(day("2016-09-30"), 5) == DueDate(day("2016-10-07"), provisional=True)


# ---- against a slow model ----------------------------------------------------------------------------------------------

BASE = date(2016, 1, 1)
near = st.integers(-800, 4800).map(lambda n: BASE + timedelta(days=n))
calendars = st.dictionaries(near, st.booleans(), max_size=60).map(WorkingCalendar) | st.just(seed_calendar())


def works(calendar: WorkingCalendar, d: date) -> bool:
    return calendar.days.get(d, d.isoweekday() <= 5)


@given(calendars, near, st.integers(1, 300))
def test_adding_working_days_is_walking_from_day_to_day(calendar, start, n):
    walker, left = start, n
    while left:
        walker += timedelta(days=1)
        left -= works(calendar, walker)
    assert calendar.add_working_days(start, n).day == walker


@given(calendars, near, st.integers(0, 400))
def test_counting_working_days_is_counting_one_by_one(calendar, start, length):
    end = start + timedelta(days=length)
    expected = sum(works(calendar, start + timedelta(days=n)) for n in range(1, length + 1))
    assert calendar.working_days_between(start, end) == expected


@given(calendars, near, st.integers(0, 60))
def test_a_rolled_end_is_the_first_working_day_not_before_the_raw_one(calendar, start, n):
    walker = start + timedelta(days=n)
    while not works(calendar, walker):
        walker += timedelta(days=1)
    assert calendar.add_natural_days(start, n).day == walker
    assert calendar.add_working_days(start + timedelta(days=n), 0).day == walker


@given(st.just(seed_calendar()), near, st.integers(0, 120))
def test_a_due_date_is_provisional_exactly_if_a_day_of_the_period_is_unpublished(calendar, start, n):
    due = calendar.add_working_days(start, n)
    days = [start + timedelta(days=k) for k in range((due.day - start).days + 1)]
    assert due.provisional == any(not calendar.is_published(d) for d in days)


@given(calendars, near, st.integers(0, 40), st.booleans())
def test_the_arithmetic_shows_every_day_once_and_ends_on_the_due_date(calendar, start, n, natural):
    due = calendar.add_natural_days(start, n) if natural else calendar.add_working_days(start, n)
    steps = calendar.explain(start, n, natural=natural)
    assert [s.day for s in steps] == [start + timedelta(days=k) for k in range((due.day - start).days + 1)]
    assert [s.number for s in steps if s.number] == list(range(1, n + 1))
    assert all(s.text.zh and s.text.en for s in steps)


# ---- the arithmetic in words -------------------------------------------------------------------------------------------


def test_the_arithmetic_reads_like_a_wall_calendar(calendar):
    lines = calendar.arithmetic(day("2016-09-28"), 10)
    assert [line.zh for line in lines[:6]] == [
        "2016-09-28 周三 收到当日，不计",
        "2016-09-29 周四 第1日",
        "2016-09-30 周五 第2日",
        "2016-10-01至2016-10-07 节假日，不计",
        "2016-10-08 周六 调休上班，第3日",
        "2016-10-09 周日 调休上班，第4日",
    ]
    assert lines[-1].en == "2016-10-17 Monday: day 10"


def test_a_notice_says_that_its_last_day_was_a_day_of_rest(calendar):
    last = calendar.explain(day("2016-09-29"), 7, natural=True)[-1]
    assert (last.day, last.role) == (day("2016-10-08"), DayRole.ROLLED)


def test_days_assumed_by_weekday_say_so(calendar):
    steps = calendar.explain(day("2026-12-30"), 2)
    assert [s.provisional for s in steps] == [False, False, True]
    assert "尚未公布" in steps[-1].text.zh
    assert "not published" in steps[-1].text.en


# ---- moments -----------------------------------------------------------------------------------------------------------


def test_a_day_ends_and_begins_by_beijing_time():
    assert end_of_day(day("2016-10-17")) == datetime(2016, 10, 17, 15, 59, 59, tzinfo=UTC)
    assert start_of_working_day(day("2016-10-17")) == datetime(2016, 10, 16, 16, tzinfo=UTC)
    assert DueDate(day("2016-10-17")).at == end_of_day(day("2016-10-17"))


PROBE = """
from datetime import UTC, datetime
from engine.deadlines.clock import Clock
from engine.deadlines.seed import seed_calendar, seed_thresholds
from engine.deadlines.stages import Stage, moment_of
from engine.instants import to_text
calendar, thresholds = seed_calendar(), seed_thresholds()
for start in (datetime(2016, 9, 28, 15, 59, tzinfo=UTC), datetime(2016, 9, 28, 16, 0, tzinfo=UTC), datetime(2024, 2, 29, 3, tzinfo=UTC)):
    clock = Clock(start, 10)
    print(to_text(clock.due(start, calendar).at), *(to_text(moment_of(s, clock, calendar, thresholds)) for s in Stage))
"""


def test_the_due_instant_is_the_same_whatever_time_zone_the_machine_is_set_to():
    answers = {
        subprocess.run(
            [sys.executable, "-c", PROBE], env={**os.environ, "TZ": zone}, capture_output=True, text=True, check=True
        ).stdout
        for zone in ("UTC", "Asia/Shanghai", "America/New_York")
    }
    assert len(answers) == 1
    first, second, leap = answers.pop().splitlines()
    assert first.startswith("2016-10-17T15:59:59")
    # One minute later it is 29 September in China.
    assert second.startswith("2016-10-18T15:59:59")
    assert leap.startswith("2024-03-14T15:59:59")


# ---- the seed ----------------------------------------------------------------------------------------------------------


def test_every_seeded_day_names_its_source_and_its_standing():
    days = seed_days()
    assert [d for d, _, _ in days] == sorted({d for d, _, _ in days})
    assert all("待县确认" in source for d, _, source in days if d.year < 2024)
    assert all(source.startswith("chinesecalendar 1.") for d, _, source in days if d.year >= 2024)


def test_a_seed_that_contradicts_itself_is_refused(tmp_path):
    (tmp_path / "calendar").mkdir()
    holiday = '{"from": "2016-01-01", "to": "2016-01-03", "make_up": ["2016-01-02"]}'
    text = f'{{"source": "s", "mark": "m", "status": {{"zh": "z"}}, "holidays": [{holiday}]}}'
    (tmp_path / "calendar" / "2016.json").write_text(text)
    with pytest.raises(ValueError, match="found both rest and work"):
        seed_days(tmp_path)
