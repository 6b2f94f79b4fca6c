"""What happens when we fail: nothing is half done, an administrator sees it, and it can be tried again."""

from __future__ import annotations

import pytest

from engine import Accident, EngineError, NotPermitted, model
from engine.verbs import services


def test_an_accident_inside_a_step_rolls_everything_back_and_becomes_an_incident(world, monkeypatch):
    claim = world.claim("JD").goes_to("T_pay")
    before, events = claim.row, claim.events

    def broken(*_arguments):
        raise EngineError("T_ledger", "the ledger cannot be reached")

    monkeypatch.setattr(services, "canonical", broken)
    with pytest.raises(Accident) as accident:
        claim.does()
    assert claim.row == before
    assert claim.events == events
    assert claim.step == "T_pay"
    assert not world.rows(model.ledger_entry)
    (incident,) = world.rows(model.incident)
    assert incident.id == accident.value.incident_id
    assert "ledger" in incident.reason

    monkeypatch.undo()
    claim.does()
    assert claim.step == "T_city"


def test_only_the_administrator_sees_and_retries_incidents(world):
    with pytest.raises(NotPermitted):
        world.engine.incidents(world.actor("CTY_CIVIL"))
    assert world.engine.incidents(world.actor("ADMIN")) == ()


def test_a_due_moment_that_fails_does_not_hold_up_the_others_and_is_retried(world, monkeypatch):
    first, second = world.claim("JD").goes_to("T_approve"), world.claim("JD").goes_to("T_approve")
    world.clock.set(2018, 10, 31)
    from engine.verbs import fire

    original = fire._reach_stage

    def sometimes(work, timer):
        if work.case.id == first.case_id:
            raise EngineError(timer.element_id, "out of order")
        original(work, timer)

    monkeypatch.setattr(fire, "_reach_stage", sometimes)
    assert world.engine.fire_due() == 1
    assert [event["kind"] for event in second.events][-1] == "stage_reached"
    administrator = world.actor("ADMIN")
    (incident,) = world.engine.incidents(administrator)
    assert world.engine.fire_due() == 0

    monkeypatch.undo()
    world.engine.retry(incident.id, administrator)
    assert [event["kind"] for event in first.events][-1] == "stage_reached"
    assert world.engine.incidents(administrator) == ()


def test_any_mistake_of_ours_becomes_an_incident_with_a_number_for_the_person(world, monkeypatch):
    claim = world.claim("JD").goes_to("T_pay")
    before = claim.row

    def mistaken(*_arguments):
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr(services, "canonical", mistaken)
    with pytest.raises(Accident) as accident:
        claim.does()
    (incident,) = world.rows(model.incident)
    assert incident.id == accident.value.incident_id
    assert claim.row == before
