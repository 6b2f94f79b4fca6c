"""The gate takes for sure what the register and the cross-checks always answer; here the real ones are held to it."""

from __future__ import annotations

from engine.runtime.gate.values import FROM_CHECKS, FROM_THE_REGISTER
from tests.world import World


def test_the_register_and_the_checks_answer_what_the_gate_takes_for_sure(sqlite_database, clock, keyring):
    world = World(sqlite_database, clock, keyring)
    claim = world.claim("JD")
    opened = claim.events[0]
    declared = world.engine.ground.definition(claim.row.definition_digest).dictionary.fields
    known = {name for name, (_, value) in opened["changes"].items() if value is not None}
    (checked,) = [step["result"] for step in opened["steps"] if step["kind"] == "service"]

    assert set(FROM_THE_REGISTER) & set(declared) <= known
    assert {*FROM_CHECKS.values(), "paid_this_year_fen"} <= set(checked)
