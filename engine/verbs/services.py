"""What a service task of a drawing may ask of the house, in the verb's own transaction.

An operator is general: which checks, which benefit, stands in the drawing. What it answers is recorded with the step, so that a
replay can lend the recorded answer instead of asking again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.audit.canonical import canonical
from engine.batch import Statement
from engine.errors import EngineError
from engine.instants import local_date, to_text
from engine.register.cross_checks import ask, cross_check, facts_of, normal_settlement_no, paid_this_year

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from engine.batch import Batch
    from engine.runtime import Service, ServiceCall
    from engine.verbs.rows import CaseRow

_CLAIM_SETTLEMENT = Statement(
    "INSERT INTO settlement (settlement_no, case_id, recorded_at) VALUES (:settlement_no, :case_id, :recorded_at)"
)
_FREE_SETTLEMENTS = Statement("DELETE FROM settlement WHERE case_id = :case_id")
_LEDGER = Statement(
    "INSERT INTO ledger_entry (household_no, person_no, kind, case_id, amount_fen, year, effective_on, recorded_at, details) "
    "VALUES (:household_no, :person_no, :kind, :case_id, :amount_fen, :year, :effective_on, :recorded_at, :details)"
)


def services_for(case: CaseRow, now: datetime, batch: Batch) -> dict[str, Service]:
    """Return the operators a step of this case may call."""
    today = local_date(now)

    def check(call: ServiceCall) -> Mapping[str, Any]:
        codes = str(call.parameters.get("checks", "")).split()
        if not codes:
            raise EngineError(call.element_id, "The drawing names no checks for this step")
        question = ask(batch.connection, call.data, region_code=case.region_code, today=today, case_id=case.id)
        facts = dict(facts_of(cross_check(batch.connection, codes, question)))
        year = int(str(call.data.get("admitted_on") or today.isoformat())[:4])
        facts["paid_this_year_fen"] = paid_this_year(batch.connection, str(call.data["person_no"]), year=year)
        number = normal_settlement_no(str(call.data.get("settlement_no", "")))
        # A corrected number frees the wrong one; the constraint lets only one case have it, whoever comes first. Whoever comes
        # second at the same moment gets a Conflict and, on trying again, the stop of X15.
        batch.put(_FREE_SETTLEMENTS, {"case_id": case.id})
        if number and not facts.get("settlement_duplicate"):
            batch.put(
                _CLAIM_SETTLEMENT, {"settlement_no": number, "case_id": case.id, "recorded_at": to_text(now)}, expect=1
            )
        return facts

    def write_ledger(call: ServiceCall) -> Mapping[str, Any]:
        kind = str(call.parameters.get("benefit", ""))
        if not kind:
            raise EngineError(call.element_id, "The drawing names no benefit for this step")
        data = call.data
        amount = data.get("aid_fen")
        if not isinstance(amount, int) or isinstance(amount, bool) or amount <= 0:
            raise EngineError(call.element_id, f"Expected an amount above zero for the ledger, found {amount!r}")
        effective = str(data.get("paid_on") or today.isoformat())
        batch.put(
            _LEDGER,
            {
                "household_no": case.household_no,
                "person_no": case.person_no,
                "kind": kind,
                "case_id": case.id,
                "amount_fen": amount,
                "year": int(str(data.get("admitted_on") or effective)[:4]),
                "effective_on": effective,
                "recorded_at": to_text(now),
                "details": canonical(
                    {
                        name: data[name]
                        for name in (
                            "admitted_on",
                            "discharged_on",
                            "disease_class",
                            "burden_fen",
                            "aid_ratio",
                            "aid_category",
                        )
                        if name in data
                    }
                ),
            },
            expect=1,
        )
        return {"ledger_entry_no": f"{kind}-{case.case_no}"}

    return {"cross_check": check, "write_ledger": write_ledger}


def free_settlements(batch: Batch, case_id: int) -> None:
    """Give the settlement numbers of a case free again: it ended without paying them."""
    batch.put(_FREE_SETTLEMENTS, {"case_id": case_id})
