"""Return for correction, withdrawal, refusal, objection (DOMAIN.md B0.4, B0.5)."""

from __future__ import annotations

import pytest

from engine import Conflict, Invalid, NotOpen, NotPermitted, model


def test_a_returned_claim_is_corrected_and_goes_on(world):
    claim = world.claim("JD").goes_to("T_approve")
    claim.does("RETURN", opinion="缺转诊证明,请补交", return_to="VILLAGE")
    assert claim.step == "T_correct"
    assert claim.row.returns == 1
    claim.does(total_fen=6000000)
    claim.goes_to("T_approve")
    latest = [event for event in claim.events if "T_amount" in str(event.get("steps"))][-1]
    assert latest["changes"]["aid_fen"][1] < 1087122


def test_the_county_may_return_to_the_township_only(world):
    claim = world.claim("JD").goes_to("T_approve")
    claim.does("RETURN", opinion="请核实身份类别", return_to="TOWNSHIP")
    assert claim.step == "T_review"


def test_after_three_returns_the_reviewer_must_decide(world):
    claim = world.claim("JD")
    for _ in range(3):
        claim.goes_to("T_review").does("RETURN", opinion="材料仍不齐全", return_to="VILLAGE")
    claim.goes_to("T_review")
    with pytest.raises(NotPermitted) as refused:
        claim.does("RETURN", opinion="材料仍不齐全", return_to="VILLAGE")
    assert refused.value.rule == "most_returns"
    claim.does("AGREE")
    assert claim.step == "T_approve"


def test_the_clock_of_a_step_goes_on_where_the_return_stopped_it(world):
    claim = world.claim("JD").goes_to("T_review")
    world.clock.advance(days=4)
    claim.does("RETURN", opinion="请补交结算单", return_to="VILLAGE")
    world.clock.advance(days=3)
    claim.goes_to("T_review")
    view = world.engine.task(claim.task, claim.holder())
    # Monday to Friday: four of the ten days were used before the return, and the correction's own days are not counted.
    assert view.limit.used_days == 4
    assert view.limit.days_left == 6


def test_a_refusal_ends_the_case_and_frees_the_settlement(world):
    claim = world.claim("JD", settlement_no="JS-X")
    claim.goes_to("T_approve").does("REJECT", opinion="不属于合规费用,依据见通知书")
    assert claim.status == "REJECTED"
    assert not claim.open_tasks
    again = world.claim("JD", settlement_no="JS-X").goes_to("T_review")
    assert again.step == "T_review"


def test_a_settlement_that_another_claim_has_used_stops_at_the_township(world):
    world.claim("JD", settlement_no="JS-2018-77")
    second = world.claim("JD", settlement_no="js-2018-77 ")
    second.does("ACCEPT")
    assert second.step == "T_correct"
    check = next(row for row in world.engine.case(second.case_id, second.holder()).brief.rows if "X15" in row.source.zh)
    assert check.mark == "failed"


def test_a_household_withdraws_until_the_county_has_decided(world):
    village = None
    claim = world.claim("JD").goes_to("T_approve")
    village = world.actor("VIL_CLERK", claim.village)
    with pytest.raises(Invalid):
        world.engine.withdraw(
            claim.case_id, village, "不", seen_revision=claim.row.revision, proof=world.proof(village)
        )
    with pytest.raises(Conflict):
        world.engine.withdraw(claim.case_id, village, "户主要求撤回", seen_revision=1, proof=world.proof(village))
    receipt = world.engine.withdraw(
        claim.case_id, village, "户主要求撤回", seen_revision=claim.row.revision, proof=world.proof(village)
    )
    assert receipt.status == "WITHDRAWN"
    assert not claim.open_tasks
    assert not world.rows(model.timer, model.timer.c.case_id == claim.case_id, model.timer.c.state == "ARMED")
    with pytest.raises(NotOpen):
        world.engine.withdraw(
            claim.case_id, village, "户主要求撤回", seen_revision=claim.row.revision, proof=world.proof(village)
        )


def test_after_the_countys_decision_nothing_can_be_withdrawn(world):
    claim = world.claim("JD").goes_to("T_pay")
    village = world.actor("VIL_CLERK", claim.village)
    with pytest.raises(NotPermitted) as refused:
        world.engine.withdraw(
            claim.case_id, village, "户主要求撤回", seen_revision=claim.row.revision, proof=world.proof(village)
        )
    assert refused.value.rule == "not_yet_decided"


