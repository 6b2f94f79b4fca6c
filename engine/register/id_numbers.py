"""Resident identity numbers: whether one can be right, and what it tells by itself (GB 11643-1999; DOMAIN.md B0.8).

A number says where its holder was first registered, the day of birth, the sex, and carries a check digit. Whether such a person
exists, is alive or bears that name is not in the number; those are the cross-checks X01 and X03.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from engine.errors import Invalid, Message

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"
_FORM = re.compile(r"[0-9]{17}[0-9X]", re.ASCII)
_SHOWN_AT_EACH_END = 4
_OLD_LENGTH = 15
_FIRST_YEAR = 1880
"""The oldest living Chinese were born after it; an earlier year is a slip of the finger."""


@dataclass(frozen=True, slots=True)
class IdNumber:
    """An identity number that can be right, and what it tells."""

    text: str
    region_code: str
    """Six digits: the county of first registration, which may have another code today."""
    birth_date: date
    sex: str
    """M or F."""

    @property
    def last4(self) -> str:
        """The four characters one searches by."""
        return self.text[-4:]

    @property
    def masked(self) -> str:
        """The number as lists show it."""
        return mask(self.text)


def parse(text: str, *, today: date | None = None) -> IdNumber:
    """Read an identity number as somebody typed it; Invalid says which part cannot be right.

    Spaces are dropped and a small x becomes X. With `today`, a birth date in the future is refused too.
    """
    number = text.replace(" ", "").replace("\u3000", "").upper()
    if len(number) == _OLD_LENGTH and number.isascii() and number.isdigit():
        raise Invalid(
            Message(
                "15 位旧号码需先换成 18 位",
                "Expected an 18-digit ID number, found an old one of 15 digits; convert it first",
            )
        )
    if not _FORM.fullmatch(number):
        raise Invalid(
            Message(
                f"证件号码应为 18 位（17 位数字加校验位），现为 {len(number)} 位或含有其他字符",
                f"Expected 17 digits and a check digit, found {len(number)} characters or other signs",
            )
        )
    try:
        birth_date = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise Invalid(
            Message(f"证件号码中的出生日期 {number[6:14]} 不存在", f"There is no such day of birth as {number[6:14]}")
        ) from None
    if birth_date.year < _FIRST_YEAR or (today is not None and birth_date > today):
        raise Invalid(
            Message(f"证件号码中的出生日期 {number[6:14]} 不可能", f"The day of birth {number[6:14]} cannot be")
        )
    if number[0] not in "12345678":
        raise Invalid(Message(f"证件号码的地区代码 {number[:6]} 不存在", f"There is no region {number[:6]}"))
    expected = check_digit(number)
    if number[17] != expected:
        raise Invalid(
            Message(
                f"第 18 位应为 {expected}，现为 {number[17]}",
                f"Expected the 18th character to be {expected}, found {number[17]}",
            )
        )
    return IdNumber(number, number[:6], birth_date, "M" if int(number[16]) % 2 else "F")


def check_digit(number: str) -> str:
    """Return the check digit that belongs to the first 17 digits of a number."""
    return _CHECK_DIGITS[sum(int(digit) * weight for digit, weight in zip(number[:17], _WEIGHTS, strict=True)) % 11]


def compose(region_code: str, birth_date: date, sequence: int, *, sex: str) -> str:
    """Return the number of the `sequence`-th (0 to 499) girl or boy born on a day in a county. For test data only."""
    order = sequence * 2 + (1 if sex == "M" else 0)
    number = f"{region_code}{birth_date:%Y%m%d}{order:03d}"
    return number + check_digit(number)


def mask(text: str) -> str:
    """Return a number as lists show it: its first and last four characters, the rest as stars."""
    if len(text) <= 2 * _SHOWN_AT_EACH_END:
        return "*" * len(text)
    return text[:_SHOWN_AT_EACH_END] + "*" * (len(text) - 2 * _SHOWN_AT_EACH_END) + text[-_SHOWN_AT_EACH_END:]
