"""Whatever comes in as a number or a word is answered: found, not found, or not accepted; never an accident of ours."""

from __future__ import annotations

from contextlib import suppress

import pytest

from engine import Rejected

HUGE = 10**25
ODD = ("\x00", "a\x00b", "\ud800", "'" * 40, "%_\\", "长" * 5000)


def answered(act):
    with suppress(Rejected):
        act()


@pytest.mark.parametrize("number", [HUGE, 2**63, -1, 0])
def test_numbers_that_no_row_can_have(world, number):
    claim = world.claim()
    actor, administrator = claim.holder(), world.actor("ADMIN")
    leader = world.actor("TWN_LEADER")
    for act in (
        lambda: world.engine.case(number, actor),
        lambda: world.engine.task(f"{number}-1", actor),
        lambda: world.engine.task(f"1-{number}", actor),
        lambda: world.engine.claim(f"{claim.case_id}-{number}", actor),
        lambda: world.engine.claim(f"{number}-4", actor),
        lambda: world.engine.signing(f"{number}-4", actor, "AGREE", {}),
        lambda: world.engine.withdraw(number, actor, "不想办了吧", seen_revision=1),
        lambda: world.engine.register_objection(number, actor, "情况不实,请核查"),
        lambda: world.engine.reveal(number, "patient_id_no", actor),
        lambda: world.engine.reassign(claim.task, leader, number, "人手不足,请协助"),
        lambda: world.engine.retry(number, administrator),
        lambda: world.engine.history(number, world.actor("AUDITOR")),
        lambda: world.engine.mark_read(actor.person_id, number),
        lambda: world.engine.inbox(actor, page=number),
        lambda: world.engine.inbox(actor, search="x", page=number),
    ):
        answered(act)


@pytest.mark.parametrize("text", ODD)
def test_words_that_no_database_keeps(world, text):
    claim = world.claim()
    actor = claim.holder()
    draft = world.engine.save_draft(actor, "start:medical_assistance", {"diagnosis": text}, None)
    household = world.household()
    for act in (
        lambda: world.engine.inbox(actor, search=text),
        lambda: world.engine.households(actor, text),
        lambda: world.engine.inbox(actor, filter=text),
        lambda: world.engine.start_form("medical_assistance", text, None, actor),
        lambda: world.engine.start_form("medical_assistance", household[0], text, actor),
        lambda: world.engine.start_form(text, household[0], None, actor),
        lambda: world.engine.read_start_form(text, {}),
        lambda: world.engine.read_start_form("medical_assistance", {text: text, "diagnosis": text}),
        lambda: world.engine.start(actor, "medical_assistance", text, text, {}, proof=world.proof(actor)),
        lambda: world.engine.start(actor, text, *household, {}, proof=world.proof(actor)),
        lambda: world.engine.start(
            actor, "medical_assistance", *household, {}, draft_id=text, proof=world.proof(actor)
        ),
        lambda: world.engine.save_draft(actor, text, {text: text}, None),
        lambda: world.engine.save_draft(actor, "start:x", {text: text}, text),
        lambda: world.engine.attach(actor, text, "slot", "x.pdf", b"%PDF-1.4"),
        lambda: world.engine.attach(actor, draft, text, text, b"%PDF-1.4"),
        lambda: world.engine.attach(actor, claim.task, text, text, b"%PDF-1.4"),
        lambda: world.engine.remove_paper(actor, text),
        lambda: world.engine.attachment(text, actor),
        lambda: world.engine.reveal(claim.case_id, text, actor),
        lambda: world.engine.reveal(claim.case_id, text, world.actor("ADMIN")),
        lambda: world.engine.claim(text, actor),
        lambda: world.engine.task(text, actor),
        lambda: world.engine.complete(claim.task, actor, text, {}, "", seen_revision=1),
        lambda: world.engine.complete(claim.task, world.actor("AUDITOR"), text, {}, "", seen_revision=1),
        lambda: world.engine.signing(claim.task, actor, text, {text: text}, text),
    ):
        answered(act)
