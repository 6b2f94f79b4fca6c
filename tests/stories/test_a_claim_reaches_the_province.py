"""A medical assistance claim goes from a village to a paid, filed decision, with a signature at every level."""

from __future__ import annotations

from engine import model


def test_a_registered_poor_households_claim_is_signed_at_all_five_levels_and_paid(world):
    claim = world.claim("JD")
    assert claim.step == "T_receive"
    for element in ("T_review", "T_approve", "T_pay", "T_city", "T_province"):
        claim.goes_to(element)
    claim.does()

    assert claim.status == "COMPLETED"
    signed = world.rows(model.signature, model.signature.c.case_id == claim.case_id)
    tasks = {row.no: row for row in world.rows(model.task, model.task.c.case_id == claim.case_id)}
    assert {tasks[one.task_no].level for one in signed} == {12, 9, 6, 4, 2}
    assert all(row.state == "DONE" for row in tasks.values())
    (entry,) = world.rows(model.ledger_entry, model.ledger_entry.c.case_id == claim.case_id)
    assert entry.amount_fen == 1087122
    assert [event["seq"] for event in claim.events] == list(range(1, len(claim.events) + 1))
