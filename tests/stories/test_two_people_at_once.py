"""Two writers, double clicks, stale pages: one wins, the other gets a sentence and keeps the text."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from engine import Conflict, NotOpen, Rejected, model
from tests.world import World

SIGNERS = 200


def test_a_second_press_of_the_same_button_is_answered_with_the_first_result(world):
    claim = world.claim("JD").goes_to("T_review")
    actor, task = claim.holder(), claim.task
    view = world.engine.task(task, actor)
    press = {"seen_revision": view.revision, "proof": world.proof(actor)}
    first = world.engine.complete(task, actor, "AGREE", claim.filled(view), "同意", **press)
    second = world.engine.complete(task, actor, "AGREE", claim.filled(view), "同意", **press)

    assert not first.repeated
    assert second.repeated
    assert len([event for event in claim.events if (event.get("task") or {}).get("element") == "T_review"]) == 1


def test_whoever_comes_second_is_told_who_was_faster_and_when(world):
    claim = world.claim("JD").goes_to("T_approve")
    first, second = claim.holder(0), claim.holder(1)
    task = claim.task
    view = world.engine.task(task, second)
    claim.does("AGREE", by=first)
    with pytest.raises(Conflict) as refused:
        world.engine.complete(
            task,
            second,
            "RETURN",
            {"return_to": "VILLAGE"},
            "请补交转诊证明",
            seen_revision=view.revision,
            proof=world.proof(second),
        )
    assert first.name in refused.value.message.zh
    assert "已为您保留" in refused.value.message.zh


def test_a_page_that_has_become_stale_signs_nothing(world):
    claim = world.claim("JD").goes_to("T_review")
    actor, task = claim.holder(), claim.task
    view = world.engine.task(task, actor)
    world.engine.attach(actor, task, "visit_record", "入户.pdf", b"%PDF-1.4 visit")
    with pytest.raises(Conflict) as refused:
        world.engine.complete(
            task, actor, "AGREE", claim.filled(view), "同意", seen_revision=view.revision, proof=world.proof(actor)
        )
    assert "请核对" in refused.value.message.zh
    assert claim.step == "T_review"


def test_what_is_signed_must_be_what_was_shown(world):
    claim = world.claim("JD").goes_to("T_review")
    actor, task = claim.holder(), claim.task
    view = world.engine.task(task, actor)
    shown = world.engine.signing(task, actor, "AGREE", claim.filled(view), "同意")
    with pytest.raises(Conflict):
        world.engine.complete(
            task,
            actor,
            "AGREE",
            claim.filled(view),
            "另一个意见",
            seen_revision=view.revision,
            seen_digest=shown.digest,
            proof=world.proof(actor),
        )
    receipt = world.engine.complete(
        task,
        actor,
        "AGREE",
        claim.filled(view),
        "同意",
        seen_revision=view.revision,
        seen_digest=shown.digest,
        proof=world.proof(actor),
    )
    assert receipt.digest == shown.digest


def test_a_withdrawn_case_tells_the_approver_that_there_is_nothing_to_do(world):
    claim = world.claim("JD").goes_to("T_approve")
    approver, task = claim.holder(), claim.task
    view = world.engine.task(task, approver)
    village = world.actor("VIL_CLERK", claim.village)
    world.engine.withdraw(
        claim.case_id, village, "户主已在外地报销", seen_revision=claim.row.revision, proof=world.proof(village)
    )
    with pytest.raises(NotOpen) as refused:
        world.engine.complete(
            task, approver, "AGREE", {}, "同意", seen_revision=view.revision, proof=world.proof(approver)
        )
    assert "撤回" in refused.value.message.zh


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_hundred_people_sign_one_task_at_the_same_moment_and_one_wins(request, clock, keyring, kind):
    database = request.getfixturevalue(f"{kind}_database")
    world = World(database, clock, keyring)
    claim = world.claim("JD").goes_to("T_approve")
    task = claim.task
    officers = [claim.holder(0), claim.holder(1)]
    revision = claim.row.revision
    start = Barrier(SIGNERS)

    def sign(number: int) -> str:
        # Two natural persons hold the post; each presses from a hundred windows, with different decisions.
        actor = officers[number % 2]
        outcome, values = ("AGREE", {}) if number % 2 else ("RETURN", {"return_to": "VILLAGE"})
        start.wait()
        try:
            receipt = world.engine.complete(
                task, actor, outcome, values, f"意见第{number}号请看", seen_revision=revision, proof=world.proof(actor)
            )
        except Rejected as refusal:
            return type(refusal).__name__
        return "repeated" if receipt.repeated else "signed"

    with ThreadPoolExecutor(SIGNERS) as pool:
        answers = list(pool.map(sign, range(SIGNERS)))

    assert answers.count("signed") == 1
    assert answers.count("repeated") + answers.count("Conflict") == SIGNERS - 1
    signatures = world.rows(model.signature, model.signature.c.case_id == claim.case_id)
    assert len({one.task_no for one in signatures}) == len(signatures)
    assert [event["seq"] for event in claim.events] == list(range(1, len(claim.events) + 1))
    assert len(claim.open_tasks) == 1


def test_a_reminder_that_the_clock_sends_meanwhile_costs_nobody_their_page(world):
    claim = world.claim("JD").goes_to("T_approve")
    actor, task = claim.holder(), claim.task
    view = world.engine.task(task, actor)
    shown = world.engine.signing(task, actor, "AGREE", {}, "同意")
    world.clock.set(2018, 10, 31)
    assert world.engine.fire_due() == 1
    receipt = world.engine.complete(
        task,
        actor,
        "AGREE",
        {},
        "同意",
        seen_revision=view.revision,
        seen_digest=shown.digest,
        proof=world.proof(actor),
    )
    assert receipt.digest == shown.digest
    assert claim.step == "T_pay"
