"""A paper that has been handed in belongs to its case: nobody takes it out again, nobody hands in somebody else's."""

from __future__ import annotations

import pytest

from engine import Rejected, model
from tests.world import FIRST_EXAMPLE, PAPER


def typed(world, actor, household, number):
    form = world.engine.start_form("medical_assistance", *household, actor)
    return {**form.values, **FIRST_EXAMPLE, "settlement_no": number}, form.slots


def hand_in(world, actor, household, values, draft):
    return world.engine.start(actor, "medical_assistance", *household, values, draft_id=draft, proof=world.proof(actor))


def draft_with_papers(world, actor, household, number):
    values, slots = typed(world, actor, household, number)
    draft = world.engine.save_draft(actor, "start:medical_assistance", values, household[0])
    for slot in slots:
        if slot.required:
            world.engine.attach(actor, draft, slot.slot, "x.pdf", PAPER)
    return values, draft


def test_the_papers_of_one_claim_cannot_be_handed_in_again_with_another(world):
    actor = world.actor("VIL_CLERK", world.county.villages[0])
    first = world.household()
    values, draft = draft_with_papers(world, actor, first, "JS-0001")
    case = hand_in(world, actor, first, values, draft)
    before = world.rows(model.attachment, model.attachment.c.case_id == case.case_id)
    second = world.household()
    others, _ = typed(world, actor, second, "JS-0002")
    with pytest.raises(Rejected):
        hand_in(world, actor, second, others, draft)
    assert world.rows(model.attachment, model.attachment.c.case_id == case.case_id) == before


def test_somebody_elses_draft_is_not_handed_in_nor_its_papers_taken(world):
    village = world.county.villages[0]
    owner = world.actor("TWN_CIVIL")
    _, draft = draft_with_papers(world, owner, world.household(), "JS-0001")
    actor = world.actor("VIL_CLERK", village)
    household = world.household()
    values, _ = draft_with_papers(world, actor, household, "JS-0002")
    with pytest.raises(Rejected):
        hand_in(world, actor, household, values, draft)
    papers = world.rows(model.attachment, model.attachment.c.draft_id == draft)
    assert all(paper.case_id is None for paper in papers)


def test_a_draft_begun_for_one_household_is_not_handed_in_for_another(world):
    actor = world.actor("VIL_CLERK", world.county.villages[0])
    first = world.household()
    _, draft = draft_with_papers(world, actor, first, "JS-0001")
    world.claim(household=first)
    second = world.household()
    others, _ = typed(world, actor, second, "JS-0002")
    with pytest.raises(Rejected):
        hand_in(world, actor, second, others, draft)
