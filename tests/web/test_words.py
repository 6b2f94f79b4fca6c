"""Both languages are complete: every interface sentence is a pair, and a Chinese sentence has one English one."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

import web

HERE = Path(web.__file__).parent
CHINESE = re.compile(r"[\u3400-\u9fff]")
STRING = r'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\''
PAIR = re.compile(rf"\bt\(\s*(?:{STRING})\s*,\s*(?:{STRING})")
MESSAGE = re.compile(r'Message\(\s*f?"((?:[^"\\]|\\.)*)",\s*f?"((?:[^"\\]|\\.)*)"')
# Signs rather than words: the product's mark, examples of what one may type, and the other language's own name.
SIGNS = {"帮", "中文"}


def pairs() -> list[tuple[str, str, str]]:
    found = []
    for file in [*HERE.glob("templates/*.html"), *HERE.glob("*.py")]:
        for match in PAIR.finditer(file.read_text("utf-8")):
            zh, en = match[1] or match[2] or "", match[3] or match[4] or ""
            found.append((file.name, zh, en))
    for file in HERE.glob("*.py"):
        found.extend((file.name, match[1], match[2]) for match in MESSAGE.finditer(file.read_text("utf-8")))
    return found


def test_there_are_many_pairs_and_each_has_both_languages() -> None:
    found = pairs()
    assert len(found) > 250
    for name, zh, en in found:
        if zh in {"English", "待办"} or {zh, en} & SIGNS:
            continue
        assert CHINESE.search(zh) or not re.search("[A-Za-z]{2}", zh.replace("{", "").replace("}", "")) or "{" in zh, (
            f"{name}: no Chinese in {zh!r}"
        )
        if "例如" not in zh:
            assert not CHINESE.search(en), f"{name}: Chinese on the English side of {zh!r}"
        assert en, f"{name}: no English for {zh!r}"


def test_both_sides_of_a_pair_have_the_same_places_for_values() -> None:
    for name, zh, en in pairs():
        assert set(re.findall(r"\{(\w+)", zh)) == set(re.findall(r"\{(\w+)", en)), f"{name}: {zh!r}"


def test_one_chinese_sentence_has_one_english_one() -> None:
    meanings: dict[str, set[str]] = defaultdict(set)
    for _, zh, en in pairs():
        meanings[zh].add(en.lower())
    assert {zh: en for zh, en in meanings.items() if len(en) > 1} == {}


@pytest.mark.parametrize("file", sorted(HERE.glob("templates/*.html")), ids=lambda file: file.name)
def test_no_chinese_stands_outside_a_pair(file: Path) -> None:
    text = re.sub(r"\{#.*?#\}", "", file.read_text("utf-8"), flags=re.DOTALL)
    text = PAIR.sub("", text)
    left = [line.strip() for line in text.splitlines() if CHINESE.search(line)]
    assert [line for line in left if CHINESE.findall(line) != ["帮"]] == []
