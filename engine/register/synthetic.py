"""Made-up households with the shape of the real register, for the demo, the tests and the rehearsal.

The shape is DOMAIN.md D5: 2.49 persons a household, causes of poverty as counted, poor villages with several times the households of
others. What the checks need is in there on purpose: members who are not insured, who have died, whose category changed at a known
day, low-income families that are not registered poor. Identity numbers carry a right check digit and sit in the upper orders of a
birthday, which birth registers hardly ever reach; cards pass Luhn; every household is marked as test data. One seed, one register.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from engine.model import household as household_table
from engine.model import member as member_table
from engine.people.names import initials, made_up_name, made_up_surname
from engine.register.bank_cards import luhn_digit
from engine.register.id_numbers import compose

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

REGISTRATION_DAY = date(2016, 6, 30)
"""The day of the register's baseline (粤发〔2016〕13号 §2 counts its households then)."""

_SIZES, _SIZE_WEIGHTS = (1, 2, 3, 4, 5, 6), (26, 27, 21, 15, 8, 3)
_CAUSES = ("ILLNESS", "LABOUR", "DISABILITY", "STUDY", "MONEY", "OTHER")
_CAUSE_WEIGHTS = (362, 233, 199, 49, 45, 112)
_CATEGORIES, _CATEGORY_WEIGHTS = ("JD", "DB", "TK", "LOW", "ILL"), (52, 35, 8, 3, 2)
_BANKS = ("农村商业银行", "中国农业银行", "中国邮政储蓄银行")
_FIRST_ORDER, _LAST_ORDER = 400, 499
"""Orders of a birthday kept for households; staff made up in engine.people.staffing use those below."""
_SHARE_UNINSURED, _SHARE_DEAD, _SHARE_CHANGED_CATEGORY, _SHARE_NAME_DIFFERS = 0.035, 0.012, 0.08, 0.004
_COMMUNITY_WEIGHT, _POOR_VILLAGE_WEIGHT, _SHARE_POOR_VILLAGES = 0.15, 4.0, 0.14
_FIRST_VILLAGE_CODE = "200"
"""From here on the last three digits of a code mean a village; below they mean a community of townspeople."""


@dataclass(frozen=True, slots=True)
class Register:
    """Rows for the tables household and member, ready to be stored."""

    households: list[dict[str, Any]] = field(default_factory=list)
    members: list[dict[str, Any]] = field(default_factory=list)

    def store(self, connection: Connection) -> None:
        """Write the rows into the register."""
        if self.households:
            connection.execute(household_table.insert(), self.households)
            connection.execute(member_table.insert(), self.members)


@dataclass(frozen=True, slots=True)
class _Relative:
    relation: str
    sex: str
    age: int
    own_surname: bool


def make_register(
    villages: Sequence[str], count: int, *, seed: int, as_of: date, person_hash: Callable[[str], str]
) -> Register:
    """Make `count` households and spread them over villages given by their 12-digit codes.

    `as_of` is the day on which ages are right; `person_hash` the keyed hash of an identity number. Each village gets at least one
    household while there are enough. The same arguments give the same register.
    """
    return _Maker(seed, as_of, person_hash).make(villages, count)


