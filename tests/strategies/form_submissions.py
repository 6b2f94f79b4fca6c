"""What browsers, and people pretending to be browsers, post at a form (RELIABILITY.md F23).

`good(form)` makes submissions that should be taken; `bad(form)` makes anything at all: wrong types, control characters, numbers
beyond every bound, long texts, names that are reserved or nobody asked for. What is made is what a web framework hands on: text, or
lists of text, by name.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from engine.money import yuan_text
from engine.register.id_numbers import compose

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from engine.runtime.forms import Form

RESERVED = [
    "typename",
    "__builtins__",
    "__class__",
    "dmninputexpr",
    "cell_input",
    "len",
    "parameter",
    "workdays",
    "lambda",
    "approved",
    "",
    "id",
]
ODD_TEXTS = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "NaN",
    "Infinity",
    "-Infinity",
    "1e309",
    "1e3",
    "0x10",
    "-1",
    "-0",
    "1.5",
    "0.001",
    "1,23,4",
    "１２３",
    "٣",
    "²",
    "9" * 30,
    "9" * 5_000,
    "1" * 100_000,
    "长" * 4_001,
    "null",
    "true",
    "[]",
    "{}",
    '{"typename": "x"}',
    "2018-02-30",
    "0000-00-00",
    "9999-12-31",
    "2018-6-1",
    "20180601",
    "2018-W23-1",
    "' OR 1=1 --",
    "=HYPERLINK(1)",
    "<script>alert(1)</script>",
    "\u202e反",
    "\ufeff",
    "\ud800",
    "\r\nSet-Cookie: x",
    "441882197001010029",
    "44088219700101002",
    "6228480000000000019",
]
ODD = st.one_of(st.sampled_from(ODD_TEXTS), st.text(max_size=60), st.integers().map(str), st.floats().map(str))


def good_value(entry: dict[str, Any], schema: dict[str, Any]) -> SearchStrategy[str | list[str]]:  # noqa: PLR0911
    """Return what somebody honest types into one field."""
    choices = schema.get("enum") or [choice["value"] for choice in entry.get("choices", ())]
    match entry["type"]:
        case "money":
            return st.integers(schema.get("minimum", 0), min(schema.get("maximum", 10**9), 10**9)).map(yuan_text)
        case "integer":
            return st.integers(schema.get("minimum", 0), min(schema.get("maximum", 99), 10**6)).map(str)
        case "boolean":
            return st.sampled_from(["true", "false"])
        case "choice":
            return st.sampled_from(choices)
        case "choices":
            return st.lists(st.sampled_from(choices), min_size=1, max_size=3, unique=True)
        case "date":
            return st.dates(date(2016, 1, 1), date(2018, 6, 30)).map(str)
        case "id_number":
            return st.integers(0, 400).map(lambda number: compose("441882", date(1970, 1, 1), number, sex="F"))
        case "bank_card":
            return st.from_regex(r"\A62[0-9]{17}\Z")
        case "phone":
            return st.from_regex(r"\A1[3-9][0-9]{9}\Z")
        case "region":
            return st.just("441882104205")
        case "person_no":
            return st.just("P-0001")
    longest = min(schema.get("maxLength", 20), entry.get("max_length", 20), 20)
    letters = st.characters(categories=["L", "N"], max_codepoint=0x9FFF)
    typed = st.text(letters, min_size=max(1, schema.get("minLength", 1)), max_size=longest)
    if "pattern" in schema:
        # Somebody honest types what the field is for: a settlement number has at least a digit or a letter.
        return typed.map(lambda text: f"{text[: longest - 1]}7").filter(lambda text: re.search(schema["pattern"], text))
    return typed


def good(form: Form) -> SearchStrategy[dict[str, str | list[str]]]:
    """Return submissions with every field of a form filled in honestly."""
    fields = form.content["schema"]["properties"]
    return st.fixed_dictionaries(
        {name: good_value(dict(form.dictionary.entry(name) or {}), schema) for name, schema in fields.items()}
    )


def bad(form: Form) -> SearchStrategy[dict[str, str | list[str]]]:
    """Return submissions spoiled in any way: fields left out, odd texts, lists, reserved and undeclared names."""
    names = st.one_of(st.sampled_from(sorted(form.fields) or ["x"]), st.sampled_from(RESERVED), st.text(max_size=12))
    values = st.one_of(ODD, st.lists(ODD, max_size=4))
    spoiling = st.dictionaries(names, values, min_size=1, max_size=6)

    def spoil(submission: dict[str, Any], change: dict[str, Any], dropped: set[str]) -> dict[str, Any]:
        return {name: value for name, value in (submission | change).items() if name not in dropped}

    return st.builds(spoil, good(form), spoiling, st.sets(st.sampled_from(sorted(form.fields) or ["x"]), max_size=3))
