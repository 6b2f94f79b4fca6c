"""Households and their members: finding them within one's jurisdiction, and what they were on a given day.

Every look-up takes the code of the asker's jurisdiction and goes through one range of codes; a household outside it is not found, as if
there were none (DESIGN.md §3.2, §3.10). Categories and insurance carry their days, because a claim is judged by the day of admission
(DOMAIN.md B3), not by today. What a case changes is written to the ledger, not here.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, func, literal, select, union_all

from engine.errors import Message, NotFound
from engine.model import household as household_table
from engine.model import ledger_entry as ledger_table
from engine.model import member as member_table
from engine.model import region as region_table
from engine.people.regions import in_region
from engine.register import id_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from sqlalchemy import Connection, Row

CATEGORIES: Mapping[str, Message] = {
    "TK": Message("特困供养", "destitute support"),
    "DB": Message("低保", "dibao (subsistence allowance)"),
    "JD": Message("建档立卡", "registered poor"),
    "LOW": Message("低收入", "low income"),
    "ILL": Message("因病致贫", "poor through illness"),
}
"""Categories of a household, the one with the most help first (DOMAIN.md B3)."""

_LAST_FOUR = re.compile(r"[0-9]{3}[0-9X]", re.ASCII)
_ID_LIKE = re.compile(r"[0-9]{14,20}X?|[0-9]{17}X", re.ASCII)
_PHONE = re.compile(r"1[3-9][0-9]{9}", re.ASCII)
_HOUSEHOLD_NO = re.compile(r"[0-9]{2,12}|[0-9]{9}-[0-9]{0,6}", re.ASCII)
_LETTERS = re.compile(r"[A-Za-z]{1,16}", re.ASCII)
_LONGEST_QUERY = 40


@dataclass(frozen=True, slots=True)
class Member:
    """One person of a household."""

    person_no: str
    household_no: str
    name: str
    relation: str
    id_no: str = field(repr=False)
    id_hash: str
    birth_date: str
    sex: str
    health: str = field(repr=False)
    insured: bool
    died_on: str | None
    details: Mapping[str, Any] = field(repr=False)

    @property
    def id_masked(self) -> str:
        """The ID number as lists show it."""
        return id_numbers.mask(self.id_no)

    @property
    def remark(self) -> str:
        """What helps to recognise the person: 在校, 劳动力, an age."""
        return str(self.details.get("remark", ""))

    def was_alive_on(self, day: date) -> bool:
        """Say whether the person was alive at the end of a day."""
        return self.died_on is None or self.died_on > day.isoformat()

    def was_insured_on(self, day: date) -> bool:
        """Say whether the resident medical insurance covered the person on a day."""
        text = day.isoformat()
        since, until = self.details.get("insured_from"), self.details.get("insured_to")
        if since is None and until is None:
            return self.insured
        return (since is None or since <= text) and (until is None or text <= until)


@dataclass(frozen=True, slots=True)
class HouseholdRow:
    """A household as a list shows it; its head's ID number is masked."""

    household_no: str
    region_code: str
    village_group: str
    head_name: str
    head_id_masked: str
    category: str
    status: str
    member_count: int
    test_data: bool
    matched_member: str = ""
    """The name of the member by whom it was found, where that is not the head."""


@dataclass(frozen=True, slots=True)
class Household:
    """A household with its members, head first."""

    household_no: str
    region_code: str
    village_group: str
    head_name: str
    head_initials: str
    category: str
    status: str
    registered_on: str | None
    phone: str = field(repr=False)
    bank_name: str
    bank_card: str = field(repr=False)
    test_data: bool
    details: Mapping[str, Any] = field(repr=False)
    members: tuple[Member, ...]

    @property
    def head(self) -> Member:
        """The head of the household."""
        return next((one for one in self.members if one.relation == "户主"), self.members[0])

    def member(self, person_no: str) -> Member:
        """Return a member by number; NotFound when nobody of this household has it."""
        for one in self.members:
            if one.person_no == person_no:
                return one
        raise NotFound(
            Message(
                "该户没有此成员",
                f"Expected a member of household {self.household_no}, found none with number {person_no}",
            )
        )

    def categories_on(self, day: date, person_no: str = "") -> tuple[str, ...]:
        """Return the categories in force on a day, the one with the most help first.

        They are the household's, together with the person's own (destitute support is given to persons) where one is named.
        """
        periods = list(self.details.get("categories", ()))
        if not periods and self.category in CATEGORIES:
            periods = [{"code": self.category, "from": self.registered_on, "to": None}]
        if person_no:
            periods += self.member(person_no).details.get("categories", ())
        text = day.isoformat()
        codes = {
            period["code"]
            for period in periods
            if (period.get("from") or "") <= text and (period.get("to") is None or text <= period["to"])
        }
        return tuple(code for code in CATEGORIES if code in codes)


def find_households(
    connection: Connection, query: str, *, scope: str, limit: int = 20, offset: int = 0
) -> tuple[HouseholdRow, ...]:
    """Return the households of a jurisdiction that fit what somebody typed, the best fit first.

    Understood are a name of the head or a member (or its part), pinyin initials (zgl), the last four of an ID number or phone, a
    whole ID number, a household number or its beginning, and a village's name. Nothing typed lists all of them. An 18-digit number that
    cannot be right raises Invalid with the reason; anything else that fits nothing gives an empty answer.
    """
    text = unicodedata.normalize("NFKC", _storable(query)).strip()[:_LONGEST_QUERY]
    columns = household_table.c
    ways = _ways(text, scope)
    found = union_all(*ways).subquery()
    ranked = (
        select(found.c.household_no, func.min(found.c.rank).label("rank"), func.min(found.c.matched).label("matched"))
        .group_by(found.c.household_no)
        .subquery()
    )
    head_id = (
        select(member_table.c.id_no)
        .where(member_table.c.household_no == columns.household_no, member_table.c.relation == "户主")
        .limit(1)
        .scalar_subquery()
    )
    statement = (
        select(household_table, ranked.c.matched, head_id.label("head_id"))
        .join(ranked, ranked.c.household_no == columns.household_no)
        .order_by(ranked.c.rank, columns.household_no)
        .limit(limit)
        .offset(offset)
    )
    return tuple(_row(row) for row in connection.execute(statement))