class _Maker:
    def __init__(self, seed: int, as_of: date, person_hash: Callable[[str], str]) -> None:
        self._chance = random.Random(f"households {seed}")  # noqa: S311  (made-up people, no secrets)
        self._as_of = as_of
        self._person_hash = person_hash
        self._next_in_town: dict[str, int] = {}
        self._numbers: set[str] = set()
        self._register = Register()
        self._poor_villages: frozenset[str] = frozenset()

    def make(self, villages: Sequence[str], count: int) -> Register:
        rural = [code for code in villages if code[9:] >= _FIRST_VILLAGE_CODE]
        self._poor_villages = frozenset(self._chance.sample(rural, round(len(rural) * _SHARE_POOR_VILLAGES)))
        for village in self._spread(villages, count):
            self._add_household(village)
        return self._register

    def _spread(self, villages: Sequence[str], count: int) -> list[str]:
        # Everybody who opens a village's list should find something there, so one each comes first.
        places = list(villages[:count])
        places += self._chance.choices(villages, [self._weight(code) for code in villages], k=count - len(places))
        return sorted(places)

    def _weight(self, village: str) -> float:
        if village[9:] < _FIRST_VILLAGE_CODE:
            return _COMMUNITY_WEIGHT
        return _POOR_VILLAGE_WEIGHT if village in self._poor_villages else 1.0

    def _add_household(self, village: str) -> None:
        chance = self._chance
        category = chance.choices(_CATEGORIES, _CATEGORY_WEIGHTS)[0]
        cause = chance.choices(_CAUSES, _CAUSE_WEIGHTS)[0]
        if category == "ILL":
            cause = "ILLNESS"
        family = self._family(category)
        town = village[:9]
        order = self._next_in_town[town] = self._next_in_town.get(town, 0) + 1
        household_no = f"{town}-{order:04d}"
        surname = made_up_surname(chance)
        members = [
            self._member(household_no, place, surname, relative) for place, relative in enumerate(family, start=1)
        ]
        self._give_health(members, cause)
        self._give_insurance(members)
        registered = category in {"JD", "DB", "TK"}
        categories = self._categories(category)
        head = members[0]
        details = {
            "address": f"{chance.randint(1, 180)} 号",
            "categories": categories,
            "cause": cause,
            "checked_on": (self._as_of - timedelta(days=chance.randint(20, 200))).isoformat(),
            "has_labour": any(16 <= relative.age < 60 for relative in family) and cause != "LABOUR",  # noqa: PLR2004
            "poor_village": village in self._poor_villages,
        }
        self._register.households.append(
            {
                "household_no": household_no,
                "region_code": village,
                "village_group": f"{chance.choice('一二三四五六七八九十')}组",
                "head_name": head["name"],
                "head_initials": initials(head["name"]),
                "category": category,
                "status": "REGISTERED" if registered else "NOT_REGISTERED",
                "member_count": len(members),
                "registered_on": min(REGISTRATION_DAY, self._as_of).isoformat() if registered else None,
                "phone": f"1990000{chance.randint(0, 9999):04d}",
                "bank_name": chance.choice(_BANKS),
                "bank_card": self._card(),
                "test_data": True,
                "details": _json(details),
            }
        )
        for member in members:
            member["details"] = _json(member["details"])
        self._register.members.extend(members)

    def _family(self, category: str) -> list[_Relative]:
        chance = self._chance
        if category == "TK":
            return [_Relative("户主", chance.choice("MMF"), chance.randint(61, 88), own_surname=True)]
        size = chance.choices(_SIZES, _SIZE_WEIGHTS)[0]
        sex = chance.choice("MMMF")
        age = chance.randint(55, 86) if size == 1 and chance.random() < 0.7 else chance.randint(30, 72)  # noqa: PLR2004
        family = [_Relative("户主", sex, age, own_surname=True)]
        if size > 1 and chance.random() < 0.75:  # noqa: PLR2004
            partner = "F" if sex == "M" else "M"
            family.append(_Relative("配偶", partner, max(20, age + chance.randint(-6, 4)), own_surname=False))
        while len(family) < size:
            family.append(self._relative(sex, age, {relative.relation for relative in family}))
        return family

    def _relative(self, sex: str, age: int, present: set[str]) -> _Relative:
        chance = self._chance
        kind = chance.random()
        child_age = age - chance.randint(22, 36)
        if kind < 0.18 and age <= 62:  # noqa: PLR2004
            parent = chance.choice("FM")
            relation = "之母" if parent == "F" else "之父"
            if relation not in present:
                return _Relative(relation, parent, min(96, age + chance.randint(20, 29)), own_surname=parent == "M")
        if kind > 0.8 and age >= 50:  # noqa: PLR2004
            grandchild = chance.choice("MF")
            grandchild_age = max(0, age - chance.randint(44, 62))
            return _Relative(
                "之孙" if grandchild == "M" else "之孙女", grandchild, grandchild_age, own_surname=sex == "M"
            )
        child = chance.choice("MF")
        return _Relative("之子" if child == "M" else "之女", child, max(0, child_age), own_surname=sex == "M")

    def _member(self, household_no: str, place: int, surname: str, relative: _Relative) -> dict[str, Any]:
        chance = self._chance
        birth_date = self._as_of - timedelta(days=relative.age * 365 + relative.age // 4 + chance.randint(1, 360))
        id_no = self._id_number(household_no[:6], birth_date, relative.sex)
        name = made_up_name(chance, sex=relative.sex, age=relative.age, surname=surname if relative.own_surname else "")
        return {
            "person_no": f"{household_no}-{place:02d}",
            "household_no": household_no,
            "name": name,
            "relation": relative.relation,
            "id_no": id_no,
            "id_hash": self._person_hash(id_no),
            "id_last4": id_no[-4:],
            "birth_date": birth_date.isoformat(),
            "sex": relative.sex,
            "health": "健康",
            "insured": True,
            "died_on": None,
            "details": {"remark": _remark(relative)},
        }

    def _id_number(self, county: str, birth_date: date, sex: str) -> str:
        # Any order will do, but not always the lowest: people search by the last four characters.
        for _ in range(_LAST_ORDER - _FIRST_ORDER):
            order = self._chance.randint(_FIRST_ORDER, _LAST_ORDER)
            number = compose(county, birth_date, order, sex=sex)
            if number not in self._numbers:
                self._numbers.add(number)
                return number
        raise ValueError(
            f"Expected far fewer than 100 test persons of one sex born on {birth_date}, found them all taken"
        )

    def _give_health(self, members: list[dict[str, Any]], cause: str) -> None:
        chance = self._chance
        concerned = chance.choice(members)
        if cause == "ILLNESS":
            concerned["health"] = chance.choice(("大病", "长期慢性病"))
        elif cause == "DISABILITY":
            concerned["health"] = "残疾"
            concerned["details"]["disability_grade"] = chance.randint(1, 4)
        for member in members:
            if member["health"] == "健康" and chance.random() < 0.12:  # noqa: PLR2004
                member["health"] = "长期慢性病"

    def _give_insurance(self, members: list[dict[str, Any]]) -> None:
        chance = self._chance
        for member in members:
            since = max(date(2016, 1, 1), date.fromisoformat(member["birth_date"]) + timedelta(days=28))
            member["details"]["insured_from"] = since.isoformat()
            if chance.random() < _SHARE_UNINSURED:
                member["insured"] = False
                # Half of them were insured once and let it lapse: insured on an earlier day of admission, not today.
                lapsed = self._as_of - timedelta(days=chance.randint(30, 300))
                if chance.random() < 0.5 and lapsed > since:  # noqa: PLR2004
                    member["details"]["insured_to"] = lapsed.isoformat()
                else:
                    del member["details"]["insured_from"]
            if chance.random() < _SHARE_NAME_DIFFERS:
                member["details"]["police"] = "NAME_DIFFERS"
            if chance.random() < _SHARE_DEAD:
                died = self._as_of - timedelta(days=chance.randint(5, 150))
                if died.isoformat() > member["birth_date"]:
                    member["died_on"] = died.isoformat()

    def _categories(self, category: str) -> list[dict[str, str | None]]:
        chance = self._chance
        start = min(REGISTRATION_DAY, self._as_of).isoformat()
        if category in {"DB", "TK"} and chance.random() < _SHARE_CHANGED_CATEGORY:
            change = self._as_of - timedelta(days=chance.randint(30, 240))
            if change.isoformat() > start:
                before = (change - timedelta(days=1)).isoformat()
                return [
                    {"code": "JD", "from": start, "to": before},
                    {"code": category, "from": change.isoformat(), "to": None},
                ]
        return [{"code": category, "from": start, "to": None}]

    def _card(self) -> str:
        digits = f"6217000000{self._chance.randint(0, 99_999_999):08d}"
        return digits + luhn_digit(digits)


def _remark(relative: _Relative) -> str:
    if 6 <= relative.age < 18:  # noqa: PLR2004
        return "在校"
    if 18 <= relative.age < 60:  # noqa: PLR2004
        return "劳动力"
    return f"{relative.age} 岁"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
