"""The made-up register: right numbers, marked as test data, with the shape of the real one and the people that checks bite on."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from itertools import pairwise

import pytest

from engine.audit.keys import Keyring
from engine.people.regions import read_table
from engine.register.bank_cards import passes_luhn
from engine.register.id_numbers import parse
from engine.register.synthetic import make_register

TODAY = date(2018, 11, 29)
VILLAGES = [place.code for place in read_table().rows if place.code.startswith("441424") and len(place.code) == 12]


def make(count=3000, seed=7, villages=VILLAGES, as_of=TODAY):
    return make_register(villages, count, seed=seed, as_of=as_of, person_hash=Keyring.for_tests().person_hash)


@pytest.fixture(scope="module")
def register():
    return make()


def test_one_seed_gives_the_same_register_and_another_gives_another():
    first, again, other = make(60), make(60), make(60, seed=8)
    assert first == again
    assert first.members != other.members


def test_every_number_is_right_and_nobody_has_anothers(register):
    numbers = [parse(member["id_no"], today=TODAY) for member in register.members]
    assert len({number.text for number in numbers}) == len(numbers)
    for number, member in zip(numbers, register.members, strict=True):
        assert member["birth_date"] == number.birth_date.isoformat()
        assert (member["sex"], member["id_last4"]) == (number.sex, number.last4)
        assert member["id_hash"] == Keyring.for_tests().person_hash(number.text)
    assert all(passes_luhn(row["bank_card"]) for row in register.households)


def test_everything_is_marked_as_test_data(register):
    assert all(row["test_data"] for row in register.households)
    assert all(row["phone"].startswith("1990000") for row in register.households)


def test_households_have_the_size_and_the_causes_of_the_real_register(register):
    # DOMAIN.md D5: 2.49 persons; illness 36.2 %, lack of labour 23.3 %, disability 19.9 %.
    assert 2.35 <= len(register.members) / len(register.households) <= 2.65
    causes = Counter(json.loads(row["details"])["cause"] for row in register.households)
    for cause, share in (
        ("ILLNESS", 0.362),
        ("LABOUR", 0.233),
        ("DISABILITY", 0.199),
        ("STUDY", 0.049),
        ("MONEY", 0.045),
    ):
        assert abs(causes[cause] / 3000 - share) < 0.04, cause


def test_every_village_has_a_household_and_some_have_many(register):
    counts = Counter(row["region_code"] for row in register.households)
    assert set(counts) == set(VILLAGES)
    assert max(counts.values()) >= 4 * 3000 / len(VILLAGES) / 2


def test_a_household_has_one_head_whose_name_and_size_its_row_tells(register):
    members: dict[str, list] = {}
    for member in register.members:
        members.setdefault(member["household_no"], []).append(member)
    for row in register.households:
        family = members[row["household_no"]]
        assert [one["relation"] for one in family].count("户主") == 1
        assert (family[0]["relation"], family[0]["name"]) == ("户主", row["head_name"])
        assert row["member_count"] == len(family)
        assert row["household_no"].startswith(row["region_code"][:9])
        assert [one["relation"] for one in family].count("配偶") <= 1


def test_relations_fit_sex_and_age(register):
    sexes = {"之子": "M", "之父": "M", "之孙": "M", "之女": "F", "之母": "F", "之孙女": "F"}
    heads = {member["household_no"]: member for member in register.members if member["relation"] == "户主"}
    for member in register.members:
        assert member["sex"] == sexes.get(member["relation"], member["sex"])
        head = int(heads[member["household_no"]]["birth_date"][:4])
        born = int(member["birth_date"][:4])
        if member["relation"] in {"之子", "之女"}:
            assert born > head + 10
        if member["relation"] in {"之父", "之母"}:
            assert born < head - 10


def test_checks_have_people_to_bite_on(register):
    members = register.members
    details = [json.loads(member["details"]) for member in members]
    assert 100 < sum(not member["insured"] for member in members) < 500
    assert sum("insured_to" in one for one in details) > 20
    assert 30 < sum(member["died_on"] is not None for member in members) < 250
    assert sum(one.get("police") == "NAME_DIFFERS" for one in details) > 5
    assert all(member["died_on"] <= TODAY.isoformat() for member in members if member["died_on"])
    changed = [row for row in register.households if len(json.loads(row["details"])["categories"]) == 2]
    assert len(changed) > 30


def test_categories_follow_each_other_without_gap_or_overlap(register):
    for row in register.households:
        periods = json.loads(row["details"])["categories"]
        assert periods[-1]["to"] is None
        assert periods[-1]["code"] == row["category"]
        for before, after in pairwise(periods):
            assert date.fromisoformat(after["from"]).toordinal() - date.fromisoformat(before["to"]).toordinal() == 1


def test_a_tiny_register_and_one_before_the_baseline_can_be_made_too():
    assert len(make(1, villages=VILLAGES[:1]).households) == 1
    early = make(20, as_of=date(2016, 1, 15))
    assert all(row["registered_on"] in {None, "2016-01-15"} for row in early.households)
