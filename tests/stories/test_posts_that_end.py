"""Who has lost a post, or the right to act on a case, acts no more: at once, and also when the page was opened before."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, update

from engine import NotFound, NotPermitted, Rejected, model
from engine.instants import to_text


def end_post(world, actor, day):
    with world.database.transaction() as connection:
        connection.execute(update(model.post).where(model.post.c.id == actor.post_id).values(to_date=day))


def press(world, claim, actor, view):
    return world.engine.complete(
        view.task_id, actor, "AGREE", {}, "同意", seen_revision=view.revision, proof=world.proof(actor)
    )


def test_whoever_lost_the_post_after_opening_the_page_signs_nothing(world):
    claim = world.claim().goes_to("T_approve")
    officer = claim.holder()
    view = world.engine.task(claim.task, officer)
    end_post(world, officer, "2018-01-01")
    with pytest.raises(Rejected):
        press(world, claim, officer, view)
    assert claim.step == "T_approve"


def test_whoever_was_deactivated_after_opening_the_page_signs_nothing(world):
    claim = world.claim().goes_to("T_approve")
    officer = claim.holder()
    view = world.engine.task(claim.task, officer)
    with world.database.transaction() as connection:
        connection.execute(
            update(model.person)
            .where(model.person.c.id == officer.person_id)
            .values(deactivated_at=to_text(world.clock()))
        )
    with pytest.raises(Rejected):
        press(world, claim, officer, view)
    assert claim.step == "T_approve"


def test_a_task_is_not_given_to_somebody_who_may_not_act_on_the_case(world):
    claim = world.claim().goes_to("T_approve")
    first, second = claim.holder(0), claim.holder(1)
    leader = world.actor("CTY_LEADER")
    with world.database.transaction() as connection:
        member = world.rows(model.member, model.member.c.household_no == claim.row.household_no)[0]
        connection.execute(
            insert(model.relative).values(
                person_id=second.person_id, id_hash=member.id_hash, relation="表亲", declared_at=to_text(world.clock())
            )
        )
    with pytest.raises(NotPermitted) as refused:
        world.engine.reassign(claim.task, leader, second.person_id, "人手不足,请协助")
    assert refused.value.rule == "not_a_relative"
    world.engine.reassign(claim.task, leader, first.person_id, "人手不足,请协助")


def test_a_task_is_not_given_to_somebody_whose_post_ended_yesterday_in_china(world):
    claim = world.claim().goes_to("T_approve")
    officer = claim.holder()
    leader = world.actor("CTY_LEADER")
    today = world.clock().astimezone(UTC)
    # Half past seven in the morning in Guangdong is still the day before in Greenwich.
    world.clock.now = datetime(today.year, today.month + 1, 12, 23, 30, tzinfo=UTC)
    end_post(world, officer, world.clock().date().isoformat())
    with pytest.raises(NotFound):
        world.engine.reassign(claim.task, leader, officer.person_id, "人手不足,请协助")


def test_the_reasons_people_write_have_an_end(world):
    claim = world.claim().goes_to("T_approve")
    officer, leader = claim.holder(), world.actor("CTY_LEADER")
    village = world.actor("VIL_CLERK", claim.village)
    with pytest.raises(Rejected):
        world.engine.reassign(claim.task, leader, officer.person_id, "长" * 200_000)
    with pytest.raises(Rejected):
        world.engine.withdraw(
            claim.case_id, village, "长" * 200_000, seen_revision=claim.row.revision, proof=world.proof(village)
        )
