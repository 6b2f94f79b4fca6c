"""One insurer's settlement is claimed once, however it is typed and however close together two claims come (X15)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from engine import Conflict, Invalid, Rejected, model

SETTLEMENT = "JS-2018-4711"


@pytest.mark.parametrize(
    "again",
    [
        "js-2018-4711",
        " JS-2018 4711".replace(" 4711", "-4711"),
        "JS\u200b-2018-4711",
        "JS-2018-4711\ufeff",
        "JS\u00ad-2018-4711",
        "ＪＳ－２０１８－４７１１",
        "JS\u20132018\u20114711",
        "JS\u22122018\u20144711",
    ],
)
def test_a_number_typed_another_way_is_still_the_same_number(world, again):
    world.claim(settlement_no=SETTLEMENT)
    second = world.claim(settlement_no=again)
    found = [step for step in second.events[0].get("steps", ()) if "settlement_duplicate" in step.get("result", {})]
    assert found
    assert found[0]["result"]["settlement_duplicate"] is True


@pytest.mark.parametrize("blank", ["\u3000", " \u200b", "\ufeff", "---", "\u00ad"])
def test_a_number_of_which_nothing_remains_is_no_number(world, blank):
    with pytest.raises(Invalid):
        world.claim(settlement_no=blank)


def test_letters_that_stand_for_many_fit_as_well(world):
    claim = world.claim(settlement_no="\ufdfa" * 39 + "1")
    assert claim.step


def test_two_claims_of_one_settlement_at_the_same_moment_are_both_answered(database, clock, keyring):
    from tests.world import World

    world = World(database, clock, keyring, households=40)
    for round_ in range(4):
        number = f"JS-TWICE-{round_}"
        claims = []
        for _ in range(4):
            claim = world.claim()
            claims.append(claim.does("SUPPLEMENT", opinion="请更正结算单号"))
        barrier = Barrier(len(claims))

        def correct(claim, number=number, barrier=barrier):
            task, actor = claim.task, claim.holder()
            view = world.engine.task(task, actor)
            barrier.wait()
            try:
                world.engine.complete(
                    task,
                    actor,
                    "",
                    {**claim.filled(view), "settlement_no": number},
                    "",
                    seen_revision=view.revision,
                    proof=world.proof(actor),
                )
            except Rejected as refusal:
                return refusal
            return None

        with ThreadPoolExecutor(len(claims)) as pool:
            answers = list(pool.map(correct, claims))
        assert all(answer is None or isinstance(answer, Conflict) for answer in answers)
        held = world.rows(model.settlement, model.settlement.c.settlement_no == number)
        assert len(held) == 1
