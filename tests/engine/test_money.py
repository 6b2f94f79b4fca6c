"""Money: exact fen, the one rounding, and both ways of writing an amount."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Invalid
from engine.money import LARGEST_FEN, half_up, in_words, parse_yuan, yuan_text

amounts = st.integers(0, LARGEST_FEN)


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (0, "0.00"),
        (5, "0.05"),
        (100, "1.00"),
        (6_853_240, "68,532.40"),
        (-123_456, "-1,234.56"),
        (100_000_000, "1,000,000.00"),
    ],
)
def test_an_amount_is_shown_with_commas_and_two_decimals(fen, text):
    assert yuan_text(fen) == text


@pytest.mark.parametrize(
    ("typed", "fen"),
    [
        ("68,532.40", 6_853_240),
        ("68532.4", 6_853_240),
        (" 68532.40 ", 6_853_240),
        ("\uffe568532.40", 6_853_240),
        ("\u00a568532.40元", 6_853_240),
        ("\uff16\uff18\uff0c\uff15\uff13\uff12\uff0e\uff14", 6_853_240),
        ("68532\u300240", 6_853_240),
        ("0", 0),
        ("0.01", 1),
        ("007", 700),
        ("999999999999.99", LARGEST_FEN),
    ],
)
def test_an_amount_may_be_typed_as_people_type_it(typed, fen):
    assert parse_yuan(typed) == fen


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", "空的"),
        ("  ", "空的"),
        ("元", "空的"),
        ("-5", "负数"),
        ("\u22125", "负数"),
        ("1.234", "两位小数"),
        ("1,23", "例如"),
        ("12,34,567", "例如"),
        ("1e5", "例如"),
        ("5.", "例如"),
        (".5", "例如"),
        ("NaN", "例如"),
        ("\u0663", "例如"),
        ("\u00b2", "例如"),
        ("一百", "例如"),
        ("1000000000000", "不能超过"),
        ("9" * 6000, "不能超过"),
    ],
)
def test_what_is_no_amount_is_refused_with_a_sentence(typed, told):
    with pytest.raises(Invalid) as refusal:
        parse_yuan(typed)
    assert told in refusal.value.message.zh
    assert len(refusal.value.message.zh) < 120
    assert refusal.value.message.en.startswith("Wanted")


@given(amounts)
def test_what_is_shown_can_be_typed_again(fen):
    assert parse_yuan(yuan_text(fen)) == fen


@given(st.text(max_size=30))
def test_any_text_is_an_amount_or_a_refusal(text):
    try:
        fen = parse_yuan(text)
    except Invalid:
        return
    assert parse_yuan(yuan_text(fen)) == fen


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"),
    [(1, 2, 1), (3, 2, 2), (49, 100, 0), (50, 100, 1), (-1, 2, -1), (-49, 100, 0), (1, -2, -1), (7, 1, 7), (0, 5, 0)],
)
def test_a_half_is_rounded_away_from_zero(numerator, denominator, rounded):
    assert half_up(numerator, denominator) == rounded


@given(st.integers(-(10**20), 10**20), st.integers(-(10**6), 10**6).filter(bool))
def test_rounding_is_exact_for_any_size(numerator, denominator):
    exact = Fraction(numerator, denominator)
    expected = floor(abs(exact) + Fraction(1, 2)) * (1 if exact >= 0 else -1)
    assert half_up(numerator, denominator) == expected


def test_nothing_can_be_divided_by_zero():
    with pytest.raises(ZeroDivisionError):
        half_up(1, 0)


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        # the examples of the rules for filling in bills, and zeros wherever they can stand
        (1_087_122, "壹万零捌佰柒拾壹元贰角贰分"),
        (140_950, "壹仟肆佰零玖元伍角整"),
        (600_714, "陆仟零柒元壹角肆分"),
        (168_032, "壹仟陆佰捌拾元叁角贰分"),
        (10_700_053, "壹拾万柒仟元伍角叁分"),
        (1_640_902, "壹万陆仟肆佰零玖元零贰分"),
        (32_504, "叁佰贰拾伍元零肆分"),
        (0, "零元整"),
        (1, "壹分"),
        (10, "壹角整"),
        (12, "壹角贰分"),
        (100, "壹元整"),
        (105, "壹元零伍分"),
        (1_000, "壹拾元整"),
        (1_000_000, "壹万元整"),
        (1_000_100, "壹万零壹元整"),
        (1_099_900, "壹万零玖佰玖拾玖元整"),
        (1_100_000, "壹万壹仟元整"),
        (10_010_000, "壹拾万零壹佰元整"),
        (100_010_001, "壹佰万零壹佰元零壹分"),
        (1_000_000_000, "壹仟万元整"),
        (10_000_000_000, "壹亿元整"),
        (10_000_000_001, "壹亿元零壹分"),
        (10_001_000_000, "壹亿零壹万元整"),
        (10_000_100_000, "壹亿零壹仟元整"),
        (16_642_000_000, "壹亿陆仟陆佰肆拾贰万元整"),
        (-5, "负伍分"),
    ],
)
def test_an_amount_in_capital_characters(fen, words):
    assert in_words(fen) == words


@given(amounts)
def test_capital_characters_can_be_read_back(fen):
    assert read(in_words(fen)) == fen


@given(amounts)
def test_capital_characters_never_stutter(fen):
    words = in_words(fen)
    assert "零零" not in words
    assert not words.startswith("零") or fen == 0
    assert words.endswith("分") == bool(fen % 10)


def test_an_amount_beyond_every_fund_is_an_error():
    with pytest.raises(ValueError, match="at most"):
        in_words(LARGEST_FEN + 1)


def read(words: str) -> int:
    """An independent reader of capital amounts: digits and units, nothing of how they were written."""
    digits = {c: n for n, c in enumerate("零壹贰叁肆伍陆柒捌玖")}
    places = {"拾": 10, "佰": 100, "仟": 1000}
    total = group = digit = fen = 0
    for character in words:
        if character in digits:
            digit = digits[character]
        elif character in places:
            group += digit * places[character]
            digit = 0
        elif character in "万亿":
            total += (group + digit) * (10_000 if character == "万" else 100_000_000)
            group = digit = 0
        elif character == "元":
            fen, group, digit = (total + group + digit) * 100, 0, 0
        elif character in "角分":
            fen += digit * (10 if character == "角" else 1)
            digit = 0
    return fen
