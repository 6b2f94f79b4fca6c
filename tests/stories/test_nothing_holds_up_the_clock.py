"""One due moment that cannot act, for whatever reason, is laid aside and told; the others act."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from engine import model


def test_a_moment_whose_rows_do_not_fit_together_does_not_hold_up_the_others(world):
    first, second = world.claim().goes_to("T_approve"), world.claim().goes_to("T_approve")
    with world.database.transaction() as connection:
        connection.execute(update(model.task).where(model.task.c.case_id == first.case_id).values(state="CANCELLED"))
    world.clock.set(2018, 10, 31)
    assert world.engine.fire_due() == 1
    assert [event["kind"] for event in second.events][-1] == "stage_reached"
    assert len(world.engine.incidents(world.actor("ADMIN"))) == 1
    assert world.engine.fire_due() == 0


def test_a_case_whose_state_was_tampered_with_does_not_hold_up_the_others(world):
    first, second = world.claim().goes_to("T_approve"), world.claim().goes_to("T_approve")
    with world.database.transaction() as connection:
        connection.execute(
            update(model.process_case)
            .where(model.process_case.c.id == first.case_id)
            .values(state=b"nonsense", summary="{")
        )
    world.clock.set(2018, 10, 31)
    world.engine.fire_due()
    assert [event["kind"] for event in second.events][-1] == "stage_reached"
    assert world.engine.fire_due() == 0


def test_an_administrator_sees_the_incidents_of_their_own_place_only(world):
    claim = world.claim().goes_to("T_approve")
    with world.database.transaction() as connection:
        connection.execute(update(model.task).where(model.task.c.case_id == claim.case_id).values(clock="{"))
    world.clock.set(2018, 10, 31)
    world.engine.fire_due()
    administrator = world.actor("ADMIN")
    (incident,) = world.engine.incidents(administrator)
    with world.database.transaction() as connection:
        connection.execute(
            update(model.post).where(model.post.c.id == administrator.post_id).values(region_code="441402")
        )
    stranger = world.engine.actor(administrator.person_id, administrator.post_id)
    assert world.engine.incidents(stranger) == ()
    from engine import Rejected

    with pytest.raises(Rejected):
        world.engine.retry(incident.id, stranger)


def test_a_claim_of_a_year_without_a_calendar_goes_on(world):
    world.clock.set(2031, 3, 3)
    claim = world.claim(admitted_on="2031-01-11", discharged_on="2031-02-02")
    assert claim.step
