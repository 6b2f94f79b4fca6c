"""Interface words in two languages, written as a pair where they are used.

`t("待办", "To do")` in a template is the only source of an interface sentence: a pair cannot be half translated, cannot lose
its key, and reads like the page. What the engine says arrives as a pair too (`Message`), so one rule fits both. The house test
tests/web/test_words.py holds the rest: no Chinese outside a pair, no Chinese on the English side, and one Chinese
sentence always has the same English one, so the glossary (DESIGN.md §7) stays a glossary.
"""

from __future__ import annotations

import re
from typing import Any

from flask import g, has_request_context, request
from markupsafe import Markup

from engine.errors import Message

LANGUAGES = ("zh", "en")
LANGUAGE_COOKIE = "bangfu_language"


def language() -> str:
    """Return the reader's language: what they chose, otherwise Chinese."""
    if not has_request_context():
        return "zh"
    chosen = getattr(g, "language", None)
    if chosen is None:
        wanted = request.cookies.get(LANGUAGE_COOKIE, "zh")
        chosen = g.language = wanted if wanted in LANGUAGES else "zh"
    return str(chosen)


def t(zh: str, en: str, **values: object) -> str | Markup:
    """Return the pair's sentence in the reader's language, with `{name}` replaced by the values.

    Returns markup when a value is markup; plain values are escaped then, as Jinja would do it.
    """
    text = en if language() == "en" else zh
    if not values:
        return text
    if any(isinstance(value, Markup) for value in values.values()):
        return Markup(text).format(**values)  # noqa: S704  (the sentence is ours; the values are escaped by Markup.format)
    return text.format(**values)


def w(message: Any) -> str:
    """Return what the engine said in the reader's language; plain text and nothing pass as they are."""
    if message is None:
        return ""
    if isinstance(message, Message):
        return _set(message.in_language(language()))
    if isinstance(message, dict) and "zh" in message:
        return _set(str(message["en"] if language() == "en" and message.get("en") else message["zh"]))
    return str(message)


_FULL_WIDTH = {",": "，", ":": "：", ";": "；", "?": "？", "!": "！"}
_BESIDE_CHINESE = re.compile(r"(?<=[\u4e00-\u9fff”）》])[,:;?!](?=[\u4e00-\u9fff“（《]|$)")


def _set(text: str) -> str:
    """Set Chinese as it is printed: a mark between Chinese characters is as wide as they are."""
    return _BESIDE_CHINESE.sub(lambda found: _FULL_WIDTH[found[0]], text) if language() == "zh" else text
