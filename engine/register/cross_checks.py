"""Cross-checks with other departments: what is asked, who answers, and what the case learns (DOMAIN.md B0.7).

A check is a port: a source that answers one code for one person. Here are the sources of an installation without lines to the
departments, which read the register and the engine's own tables and say so in their name. A line to a real department is another
function in the table handed to :func:`cross_check`. An answer never decides: STOP and FLAG are facts for the tables and for a person's
signed finding; no flag removes anybody by itself.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.errors import EngineError, Invalid, Message
from engine.model import process_case as case_table
from engine.model import settlement as settlement_table
from engine.register import id_numbers
from engine.register.households import find_household, paid_in_year

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sqlalchemy import Connection

    from engine.register.households import Household, Member

OK, FLAG, STOP = "OK", "FLAG", "STOP"
_DASHES = "\u2212\u2043"
_LONGEST_NUMBER = 64


@dataclass(frozen=True, slots=True)
class Question:
    """Whom a check is about: the case, the person in their household, and the days and numbers of the claim."""

    household: Household
    member: Member
    today: date
    admitted_on: date
    name: str
    id_no: str
    settlement_no: str = ""
    case_id: int | None = None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one source answered. `result`: OK, FLAG (a person must look) or STOP (cannot go on until it is cleared up)."""

    code: str
    result: str
    value: str
    source: Message
    checked_on: date
    facts: Mapping[str, Any]
    """What the case learns, under the names of its data dictionary."""

    def as_json(self) -> dict[str, str]:
        """Return the answer as the audit event keeps it."""
        return {
            "result": self.result,
            "value": self.value,
            "source": self.source.zh,
            "checked_on": self.checked_on.isoformat(),
        }


if TYPE_CHECKING:
    Source = Callable[[Connection, "Question"], "CheckResult"]


def ask(
    connection: Connection, data: Mapping[str, Any], *, region_code: str, today: date, case_id: int | None = None
) -> Question:
    """Make the question out of a case's data: household_no, person_no and, where known, admitted_on and settlement_no.

    Data that name nobody of the register are an accident, not a refusal: the verb that opened the case has checked them.
    """
    household = find_household(connection, str(data["household_no"]), scope=region_code)
    member = household.member(str(data["person_no"]))
    admitted_on = data.get("admitted_on")
    return Question(
        household=household,
        member=member,
        today=today,
        admitted_on=date.fromisoformat(admitted_on) if admitted_on else today,
        name=str(data.get("patient_name", member.name)),
        id_no=str(data.get("patient_id_no", member.id_no)),
        settlement_no=normal_settlement_no(str(data.get("settlement_no", ""))),
        case_id=case_id,
    )


def cross_check(
    connection: Connection, codes: Iterable[str], question: Question, *, sources: Mapping[str, Source] | None = None
) -> dict[str, CheckResult]:
    """Ask every source named by its code (X01, X03, …) and return the answers by code; EngineError for a code nobody answers."""
    table = OWN_SOURCES if sources is None else sources
    results: dict[str, CheckResult] = {}
    for code in codes:
        source = table.get(code)
        if source is None:
            raise EngineError("", f"Expected one of the checks {', '.join(table)}, found {code!r}")
        results[code] = source(connection, question)
    return results


def facts_of(results: Mapping[str, CheckResult]) -> dict[str, Any]:
    """Return all a case learns from its checks, flat, under the names of its data dictionary."""
    return {name: value for result in results.values() for name, value in result.facts.items()}


def paid_this_year(connection: Connection, person_no: str, *, year: int, kind: str = "MEDICAL") -> int:
    """Return what a person was paid against a year's limit, in fen (DOMAIN.md B3: paidThisYear)."""
    return paid_in_year(connection, person_no, kind=kind, year=year)


def normal_settlement_no(text: str) -> str:
    """Return a settlement number in the one form in which it is compared; empty where neither a letter nor a digit remains.

    Half-width capitals, every dash the same, nothing that cannot be seen: a blank of no width must not make a second number of one
    that has been paid. What has grown too long to be a key is told by its digest.
    """
    plain = unicodedata.normalize("NFKC", text).upper()
    kept = "".join(
        "-" if character in _DASHES or unicodedata.category(character) == "Pd" else character
        for character in plain
        if unicodedata.category(character)[0] not in "CZ"
    )
    if not any(character.isalnum() for character in kept):
        return ""
    return kept if len(kept) <= _LONGEST_NUMBER else sha256(kept.encode()).hexdigest()


def _identity(_connection: Connection, question: Question) -> CheckResult:
    """X01: the number can be right, and is this person's by name."""
    source = Message("公安（演示：户籍台账）", "public security (demo: the register)")
    try:
        number = id_numbers.parse(question.id_no, today=question.today).text
    except Invalid as refusal:
        return CheckResult("X01", STOP, refusal.message.zh, source, question.today, {"id_valid": False})
    member = question.member
    fits = number == member.id_no and question.name == member.name and member.details.get("police") != "NAME_DIFFERS"
    value = "一致" if fits else "姓名与号码不一致"
    return CheckResult("X01", OK if fits else STOP, value, source, question.today, {"id_valid": fits})


def _alive(_connection: Connection, question: Question) -> CheckResult:
    """X03: the person lives."""
    source = Message("公安、民政殡葬（演示：户籍台账）", "public security and funeral register (demo: the register)")
    alive = question.member.was_alive_on(question.today)
    value = "在世" if alive else f"{question.member.died_on} 死亡"
    return CheckResult("X03", OK if alive else FLAG, value, source, question.today, {"patient_alive": alive})


def _category(_connection: Connection, question: Question) -> CheckResult:
    """X04: the categories in force on the day of admission; sets them, stops nothing."""
    source = Message("民政、扶贫（演示：户籍台账）", "civil affairs and poverty office (demo: the register)")
    categories = question.household.categories_on(question.admitted_on, question.member.person_no)
    value = "、".join(categories) if categories else "无"
    return CheckResult(
        "X04", OK if categories else FLAG, value, source, question.today, {"categories": list(categories)}
    )


def _insured(_connection: Connection, question: Question) -> CheckResult:
    """X12: insured on the day of admission."""
    source = Message("医保（演示：户籍台账）", "medical insurance (demo: the register)")
    insured = question.member.was_insured_on(question.admitted_on)
    value = "入院日已参保" if insured else "入院日未参保"
    return CheckResult("X12", OK if insured else FLAG, value, source, question.today, {"insured": insured})


def _settlement(connection: Connection, question: Question) -> CheckResult:
    """X15: no other case has claimed this settlement."""
    source = Message("本系统", "this system")
    columns = settlement_table.c
    statement = (
        select(columns.case_id, case_table.c.case_no)
        .outerjoin(case_table, case_table.c.id == columns.case_id)
        .where(columns.settlement_no == question.settlement_no)
    )
    row = connection.execute(statement).first() if question.settlement_no else None
    if row is None or row.case_id == question.case_id:
        return CheckResult("X15", OK, "未报销过", source, question.today, {"settlement_duplicate": False})
    other = row.case_no or f"#{row.case_id}"
    facts = {"settlement_duplicate": True, "settlement_case_no": other}
    return CheckResult("X15", STOP, f"已在 {other} 报销", source, question.today, facts)


OWN_SOURCES: dict[str, Source] = {
    "X01": _identity,
    "X03": _alive,
    "X04": _category,
    "X12": _insured,
    "X15": _settlement,
}
"""The checks an installation can answer from its own tables."""
