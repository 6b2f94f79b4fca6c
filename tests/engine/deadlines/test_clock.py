"""The statutory clock: what counts, what does not, and a slow model that looks at one midnight after the other."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.deadlines.calendar import DueDate, end_of_day, start_of_working_day
from engine.deadlines.clock import Clock, DayKind, Pause, PauseReason
from engine.deadlines.seed import seed_calendar
from engine.errors import Conflict


def at(text: str) -> datetime:
    """A moment in China, "2016-09-28 14:00"."""
    return datetime.fromisoformat(f"{text}:00+08:00").astimezone(UTC)


RECEIVED = at("2016-11-01 09:30")  # a Tuesday, no holiday until the end of the year


def test_the_day_of_receipt_does_not_count(calendar):
    clock = Clock(RECEIVED, 10)
    assert clock.elapsed_days(at("2016-11-01 23:59"), calendar) == 0
    assert clock.elapsed_days(at("2016-11-02 00:00"), calendar) == 1
    assert clock.due(RECEIVED, calendar).at == at("2016-11-15 23:59") + timedelta(seconds=59)


def test_the_last_day_itself_is_still_in_time(calendar):
    clock = Clock(RECEIVED, 10)
    assert clock.elapsed_days(at("2016-11-15 23:59"), calendar) == 10
    assert clock.elapsed_days(at("2016-11-16 00:00"), calendar) == 11


def test_days_on_which_the_clock_stands_still_do_not_count(calendar):
    stopped = Clock(RECEIVED, 10).pause(at("2016-11-04 14:00"), PauseReason.SUPPLEMENT)
    assert not stopped.is_running
    assert stopped.pause_reason is PauseReason.SUPPLEMENT
    assert stopped.elapsed_days(at("2016-11-04 15:00"), calendar) == 3
    assert stopped.elapsed_days(at("2016-11-30 15:00"), calendar) == 3
    running = stopped.resume(at("2016-11-14 10:00"))
    assert running.is_running
    assert running.pause_reason is None
    assert running.elapsed_days(at("2016-11-14 23:00"), calendar) == 3
    assert running.elapsed_days(at("2016-11-15 00:00"), calendar) == 4
    assert running.due(RECEIVED, calendar) == DueDate(date(2016, 11, 23))


def test_a_pause_within_one_day_stops_nothing(calendar):
    clock = Clock(RECEIVED, 10)
    paused = clock.pause(at("2016-11-04 09:00"), PauseReason.OBJECTION).resume(at("2016-11-04 17:00"))
    assert paused.due(RECEIVED, calendar) == clock.due(RECEIVED, calendar)


def test_while_it_stands_still_the_due_date_is_what_it_would_be_if_resumed_now(calendar):
    stopped = Clock(RECEIVED, 10).pause(at("2016-11-04 14:00"), PauseReason.NOTICE)
    assert stopped.due(at("2016-11-14 10:00"), calendar) == DueDate(date(2016, 11, 23))
    assert stopped.due(at("2016-11-15 10:00"), calendar) == DueDate(date(2016, 11, 24))
    assert stopped.day_of(4, calendar) is None
    assert stopped.day_of(3, calendar) == DueDate(date(2016, 11, 4))


def test_a_clock_stopped_on_its_last_day_is_in_time_on_the_day_of_resumption(calendar):
    clock = Clock(RECEIVED, 3).pause(at("2016-11-04 14:00"), PauseReason.SUPPLEMENT).resume(at("2016-11-10 10:00"))
    assert clock.elapsed_days(at("2016-11-10 12:00"), calendar) == 3
    assert clock.due(RECEIVED, calendar) == DueDate(date(2016, 11, 10))
    assert clock.elapsed_days(at("2016-11-11 00:00"), calendar) == 4


def test_a_due_date_is_provisional_if_any_stretch_of_it_ran_in_an_unpublished_year(calendar):
    clock = Clock(at("2026-12-24 10:00"), 10)
    assert clock.due(RECEIVED, calendar) == DueDate(date(2027, 1, 7), provisional=True)
    resumed_late = clock.pause(at("2026-12-30 10:00"), PauseReason.NOTICE).resume(at("2027-01-04 10:00"))
    assert resumed_late.due(RECEIVED, calendar) == DueDate(date(2027, 1, 12), provisional=True)
    through_2019 = Clock(at("2018-12-28 10:00"), 10).pause(at("2019-01-10 10:00"), PauseReason.NOTICE)
    assert through_2019.resume(at("2024-03-01 10:00")).due(RECEIVED, calendar) == DueDate(
        date(2024, 3, 4), provisional=True
    )


def test_an_extension_adds_days_and_keeps_its_reason(calendar):
    clock = Clock(RECEIVED, 10).extend(at("2016-11-10 10:00"), 5, "县医保局核对数据")
    assert clock.days_allowed == 15
    assert clock.due(RECEIVED, calendar) == DueDate(date(2016, 11, 22))
    assert clock.arithmetic(RECEIVED, calendar)[0].zh == "经批准延长5日：县医保局核对数据"


def test_an_extension_needs_days_and_a_reason():
    with pytest.raises(ValueError, match="reason"):
        Clock(RECEIVED, 10).extend(RECEIVED, 5, " ")
    with pytest.raises(ValueError, match="at least one day"):
        Clock(RECEIVED, 10).extend(RECEIVED, 0, "核对数据")


def test_stopping_twice_and_resuming_a_running_clock_are_refused_with_a_sentence():
    stopped = Clock(RECEIVED, 10).pause(RECEIVED, PauseReason.ABSENCE)
    with pytest.raises(Conflict) as refusal:
        stopped.pause(RECEIVED, PauseReason.NOTICE)
    assert "当事人外出" in refusal.value.message.zh
    with pytest.raises(Conflict):
        Clock(RECEIVED, 10).resume(RECEIVED)


@pytest.mark.parametrize(
    "pauses",
    [
        (Pause(RECEIVED - timedelta(days=1), None, PauseReason.NOTICE),),
        (Pause(RECEIVED, None, PauseReason.NOTICE), Pause(RECEIVED, None, PauseReason.NOTICE)),
        (Pause(RECEIVED, RECEIVED - timedelta(days=1), PauseReason.NOTICE),),
    ],
)
def test_pauses_that_cannot_have_happened_are_an_error(pauses):
    with pytest.raises(ValueError, match="Expected"):
        Clock(RECEIVED, 10, pauses=pauses)


def test_a_naive_start_and_an_empty_limit_are_errors():
    with pytest.raises(ValueError, match="naive"):
        Clock(datetime(2016, 11, 1, 9, 30), 10)  # noqa: DTZ001
    with pytest.raises(ValueError, match="at least one day"):
        Clock(RECEIVED, 0)


def test_time_spent_leaves_out_the_time_it_stood_still():
    clock = Clock(RECEIVED, 10).pause(RECEIVED + timedelta(hours=5), PauseReason.NOTICE)
    assert clock.elapsed_time(RECEIVED + timedelta(hours=3)) == timedelta(hours=3)
    assert clock.elapsed_time(RECEIVED + timedelta(hours=30)) == timedelta(hours=5)
    again = clock.resume(RECEIVED + timedelta(hours=20))
    assert again.elapsed_time(RECEIVED + timedelta(hours=30)) == timedelta(hours=15)
    assert again.elapsed_time(RECEIVED - timedelta(hours=1)) == timedelta()


def test_a_clock_in_natural_days_rolls_its_end_and_counts_lateness_in_working_days(calendar):
    clock = Clock(at("2016-09-29 10:00"), 7, DayKind.NATURAL)
    assert clock.due(RECEIVED, calendar) == DueDate(date(2016, 10, 8))
    assert clock.elapsed_days(at("2016-10-05 08:00"), calendar) == 6
    assert clock.elapsed_days(at("2016-10-07 08:00"), calendar) == 6
    assert clock.elapsed_days(at("2016-10-08 08:00"), calendar) == 7
    assert clock.elapsed_days(at("2016-10-09 08:00"), calendar) == 8
    assert clock.elapsed_days(at("2016-10-16 08:00"), calendar) == 7 + 6
    assert clock.day_of(9, calendar) == DueDate(date(2016, 10, 10))


def test_a_clock_in_natural_days_does_not_end_on_a_working_day_on_which_it_stands_still(calendar):
    clock = Clock(at("2016-01-01 18:46"), 1, DayKind.NATURAL).pause(at("2016-01-02 00:00"), PauseReason.NOTICE)
    assert clock.elapsed_days(at("2016-01-04 12:00"), calendar) == 0
    running = clock.resume(at("2016-01-06 12:00"))
    assert running.elapsed_days(at("2016-01-06 13:00"), calendar) == 0
    assert running.due(RECEIVED, calendar) == DueDate(date(2016, 1, 7))


def test_the_arithmetic_names_the_reason_for_standing_still(calendar):
    clock = Clock(at("2016-09-28 10:00"), 4)
    clock = clock.pause(at("2016-09-30 09:00"), PauseReason.SUPPLEMENT).resume(at("2016-10-10 09:00"))
    assert [line.zh for line in clock.arithmetic(RECEIVED, calendar)] == [
        "2016-09-28 周三 收到当日，不计",
        "2016-09-29 周四 第1日",
        "2016-09-30 周五 第2日",
        "2016-10-01至2016-10-10 中止计时（退回补正），不计",
        "2016-10-11 周二 第3日",
        "2016-10-12 周三 第4日",
    ]


# ---- generated clocks --------------------------------------------------------------------------------------------------


KINDS = st.sampled_from(DayKind)


@st.composite
def clocks(draw, kind=KINDS):
    start = datetime(2016, 1, 1, tzinfo=UTC) + timedelta(minutes=draw(st.integers(0, 1440 * 3600)))
    clock = Clock(start, draw(st.integers(1, 60)), draw(kind))
    moment = start
    for gap, length in draw(st.lists(st.tuples(st.integers(0, 20000), st.integers(0, 20000)), max_size=4)):
        moment += timedelta(minutes=gap)
        clock = clock.pause(moment, draw(st.sampled_from(PauseReason)))
        moment += timedelta(minutes=length)
        clock = clock.resume(moment)
    if draw(st.booleans()):
        clock = clock.pause(moment + timedelta(minutes=draw(st.integers(0, 20000))), PauseReason.NOTICE)
    for days in draw(st.lists(st.integers(1, 9), max_size=2)):
        clock = clock.extend(moment, days, "核对数据")
    return clock


CALENDAR = seed_calendar()
minutes_later = st.integers(0, 1440 * 200).map(lambda n: timedelta(minutes=n))


def walk(clock: Clock, now: datetime) -> int:
    """Count the days one by one: working days after receipt, except those after a stop, up to and with the resumption."""
    china = timedelta(hours=8)
    day, last, counted = (clock.started_at + china).date(), (now + china).date(), 0
    while day < last:
        day += timedelta(days=1)
        stopped = any(
            (p.from_at + china).date() < day and (p.to_at is None or day <= (p.to_at + china).date())
            for p in clock.pauses
        )
        counted += not stopped and CALENDAR.is_working_day(day)
    return counted


@given(clocks(st.just(DayKind.WORKING)), minutes_later)
def test_elapsed_days_are_counted_as_a_person_would_count_them(clock, later):
    now = clock.started_at + later
    assert clock.elapsed_days(now, CALENDAR) == walk(clock, now)


@given(clocks(), minutes_later, minutes_later)
def test_elapsed_days_never_fall_and_never_grow_while_the_clock_stands_still(clock, later, more):
    now = clock.started_at + later
    assert clock.elapsed_days(now, CALENDAR) <= clock.elapsed_days(now + more, CALENDAR)
    if not clock.is_running:
        stop = clock.pauses[-1].from_at
        assert clock.elapsed_days(stop + more, CALENDAR) == clock.elapsed_days(stop, CALENDAR)


@given(clocks(), st.integers(1, 90))
def test_the_day_of_a_number_is_the_first_day_on_which_that_many_have_passed(clock, number):
    reached = clock.day_of(number, CALENDAR)
    if reached is None:
        assert not clock.is_running
        return
    midnight = start_of_working_day(reached.day)
    assert clock.elapsed_days(midnight, CALENDAR) == number
    assert clock.elapsed_days(midnight - timedelta(seconds=1), CALENDAR) == number - 1


@given(clocks(), minutes_later)
def test_one_is_in_time_exactly_until_the_due_moment(clock, later):
    now = clock.started_at + later
    due = clock.due(now, CALENDAR)
    if clock.is_running:
        assert clock.elapsed_days(due.at, CALENDAR) == clock.days_allowed
        late = clock.day_of(clock.days_allowed + 1, CALENDAR)
        assert late is not None
        assert due.day < late.day
        assert clock.elapsed_days(start_of_working_day(late.day), CALENDAR) == clock.days_allowed + 1
    assert due.at == end_of_day(due.day)


@given(clocks(), minutes_later)
def test_the_arithmetic_counts_up_to_the_due_date(clock, later):
    now = clock.started_at + later
    lines = clock.arithmetic(now, CALENDAR)
    assert sum("extended by" in line.en for line in lines) == len(clock.extensions)
    numbers = [int(line.en.rpartition("day ")[2].split()[0]) for line in lines if "day " in line.en and "第" in line.zh]
    assert numbers == list(range(1, clock.days_allowed + 1))


@given(clocks())
def test_a_clock_is_stored_and_read_back_unchanged(clock):
    assert Clock.from_json(json.loads(json.dumps(clock.to_json()))) == clock
