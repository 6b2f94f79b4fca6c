"""Bringing households in from a workbook: all of it or nothing, with every fault named by sheet, row and column.

The workbook has two sheets, 农户 and 成员, whose columns are found by their headings in any order. Numbers of 18 digits must be text
cells, because a spreadsheet keeps only 15 digits of a number; such a cell is refused, not repaired, for nobody can know the digits that
were lost. A dry run reads and checks exactly what a real run does and then writes nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.errors import Invalid, Message
from engine.model import household as household_table
from engine.model import member as member_table
from engine.model import region as region_table
from engine.people.names import initials
from engine.register import id_numbers
from engine.register.bank_cards import has_card_form
from engine.register.households import CATEGORIES
from engine.register.workbook import HOUSEHOLDS, MEMBERS, Row, read_workbook

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

_MOST_PROBLEMS = 500
_CODES = {words.zh: code for code, words in CATEGORIES.items()} | {code: code for code in CATEGORIES}
_CAUSES = {
    "因病": "ILLNESS",
    "缺劳力": "LABOUR",
    "因残": "DISABILITY",
    "因学": "STUDY",
    "缺资金": "MONEY",
    "其他": "OTHER",
    "": "",
}
_YES_NO = {"是": True, "否": False, "Y": True, "N": False}
_REGISTERED = frozenset({"JD", "DB", "TK"})


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault in the workbook: the sheet, the row as the spreadsheet counts it (0: the sheet itself), the column, and why."""

    sheet: str
    row: int
    column: str
    reason: Message

    def __str__(self) -> str:
        place = f"{self.sheet} {self.row}" + (f" {self.column}" if self.column else "")
        return f"{place}: {self.reason.zh} / {self.reason.en}"


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What a workbook holds and what is wrong with it; `written` only where there was no fault and it was not a dry run."""

    households: int
    members: int
    problems: tuple[Problem, ...]
    """The faults, sheet by sheet and row by row; of very many only the first few hundred."""
    problem_count: int
    written: bool


def import_households(
    connection: Connection,
    path: Path,
    *,
    scope: str,
    person_hash: Callable[[str], str],
    today: date,
    dry_run: bool = False,
    test_data: bool = False,
) -> ImportReport:
    """Read a workbook and write its households, all or none; the report names every fault.

    Only households of the place `scope` are taken. BadWorkbook when the file is none, is too large, or lacks a sheet or column.
    """
    reading = _Reading(connection, scope, person_hash, today, test_data=test_data)
    sheets = read_workbook(path)
    households, members = reading.households(sheets[HOUSEHOLDS]), reading.members(sheets[MEMBERS])
    reading.join(households, members)
    problems = tuple(sorted(reading.problems, key=lambda problem: (problem.sheet, problem.row)))
    may_write = not problems and not dry_run and bool(households)
    if may_write:
        connection.execute(household_table.insert(), list(households.values()))
        connection.execute(member_table.insert(), [member for _, member in members])
    return ImportReport(len(households), len(members), problems[:_MOST_PROBLEMS], len(problems), may_write)


class _Reading:
    """One reading of a workbook: what it found wrong, and what it already knows to be taken."""

    def __init__(
        self, connection: Connection, scope: str, person_hash: Callable[[str], str], today: date, *, test_data: bool
    ) -> None:
        self._connection = connection
        self._scope = scope
        self._person_hash = person_hash
        self._today = today
        self._test_data = test_data
        self.problems: list[Problem] = []
        self._sheet = ""

    def households(self, rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
        """Return the rows for the table household by their numbers."""
        self._sheet = HOUSEHOLDS
        villages = self._known(region_table.c.code, {_plain(row, "村代码") for row in rows})
        taken = self._known(household_table.c.household_no, {_plain(row, "户编号") for row in rows})
        found: dict[str, dict[str, Any]] = {}
        for row in rows:
            number = self._text(row, "户编号", longest=24, needed=True)
            village = self._text(row, "村代码", longest=12, needed=True)
            if number in found:
                self._fault(row, "户编号", "本表中重复", "The number stands twice in this sheet")
            if number in taken:
                self._fault(row, "户编号", "该户已在册", "The register has a household of this number")
            if village and (len(village) != 12 or village not in villages):  # noqa: PLR2004  (digits of a village)
                self._fault(
                    row,
                    "村代码",
                    f"没有代码为 {village} 的村",
                    f"Expected a village's code of 12 digits, found {village!r}",
                )
            elif village and not village.startswith(self._scope):
                self._fault(row, "村代码", "不在导入范围内", f"Expected a village of {self._scope}, found {village}")
            category = _CODES.get(self._text(row, "户类别", longest=16, needed=True))
            if category is None:
                known = "、".join(words.zh for words in CATEGORIES.values())
                self._fault(row, "户类别", f"应为：{known}", f"Expected one of {', '.join(CATEGORIES)}")
            cause = self._text(row, "致贫原因", longest=16)
            if cause not in _CAUSES:
                self._fault(
                    row, "致贫原因", f"应为：{'、'.join(filter(None, _CAUSES))}", "Expected one of the listed causes"
                )
            card = self._text(row, "一卡通账号", longest=19)
            if card and not has_card_form(card):
                self._fault(row, "一卡通账号", "应为 16 至 19 位数字", "Expected 16 to 19 digits")
            registered_on = self._day(row, "登记日期")
            found[number] = {
                "household_no": number,
                "region_code": village,
                "village_group": self._text(row, "村民小组", longest=30),
                "category": category,
                "status": "REGISTERED" if category in _REGISTERED else "NOT_REGISTERED",
                "registered_on": registered_on,
                "phone": self._text(row, "联系电话", longest=20),
                "bank_name": self._text(row, "开户行", longest=60),
                "bank_card": card,
                "test_data": self._test_data,
                "details": _json(
                    {
                        "categories": [{"code": category, "from": registered_on, "to": None}],
                        "cause": _CAUSES.get(cause, ""),
                    }
                ),
                "row": row,
            }
        return found

    def members(self, rows: Sequence[Row]) -> list[tuple[Row, dict[str, Any]]]:
        """Return the rows for the table member, each with the row of the sheet it came from."""
        self._sheet = MEMBERS
        found: list[tuple[Row, dict[str, Any]]] = []
        seen: dict[str, int] = {}
        for row in rows:
            name = self._text(row, "姓名", longest=30, needed=True)
            number = self._id_number(row)
            if number is not None and number.text in seen:
                self._fault(
                    row,
                    "证件号码",
                    f"与第 {seen[number.text]} 行重复",
                    f"The number stands in row {seen[number.text]} too",
                )
            if number is not None:
                seen[number.text] = row.number
            insured = _YES_NO.get(self._text(row, "是否参保", longest=2, needed=True).upper())
            if insured is None:
                self._fault(row, "是否参保", "应为“是”或“否”", "Expected 是 or 否")
            insured_from = self._day(row, "参保日期")
            details = {"insured_from": insured_from} if insured and insured_from else {}
            found.append(
                (
                    row,
                    {
                        "household_no": self._text(row, "户编号", longest=24, needed=True),
                        "name": name,
                        "relation": self._text(row, "与户主关系", longest=10, needed=True),
                        "id_no": number.text if number else "",
                        "id_hash": self._person_hash(number.text) if number else "",
                        "id_last4": number.last4 if number else "",
                        "birth_date": number.birth_date.isoformat() if number else "",
                        "sex": number.sex if number else "",
                        "health": self._text(row, "健康状况", longest=20),
                        "insured": bool(insured),
                        "died_on": self._day(row, "死亡日期"),
                        "details": _json(details),
                    },
                )
            )
        self._refuse_known_people(found)
        return found

    def join(self, households: dict[str, dict[str, Any]], members: list[tuple[Row, dict[str, Any]]]) -> None:
        """Give every member its number and every household its head and size; a household needs exactly one head."""
        self._sheet = MEMBERS
        heads: dict[str, str] = {}
        sizes: dict[str, int] = {}
        for row, member in sorted(members, key=lambda pair: (pair[1]["relation"] != "户主", pair[0].number)):
            number = member["household_no"]
            if number not in households:
                self._fault(
                    row,
                    "户编号",
                    f"“{HOUSEHOLDS}”表中没有该户",
                    f"Expected a household of the sheet {HOUSEHOLDS}, found none",
                )
                continue
            if member["relation"] == "户主":
                if number in heads:
                    self._fault(row, "与户主关系", "该户已有户主", "Expected one head, found a second one")
                heads[number] = member["name"]
            sizes[number] = sizes.get(number, 0) + 1
            member["person_no"] = f"{number}-{sizes[number]:02d}"
        self._sheet = HOUSEHOLDS
        for number, household in households.items():
            row = household.pop("row")
            if number not in heads:
                self._fault(
                    row,
                    "户编号",
                    f"“{MEMBERS}”表中没有该户的户主",
                    "Expected a head (户主) among the members, found none",
                )
            household["head_name"] = heads.get(number, "")
            household["head_initials"] = initials(heads.get(number, ""))
            household["member_count"] = sizes.get(number, 0)

    # ---- cells -----------------------------------------------------------------------------------------------------

    def _text(self, row: Row, column: str, *, longest: int, needed: bool = False) -> str:
        cell = row.cells.get(column)
        if isinstance(cell, (int, float)) and not isinstance(cell, bool) and cell == int(cell) and abs(cell) < 10**15:
            # A spreadsheet keeps codes as numbers; up to 15 digits nothing is lost.
            cell = str(int(cell))
        if cell is not None and not isinstance(cell, str):
            self._fault(
                row,
                column,
                "应为文本格式的单元格",
                "Expected a text cell: the spreadsheet has turned the value into something else",
            )
            return ""
        text = (cell or "").strip()
        if len(text) > longest or not text.isprintable():
            self._fault(
                row,
                column,
                f"最长 {longest} 字，且不能有控制字符",
                f"Expected at most {longest} plain characters, found {len(text)}",
            )
            return ""
        if needed and not text:
            self._fault(row, column, "必填", "A value is needed here")
        return text

    def _day(self, row: Row, column: str) -> str | None:
        cell = row.cells.get(column, "")
        if cell in {"", None}:
            return None
        try:
            day = (
                cell.date()
                if isinstance(cell, datetime)
                else cell
                if isinstance(cell, date)
                else date.fromisoformat(str(cell).strip())
            )
        except ValueError:
            self._fault(
                row, column, "应为日期，如 2016-06-30", f"Expected a day such as 2016-06-30, found {str(cell)[:20]!r}"
            )
            return None
        if day > self._today:
            self._fault(row, column, "不能晚于今天", f"Expected a day up to today, found {day}")
        return day.isoformat()

    def _id_number(self, row: Row) -> id_numbers.IdNumber | None:
        text = self._text(row, "证件号码", longest=20, needed=True)
        if not text:
            return None
        try:
            return id_numbers.parse(text, today=self._today)
        except Invalid as refusal:
            self.problems.append(Problem(self._sheet, row.number, "证件号码", refusal.message))
            return None

    def _refuse_known_people(self, members: list[tuple[Row, dict[str, Any]]]) -> None:
        """X10: nobody belongs to two households (DOMAIN.md B0.7)."""
        known = self._known(member_table.c.id_hash, {member["id_hash"] for _, member in members if member["id_hash"]})
        for row, member in members:
            if member["id_hash"] in known:
                self._fault(
                    row,
                    "证件号码",
                    "此人已在其他户中（X10）",
                    "The person belongs to a household of the register already (X10)",
                )

    def _known(self, column: Any, values: set[str]) -> frozenset[str]:
        """Return which of these values a column holds, asked for in portions a database accepts."""
        ordered = sorted(value for value in values if value.isprintable())
        found: set[str] = set()
        for start in range(0, len(ordered), 500):
            found |= set(
                self._connection.execute(select(column).where(column.in_(ordered[start : start + 500]))).scalars()
            )
        return frozenset(found)

    def _fault(self, row: Row, column: str, zh: str, en: str) -> None:
        self.problems.append(Problem(self._sheet, row.number, column, Message(zh, en)))


def _plain(row: Row, column: str) -> str:
    cell = row.cells.get(column)
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell or "").strip()


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
