"""Names: their initials for searching, and made-up ones that differ and repeat with their seed."""

from __future__ import annotations

import random

import pytest

from engine.people.names import initials, made_up_name, made_up_surname


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("曾桂兰", "zgl"),
        ("单小明", "sxm"),
        ("区志强", "ozq"),
        ("欧阳志强", "oyzq"),
        ("阿卜杜·热合曼", "abdrhm"),
        ("Li 明", "lim"),
        ("", ""),
    ],
)
def test_initials_are_what_one_types_to_search(name, letters):
    assert initials(name) == letters


def test_initials_fit_their_column_and_hold_only_plain_letters():
    letters = initials("王" * 40 + "😀")
    assert letters == "w" * 16


def test_one_seed_gives_the_same_names_and_another_gives_others():
    def names(seed):
        chance = random.Random(seed)
        return [made_up_name(chance, sex="F", age=40) for _ in range(50)]

    assert names(1) == names(1)
    assert names(1) != names(2)
    assert len(set(names(1))) > 40


def test_a_given_surname_is_kept():
    chance = random.Random(3)
    surname = made_up_surname(chance)
    assert all(made_up_name(chance, sex="M", age=age, surname=surname).startswith(surname) for age in range(0, 90, 7))