def test_an_unfounded_objection_lets_the_notice_run_for_its_rest(world):
    claim = world.claim("LOW", total_fen=2000000, noncompliant_fen=0, basic_paid_fen=600000, serious_paid_fen=0)
    claim.does("ACCEPT", economic_finding="LOW").goes_to("T_post").does()
    (first,) = world.rows(model.timer, model.timer.c.case_id == claim.case_id, model.timer.c.stage == "EVENT")
    world.clock.advance(days=2)
    town = world.actor("TWN_CIVIL")
    world.engine.register_objection(claim.case_id, town, "听说他家有小轿车")
    assert claim.step == "T_verify"
    claim.does("UNFOUNDED", opinion="入户核查,车辆不属实")
    (second,) = world.rows(
        model.timer,
        model.timer.c.case_id == claim.case_id,
        model.timer.c.stage == "EVENT",
        model.timer.c.state == "ARMED",
    )
    # Seven working days from Monday end on the Wednesday after next; five were left on the Wednesday of the objection.
    assert first.due_at[:10] == "2018-10-31"
    assert second.due_at[:10] == "2018-10-31"
    world.clock.advance(days=8)
    world.engine.fire_due()
    assert claim.step == "T_approve"


def test_a_founded_objection_sends_the_claim_back_and_the_next_notice_starts_from_zero(world):
    claim = world.claim("LOW", total_fen=2000000, noncompliant_fen=0, basic_paid_fen=600000, serious_paid_fen=0)
    claim.does("ACCEPT", economic_finding="LOW").goes_to("T_post").does()
    world.engine.register_objection(claim.case_id, world.actor("TWN_CIVIL"), "家庭收入申报不实")
    claim.does("FOUNDED_FIX", opinion="收入少报,须重新核对")
    assert claim.step == "T_review"
    claim.does("AGREE")
    assert claim.step == "T_post"
    claim.does()
    (running,) = world.rows(
        model.timer,
        model.timer.c.case_id == claim.case_id,
        model.timer.c.stage == "EVENT",
        model.timer.c.state == "ARMED",
    )
    assert running.due_at[:10] == "2018-10-31"


def test_without_a_running_notice_no_objection_can_be_registered(world):
    claim = world.claim("JD").goes_to("T_approve")
    with pytest.raises(NotOpen):
        world.engine.register_objection(claim.case_id, world.actor("TWN_CIVIL"), "家庭收入申报不实")


def test_the_province_sends_a_list_back_to_the_city_and_the_city_asks_the_county(world):
    claim = world.claim("JD").goes_to("T_city")
    claim.does("QUERY", opinion="请说明合规费用")
    assert claim.step == "T_answer"
    claim.does().goes_to("T_province")
    claim.does("RETURN", opinion="清单漏一户,请复核")
    assert claim.step == "T_city"
    claim.goes_to("T_province").does("FILE")
    assert claim.status == "COMPLETED"
    assert claim.row.returns == 0


def test_thirty_thousand_needs_the_leader_and_more_than_fifty_thousand_the_city_first(world):
    small = world.claim("TK", total_fen=2999999, noncompliant_fen=0, basic_paid_fen=0, serious_paid_fen=0)
    small.goes_to("T_approve").does("AGREE")
    assert small.step == "T_pay"
    joint = world.claim("TK", total_fen=3000000, noncompliant_fen=0, basic_paid_fen=0, serious_paid_fen=0)
    joint.goes_to("T_approve").does("AGREE")
    assert joint.step == "T_joint"
    joint.does("AGREE")
    assert joint.step == "T_pay"
    exact = world.claim("TK", total_fen=5000000, noncompliant_fen=0, basic_paid_fen=0, serious_paid_fen=0)
    exact.goes_to("T_joint").does("AGREE")
    assert exact.step == "T_pay"
    large = world.claim("TK", total_fen=5000001, noncompliant_fen=0, basic_paid_fen=0, serious_paid_fen=0)
    large.goes_to("T_joint").does("AGREE")
    assert large.step == "T_large"
    large.does()
    assert large.step == "T_pay"


def test_a_second_correction_has_its_full_limit_again(world):
    claim = world.claim("JD").goes_to("T_review").does("RETURN", opinion="请补交结算单", return_to="VILLAGE")
    world.clock.advance(days=7)
    claim.goes_to("T_review").does("RETURN", opinion="结算单不清楚", return_to="VILLAGE")
    assert claim.step == "T_correct"
    view = world.engine.task(claim.task, claim.holder())
    assert view.limit.used_days == 0
    assert view.limit.days_left == 10


def test_a_query_between_city_and_county_stops_the_citys_clock(world):
    claim = world.claim("JD").goes_to("T_city")
    world.clock.advance(days=2)
    claim.does("QUERY", opinion="请说明合规费用")
    world.clock.advance(days=5)
    claim.goes_to("T_city")
    view = world.engine.task(claim.task, claim.holder())
    assert view.limit.used_days == 2


def test_a_notice_cannot_be_said_to_be_posted_without_its_photo(world):
    claim = world.claim("LOW", total_fen=2000000, noncompliant_fen=0, basic_paid_fen=600000, serious_paid_fen=0)
    claim.does("ACCEPT", economic_finding="LOW").goes_to("T_post")
    clerk = claim.holder()
    view = world.engine.task(claim.task, clerk)
    with pytest.raises(Invalid) as refused:
        world.engine.complete(
            claim.task, clerk, "", claim.filled(view), seen_revision=view.revision, proof=world.proof(clerk)
        )
    assert "paper:board_photo" in refused.value.fields
    claim.does()
    assert not claim.step
