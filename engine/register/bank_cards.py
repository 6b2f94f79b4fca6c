"""The one-card account 一卡通: whether a number can be a bank card's (DOMAIN.md B0.8).

The Luhn digit is a warning, never a refusal: some passbook accounts do not carry one. Whether the card belongs to the household is
the cross-check X16 before payment.
"""

from __future__ import annotations

import re

_FORM = re.compile(r"[0-9]{16,19}", re.ASCII)


def has_card_form(number: str) -> bool:
    """Say whether a number has the 16 to 19 digits of a card or passbook account."""
    return bool(_FORM.fullmatch(number))


def passes_luhn(number: str) -> bool:
    """Say whether the last digit of a number is its Luhn digit."""
    return has_card_form(number) and number[-1] == luhn_digit(number[:-1])


def luhn_digit(digits: str) -> str:
    """Return the digit that makes a card number out of `digits`."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value  # noqa: PLR2004  (the digit sum of a two-digit product)
    return str(-total % 10)
