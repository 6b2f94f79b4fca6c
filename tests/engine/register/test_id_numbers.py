"""Identity numbers and cards: the worked numbers of DOMAIN.md B0.8, and every single slip noticed."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.cn import ric

from engine.errors import Invalid
from engine.register.bank_cards import has_card_form, luhn_digit, passes_luhn
from engine.register.id_numbers import compose, mask, parse

VALID = [
    ("441882197001010028", date(1970, 1, 1), "F"),
    ("440229195503150317", date(1955, 3, 15), "M"),
    ("441823198802291047", date(1988, 2, 29), "F"),
    ("441721199912316061", date(1999, 12, 31), "F"),
    ("44022919760816006X", date(1976, 8, 16), "F"),
]


@pytest.mark.parametrize(("text", "birth_date", "sex"), VALID)
def test_a_right_number_tells_birth_and_sex(text, birth_date, sex):
    number = parse(text)
    assert (number.text, number.birth_date, number.sex, number.region_code) == (text, birth_date, sex, text[:6])


def test_a_small_x_and_spaces_are_put_right():
    assert parse(" 440229 19760816 006x ").text == "44022919760816006X"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("441882197001010029", "18th character to be 8, found 9"),
        ("441823198702291047", "no such day of birth as 19870229"),
        ("44088219700101002", "found 17 characters"),
        ("440882700101002", "old one of 15 digits"),
        ("4418821970010100281", "found 19 characters"),
        ("44188219700101002８", "other signs"),
        ("941882197001010028", "no region 941882"),
        ("441882000101010028", "cannot be"),
        ("", "found 0 characters"),
        ("x" * 18, "other signs"),
    ],
)
def test_a_wrong_number_is_refused_with_the_part_that_is_wrong(text, told):
    with pytest.raises(Invalid, match=told) as refusal:
        parse(text)
    assert refusal.value.message.zh


def test_nobody_is_born_tomorrow():
    number = compose("441424", date(2018, 11, 30), 400, sex="F")
    assert parse(number, today=date(2018, 11, 30)).birth_date == date(2018, 11, 30)
    with pytest.raises(Invalid):
        parse(number, today=date(2018, 11, 29))


@settings(deadline=None)
@given(st.dates(date(1900, 1, 1), date(2020, 1, 1)), st.integers(0, 499), st.sampled_from("MF"))
def test_a_composed_number_reads_back_and_an_independent_reader_agrees(day, order, sex):
    text = compose("441424", day, order, sex=sex)
    number = parse(text)
    assert (number.birth_date, number.sex) == (day, sex)
    assert ric.calc_check_digit(text) == text[-1]
    assert ric.get_birth_date(text) == day


@settings(deadline=None)
@given(st.sampled_from([text for text, _, _ in VALID]), st.integers(0, 16), st.sampled_from("0123456789"))
def test_one_wrong_digit_never_goes_unnoticed(text, place, digit):
    wrong = text[:place] + digit + text[place + 1 :]
    if wrong == text:
        assert parse(wrong).text == text
    else:
        with pytest.raises(Invalid):
            parse(wrong)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_whatever_is_typed_gets_an_answer(text):
    try:
        assert len(parse(text).text) == 18
    except Invalid as refusal:
        assert refusal.message.zh  # noqa: PT017


def test_a_masked_number_shows_four_at_each_end_and_a_short_one_nothing():
    assert mask("44022919760816006X") == "4402**********006X"
    assert mask("4402006X") == "********"
    assert mask("") == ""


@pytest.mark.parametrize("number", ["6228480000000000018", "6217000000000000020"])
def test_the_worked_cards_pass_and_one_more_in_the_last_digit_does_not(number):
    assert passes_luhn(number)
    assert not passes_luhn(number[:-1] + str((int(number[-1]) + 1) % 10))


@settings(deadline=None)
@given(st.text("0123456789", min_size=15, max_size=18), st.integers(0, 14), st.integers(1, 9))
def test_luhn_notices_every_single_wrong_digit(digits, place, shift):
    number = digits + luhn_digit(digits)
    assert passes_luhn(number)
    wrong = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
    assert not passes_luhn(wrong)


@pytest.mark.parametrize("number", ["", "1" * 15, "1" * 20, "６" * 16, "622848000000000001x"])
def test_a_card_has_16_to_19_plain_digits(number):
    assert not has_card_form(number)
    assert not passes_luhn(number)
