"""One natural person holds one duty on a case, and none on their own household's (DESIGN.md §3.3)."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select, update

from engine import Invalid, NotFound, NotPermitted, model
from engine.instants import to_text


def give_post(world, person_id: int, role: str, region: str) -> int:
    with world.database.transaction() as connection:
        return int(
            connection.execute(
                insert(model.post)
                .values(person_id=person_id, role=role, region_code=region, body="兼任", from_date="2016-01-01")
                .returning(model.post.c.id)
            ).scalar_one()
        )


def complete(world, claim, actor, outcome="AGREE", **values):
    view = world.engine.task(claim.task, actor)
    return world.engine.complete(
        claim.task,
        actor,
        outcome,
        {**claim.filled(view), **values},
        "情况属实,同意。",
        seen_revision=view.revision,
        proof=world.proof(actor),
    )


def test_whoever_reviewed_at_the_township_cannot_approve_at_the_county_in_another_post(world):
    claim = world.claim("JD").goes_to("T_review")
    reviewer = claim.holder()
    claim.does("AGREE", by=reviewer)
    second_post = give_post(world, reviewer.person_id, "CTY_CIVIL", world.county.code)
    as_approver = world.engine.actor(reviewer.person_id, second_post)
    with pytest.raises(NotPermitted) as refused:
        complete(world, claim, as_approver)
    assert refused.value.rule == "one_duty"
    assert "审核" in refused.value.message.zh
    assert "审批" in refused.value.message.zh
    refusals = world.rows(model.audit_event, model.audit_event.c.kind == "refused")
    assert len(refusals) == 1


def test_the_same_person_reviews_again_after_a_return(world):
    claim = world.claim("JD").goes_to("T_review")
    reviewer = claim.holder()
    complete(world, claim, reviewer, "RETURN", return_to="VILLAGE")
    assert claim.step == "T_correct"
    claim.goes_to("T_review")
    complete(world, claim, reviewer)
    assert claim.step == "T_approve"


def test_the_button_says_the_same_as_the_verb(world):
    claim = world.claim("JD").goes_to("T_approve")
    reviewer_hash = {one.person_hash for one in world.rows(model.case_duty, model.case_duty.c.duty == "review")}
    reviewer = next(iter(world.rows(model.person, model.person.c.id_hash.in_(reviewer_hash))))
    as_approver = world.engine.actor(reviewer.id, give_post(world, reviewer.id, "CTY_CIVIL", world.county.code))
    action = world.engine.task(claim.task, as_approver).action("complete")
    assert not action.permitted
    assert action.rule == "one_duty"


def test_nobody_acts_on_a_case_of_their_own_household(world):
    claim = world.claim("JD").goes_to("T_approve")
    officer = claim.holder()
    with world.database.transaction() as connection:
        connection.execute(
            update(model.process_case)
            .where(model.process_case.c.id == claim.case_id)
            .values(kin=f'["{officer.person_hash}"]')
        )
    with pytest.raises(NotPermitted) as refused:
        complete(world, claim, officer)
    assert refused.value.rule == "not_own_household"


def test_nobody_acts_on_a_case_of_a_declared_relative(world):
    claim = world.claim("JD").goes_to("T_approve")
    officer = claim.holder()
    with world.database.transaction() as connection:
        relative = connection.execute(
            select(model.member.c.id_hash).where(model.member.c.household_no == claim.row.household_no)
        ).first()
        connection.execute(
            insert(model.relative).values(
                person_id=officer.person_id,
                id_hash=relative.id_hash,
                relation="表亲",
                declared_at=to_text(world.clock()),
            )
        )
    again = world.engine.actor(officer.person_id, officer.post_id)
    with pytest.raises(NotPermitted) as refused:
        complete(world, claim, again)
    assert refused.value.rule == "not_a_relative"


def test_the_database_itself_refuses_a_second_duty(world):
    claim = world.claim("JD").goes_to("T_approve")
    held = world.rows(model.case_duty, model.case_duty.c.case_id == claim.case_id)[0]
    with pytest.raises(Exception, match=r"(?i)unique"), world.database.transaction() as connection:
        connection.execute(
            insert(model.case_duty).values(case_id=claim.case_id, person_hash=held.person_hash, duty="pay")
        )


def test_outside_ones_jurisdiction_a_case_does_not_exist(world):
    claim = world.claim("JD")
    stranger = world.actor("CTY_CIVIL")
    with world.database.transaction() as connection:
        connection.execute(update(model.post).where(model.post.c.id == stranger.post_id).values(region_code="441402"))
    stranger = world.engine.actor(stranger.person_id, stranger.post_id)
    messages = []
    for act in (
        lambda: world.engine.case(claim.case_id, stranger),
        lambda: world.engine.case(987654, stranger),
        lambda: world.engine.task(claim.task, stranger),
        lambda: world.engine.claim(claim.task, stranger),
        lambda: world.engine.withdraw(claim.case_id, stranger, "不想办了吧", seen_revision=1),
        lambda: world.engine.reveal(claim.case_id, "patient_id_no", stranger),
    ):
        with pytest.raises(NotFound) as refused:
            act()
        messages.append(refused.value.message.zh)
    assert all("没有找到" in message for message in messages)
    assert world.engine.inbox(stranger).total == 0
    assert world.engine.inbox(stranger, search=claim.case_no).total == 0


def test_a_signature_needs_a_fresh_proof_of_the_same_person(world):
    claim = world.claim("JD").goes_to("T_approve")
    officer, colleague = claim.holder(0), claim.holder(1)
    view = world.engine.task(claim.task, officer)
    for proof in (None, world.proof(colleague)):
        with pytest.raises(NotPermitted) as refused:
            world.engine.complete(claim.task, officer, "AGREE", {}, "同意", seen_revision=view.revision, proof=proof)
        assert refused.value.rule == "needs_proof"
    stale = world.proof(officer)
    world.clock.advance(minutes=6)
    with pytest.raises(NotPermitted) as refused:
        world.engine.complete(claim.task, officer, "AGREE", {}, "同意", seen_revision=view.revision, proof=stale)
    assert refused.value.rule == "proof_expired"


def test_a_return_or_a_refusal_says_why(world):
    claim = world.claim("JD").goes_to("T_approve")
    officer = claim.holder()
    view = world.engine.task(claim.task, officer)
    for outcome, values in (("RETURN", {"return_to": "VILLAGE"}), ("REJECT", {})):
        with pytest.raises(Invalid) as refused:
            world.engine.complete(
                claim.task, officer, outcome, values, "不行", seen_revision=view.revision, proof=world.proof(officer)
            )
        assert "opinion" in refused.value.fields