def find_household(connection: Connection, household_no: str, *, scope: str) -> Household:
    """Return a household with its members; NotFound when there is none of that number in the jurisdiction."""
    columns = household_table.c
    row = connection.execute(
        select(household_table).where(
            columns.household_no == _storable(household_no), in_region(columns.region_code, scope)
        )
    ).one_or_none()
    if row is None:
        raise NotFound(
            Message("辖区内没有该户", "Expected a household of your jurisdiction, found none of that number")
        )
    members = connection.execute(
        select(member_table).where(member_table.c.household_no == household_no).order_by(member_table.c.person_no)
    )
    return Household(
        household_no=row.household_no,
        region_code=row.region_code,
        village_group=row.village_group,
        head_name=row.head_name,
        head_initials=row.head_initials,
        category=row.category,
        status=row.status,
        registered_on=row.registered_on,
        phone=row.phone,
        bank_name=row.bank_name,
        bank_card=row.bank_card,
        test_data=bool(row.test_data),
        details=json.loads(row.details),
        members=tuple(_member(one) for one in members),
    )


def kin_of(connection: Connection, household_no: str) -> frozenset[str]:
    """Return the keyed hashes of all members' ID numbers: whose relatives must stand aside from this household's cases."""
    rows = connection.execute(select(member_table.c.id_hash).where(member_table.c.household_no == household_no))
    return frozenset(rows.scalars())


def paid_in_year(connection: Connection, person_no: str, *, kind: str, year: int) -> int:
    """Return what the ledger says a person has received of one kind of help that counts against a year, in fen."""
    columns = ledger_table.c
    total = connection.execute(
        select(func.coalesce(func.sum(columns.amount_fen), 0)).where(
            columns.person_no == person_no, columns.kind == kind, columns.year == year
        )
    ).scalar_one()
    return int(total)


def _ways(text: str, scope: str) -> list[Select[Any]]:  # noqa: PLR0911  (a list of readings, each left at once)
    """Return one query for each thing the text may mean; each gives household numbers, a rank and a matched member."""
    columns, people = household_table.c, member_table.c
    here = in_region(columns.region_code, scope)
    upper = text.upper().replace(" ", "")

    def by_household(rank: int, condition: Any) -> Select[Any]:
        return select(columns.household_no, literal(rank).label("rank"), literal("").label("matched")).where(
            here, condition
        )

    def by_member(rank: int, condition: Any) -> Select[Any]:
        return (
            select(columns.household_no, literal(rank).label("rank"), people.name.label("matched"))
            .join(member_table, people.household_no == columns.household_no)
            .where(here, condition)
        )

    if not text:
        return [by_household(0, literal(1) == 1)]
    if _LAST_FOUR.fullmatch(upper):
        ways = [by_member(0, people.id_last4 == upper), by_household(1, columns.phone.like(f"%{upper}"))]
        return [*ways, by_household(2, _begins(columns.household_no, upper))] if upper.isdigit() else ways
    if _PHONE.fullmatch(upper):
        return [by_household(0, columns.phone == upper)]
    if _ID_LIKE.fullmatch(upper):
        number = id_numbers.parse(upper)
        return [by_member(0, (people.id_last4 == number.last4) & (people.id_no == number.text))]
    if _HOUSEHOLD_NO.fullmatch(upper):
        ways = [by_household(0, _begins(columns.household_no, upper))]
        # Without the dash it may also be the code of a place.
        return ways if "-" in upper else [*ways, by_household(1, in_region(columns.region_code, upper))]
    if _LETTERS.fullmatch(text):
        return [by_household(0, _begins(columns.head_initials, text.lower()))]
    part = "%" + re.sub(r"([\\%_])", r"\\\1", text) + "%"
    villages = select(region_table.c.code).where(
        in_region(region_table.c.code, scope), region_table.c.name.like(part[1:], escape="\\")
    )
    return [
        by_household(0, columns.head_name == text),
        by_household(1, columns.head_name.like(part, escape="\\")),
        by_member(2, people.name.like(part, escape="\\")),
        by_household(3, columns.region_code.in_(villages)),
    ]


def _storable(text: str) -> str:
    """Return what is left of typed text without what no database takes: NUL, and the halves of broken characters."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode()


def _begins(column: Any, text: str) -> Any:
    return column.like(re.sub(r"([\\%_])", r"\\\1", text) + "%", escape="\\")


def _row(row: Row[Any]) -> HouseholdRow:
    return HouseholdRow(
        household_no=row.household_no,
        region_code=row.region_code,
        village_group=row.village_group,
        head_name=row.head_name,
        head_id_masked=id_numbers.mask(row.head_id or ""),
        category=row.category,
        status=row.status,
        member_count=row.member_count,
        test_data=bool(row.test_data),
        matched_member="" if row.matched == row.head_name else row.matched,
    )


def _member(row: Row[Any]) -> Member:
    return Member(
        person_no=row.person_no,
        household_no=row.household_no,
        name=row.name,
        relation=row.relation,
        id_no=row.id_no,
        id_hash=row.id_hash,
        birth_date=row.birth_date,
        sex=row.sex,
        health=row.health,
        insured=bool(row.insured),
        died_on=row.died_on,
        details=json.loads(row.details),
    )
