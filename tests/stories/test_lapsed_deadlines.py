"""A deadline that lapses never decides; it reaches a person, stage by stage (DOMAIN.md B0.6, C7)."""

from __future__ import annotations

from engine import model


def stages(claim) -> list[str]:
    return [event["stage"] for event in claim.events if event["kind"] == "stage_reached"]


def test_a_forgotten_task_is_reminded_carded_moved_to_the_leader_and_reported_upwards(world):
    claim = world.claim("JD").goes_to("T_approve")
    # Received on Monday 22 October 2018, limit ten working days: day 10 is Monday 5 November.
    expected = {
        30: [],
        31: ["REMIND"],
        36: ["REMIND"],
        37: ["REMIND", "YELLOW"],
        39: ["REMIND", "YELLOW"],
    }
    for day, reached in expected.items():
        month, number = (10, day) if day <= 31 else (11, day - 31)
        world.clock.set(2018, month, number, 9)
        world.engine.fire_due()
        assert stages(claim) == reached, f"day {month}-{number}"
    world.clock.set(2018, 11, 9)
    world.engine.fire_due()
    assert stages(claim)[-1] == "RED"
    (row,) = claim.open_tasks
    assert row.role == "CTY_LEADER"
    world.clock.set(2018, 11, 15)
    world.engine.fire_due()
    assert stages(claim)[-1] == "TAKEOVER"
    world.clock.set(2018, 11, 27)
    world.engine.fire_due()
    assert stages(claim)[-1] == "UPPER2"
    assert claim.step == "T_approve"
    assert claim.status == "OPEN"

    told = {(one.kind, one.role) for one in world.rows(model.message, model.message.c.case_id == claim.case_id)}
    assert ("reminder", "CTY_CIVIL") in told
    assert ("yellow_card", "CTY_LEADER") in told
    assert ("red_card", "CTY_LEADER") in told
    assert any(kind == "upper_level" and role.startswith("PRV") for kind, role in told)


def test_the_leader_signs_what_was_moved_to_them(world):
    claim = world.claim("JD").goes_to("T_approve")
    world.clock.set(2018, 11, 9)
    while world.engine.fire_due():
        pass
    leader = claim.holder()
    assert leader.role == "CTY_LEADER"
    claim.does("AGREE", by=leader, opinion="已督办,同意救助")
    assert claim.step == "T_pay"


def test_after_ten_days_of_standstill_the_stages_are_caught_up_in_order(world):
    claim = world.claim("JD").goes_to("T_approve")
    world.clock.set(2018, 12, 20)
    fired = 0
    while step := world.engine.fire_due():
        fired += step
    assert stages(claim) == ["REMIND", "YELLOW", "RED", "TAKEOVER", "UPPER2"]
    assert fired == 5
    assert world.engine.fire_due() == 0


def test_a_moment_that_is_fired_twice_acts_once(world):
    claim = world.claim("JD").goes_to("T_approve")
    (timer,) = world.rows(model.timer, model.timer.c.case_id == claim.case_id, model.timer.c.state == "ARMED")
    world.clock.set(2018, 10, 31)
    assert world.engine.fire(claim.case_id, timer.no) == "REMIND"
    assert world.engine.fire(claim.case_id, timer.no) is None
    assert stages(claim) == ["REMIND"]


def test_a_task_done_in_time_leaves_no_clock_behind(world):
    claim = world.claim("JD").goes_to("T_approve")
    armed = world.rows(model.timer, model.timer.c.case_id == claim.case_id, model.timer.c.state == "ARMED")
    assert len(armed) == 1
    world.clock.set(2018, 12, 20)
    claim.does("REJECT", opinion="超出救助范围,不予救助")
    world.engine.fire_due()
    assert stages(claim) == []


def test_the_limit_is_told_the_same_in_the_inbox_and_on_the_case(world):
    claim = world.claim("JD").goes_to("T_approve")
    officer = claim.holder()
    world.clock.set(2018, 11, 1)
    world.engine.fire_due()
    row = world.engine.inbox(officer).rows[0]
    page = world.engine.case(claim.case_id, officer)
    assert row.limit.state == page.limit.state == "near"
    assert row.limit.days_left == page.limit.days_left == 2
    assert row.limit.due_at == page.limit.due_at
    world.clock.set(2018, 11, 6)
    world.engine.fire_due()
    row = world.engine.inbox(officer, filter="yellow").rows[0]
    assert row.limit.state == "yellow"
    assert row.limit.days_left == -1
