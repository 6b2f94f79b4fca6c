"""Money: integer fen, the one rounding rule, and how an amount is written for people.

Everything that is stored, compared or signed is a whole number of fen. Yuan exist only as text, on the way in (`parse_yuan`) and on
the way out (`yuan_text`, and `in_words` for the capital characters on forms and payment orders). There is no float and no database here.
"""

from __future__ import annotations

import re

from engine.errors import Invalid, Message

LARGEST_FEN = 10**14 - 1
"""999,999,999,999.99 yuan: past every fund there is, and within the groups that the capital form has names for."""

_FEN_PER_YUAN = 100
_LONGEST = len(str(LARGEST_FEN)) - 2
_ECHOED = 40
_PLAIN = re.compile(r"(?P<yuan>\d+|\d{1,3}(?:,\d{3})+)(?:\.(?P<fen>\d{1,2}))?")
# What an input method makes of digits, separators and the yuan sign.
_FULL_WIDTH = {0xFF10 + digit: str(digit) for digit in range(10)} | {
    0xFF0C: ",",
    0xFF0E: ".",
    0x3002: ".",
    0xFFE5: "\u00a5",
}


def half_up(numerator: int, denominator: int) -> int:
    """Return numerator / denominator as a whole number, a half rounded away from zero (四舍五入).

    ZeroDivisionError if the denominator is zero.
    """
    sign = -1 if (numerator < 0) != (denominator < 0) else 1
    quotient, rest = divmod(abs(numerator), abs(denominator))
    return sign * (quotient + (2 * rest >= abs(denominator)))


def yuan_text(fen: int) -> str:
    """Return an amount as every page shows it: thousands by commas, two decimals, "68,532.40"."""
    yuan, rest = divmod(abs(fen), _FEN_PER_YUAN)
    return f"{'-' if fen < 0 else ''}{yuan:,}.{rest:02d}"


def parse_yuan(text: str) -> int:
    """Return the fen of an amount somebody typed: "68,532.40", "¥68532.4", "68532元", full-width or not.

    Invalid if it is no amount, has more than two decimals, misplaced commas or a sign, or is larger than LARGEST_FEN.
    """
    typed = text.translate(_FULL_WIDTH).strip().removeprefix("\u00a5").removesuffix("元").strip()
    found = _PLAIN.fullmatch(typed) if typed.isascii() else None
    text = text if len(text) <= _ECHOED else text[:_ECHOED] + "…"
    if found is None:
        raise Invalid(_refusal(text, typed))
    digits = found["yuan"].replace(",", "").lstrip("0")
    # Judged by length first: a form field may hold more digits than int() is willing to read.
    if len(digits) > _LONGEST:
        raise Invalid(
            Message(
                f"金额不能超过{yuan_text(LARGEST_FEN)}元，填写的是“{text}”",
                f"Wanted an amount of at most {yuan_text(LARGEST_FEN)} yuan, found “{text}”",
            )
        )
    return int(digits or "0") * _FEN_PER_YUAN + int((found["fen"] or "").ljust(2, "0"))


def _refusal(text: str, typed: str) -> Message:
    if not typed:
        return Message("请填写金额（元），这里是空的", "Wanted an amount in yuan, found nothing")
    if typed.startswith(("-", "\u2212", "\uff0d")):
        return Message(f"金额不能为负数，填写的是“{text}”", f"Wanted an amount of zero or more, found “{text}”")
    if re.fullmatch(r"[\d,]+\.\d{3,}", typed):
        return Message(
            f"金额最多两位小数（到分），填写的是“{text}”", f"Wanted at most two decimals (fen), found “{text}”"
        )
    return Message(
        f"请填写金额（元），例如 68,532.40；填写的是“{text}”",
        f"Wanted an amount in yuan such as 68,532.40, found “{text}”",
    )


_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿")
_GROUP = 10_000


def in_words(fen: int) -> str:
    """Return an amount in capital characters, as payment orders and approval forms carry it: 壹万零捌佰柒拾壹元贰角贰分.

    Follows the rules for filling in bills （正确填写票据和结算凭证的基本规定）: one 零 for any run of zeros inside the
    number, a ten is 壹拾, 整 after yuan and after jiao; a zero the rules leave to the writer is left out. ValueError
    beyond LARGEST_FEN.
    """
    if abs(fen) > LARGEST_FEN:
        raise ValueError(f"Expected at most {LARGEST_FEN} fen, found {fen}")
    yuan, rest = divmod(abs(fen), _FEN_PER_YUAN)
    jiao, last = divmod(rest, 10)
    words = _whole(yuan) + "元" if yuan or not rest else ""
    if jiao:
        words += _DIGITS[jiao] + "角"
    elif last and yuan:
        words += "零"
    words += _DIGITS[last] + "分" if last else "整"
    return ("负" if fen < 0 else "") + words


def _whole(number: int) -> str:
    """A whole number from its groups of four digits; a group below a thousand says the zero before it."""
    if number == 0:
        return "零"
    groups = []
    while number:
        number, group = divmod(number, _GROUP)
        groups.append(group)
    words = ""
    is_gap = False
    for place in range(len(groups) - 1, -1, -1):
        group = groups[place]
        if group == 0:
            is_gap = bool(words)
            continue
        if words and (is_gap or group < _GROUP // 10):
            words += "零"
        words += _four_digits(group) + _GROUPS[place]
        is_gap = False
    return words


def _four_digits(group: int) -> str:
    words = ""
    is_gap = False
    for place in range(3, -1, -1):
        digit = group // 10**place % 10
        if digit == 0:
            is_gap = bool(words)
            continue
        words += ("零" if is_gap else "") + _DIGITS[digit] + _PLACES[place]
        is_gap = False
    return words
