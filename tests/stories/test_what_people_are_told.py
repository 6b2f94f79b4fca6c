"""Who is owed a word about what happened: the next post, the one it was sent back to, the village of a refusal, the administrators."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from engine import Accident, EngineError
from engine.verbs import services
from notifications import Postman


def told(world, kind):
    return [(row.role, row.region_code, row.person_id, row.task_no) for row in world.messages(kind)]


def test_what_was_sent_back_is_told_as_sent_back_and_not_as_new_work(world):
    claim = world.claim("JD").goes_to("T_approve")
    assert told(world, "task_returned") == []
    before = len(world.messages("task_arrived"))
    claim.does("RETURN", opinion="缺转诊证明,请补交", return_to="VILLAGE")
    (task,) = claim.open_tasks
    assert told(world, "task_returned") == [("VIL_CLERK", claim.village, None, task.no)]
    assert len(world.messages("task_arrived")) == before
    claim.does()
    assert len(world.messages("task_returned")) == 1
    assert len(world.messages("task_arrived")) == before + 1


def test_a_citys_query_is_new_work_and_no_return_for_correction(world):
    claim = world.claim("JD").goes_to("T_city")
    before = len(world.messages("task_arrived"))
    claim.does("QUERY", opinion="请说明金额依据")
    assert told(world, "task_returned") == []
    assert len(world.messages("task_arrived")) == before + 1


def test_a_refusal_is_told_once_to_a_village_clerk_who_opened_the_case(world):
    claim = world.claim("JD").goes_to("T_approve")
    claim.does("REJECT", opinion="不属于合规费用,依据见通知书")
    assert told(world, "decision_letter") == [("VIL_CLERK", claim.village, None, None)]
    assert told(world, "case_closed") == []
    Postman().deliver(world.engine.outbox, world.clock())
    clerk = world.actor("VIL_CLERK", claim.village)
    letters = [notice for notice in world.engine.notices(clerk.person_id) if notice.kind == "decision_letter"]
    assert [letter.title.zh for letter in letters] == [f"决定：{claim.case_no} 不予救助"]


def test_a_refusal_of_what_the_township_opened_is_told_there_and_in_the_village(world):
    household = world.household("JD")
    officer = world.actor("TWN_CIVIL")
    claim = world.claim("JD", by=officer, household=household).goes_to("T_approve")
    claim.does("REJECT", opinion="不属于合规费用,依据见通知书")
    assert sorted(told(world, "decision_letter"), key=str) == sorted(
        [("VIL_CLERK", claim.village, None, None), (None, None, officer.person_id, None)], key=str
    )


def test_the_end_of_a_claim_that_was_granted_is_told_to_who_opened_it(world):
    claim = world.claim("JD")
    starter = claim.row.started_by
    claim.goes_to("T_pay")
    while claim.open_tasks:
        claim.does()
    assert claim.status == "COMPLETED"
    assert told(world, "case_closed") == [(None, None, starter, None)]
    assert told(world, "decision_letter") == []


def test_an_accident_is_told_to_the_administrators_post_once_with_numbers_only(world, monkeypatch):
    claim = world.claim("JD").goes_to("T_pay")

    def broken(*_arguments):
        raise EngineError("T_ledger", "the card 6222020200112233445 was refused")

    monkeypatch.setattr(services, "canonical", broken)
    for _ in range(2):
        with pytest.raises(Accident) as accident:
            claim.does()
    administrator = world.actor("ADMIN")
    (message,) = world.messages("incident")
    assert (message.role, message.region_code, message.case_id) == ("ADMIN", administrator.region_code, claim.case_id)
    assert json.loads(message.content) == {"case_no": claim.case_no, "incident": accident.value.incident_id}
    Postman().deliver(world.engine.outbox, world.clock())
    assert f"系统事件：{claim.case_no}" in [one.title.zh for one in world.engine.notices(administrator.person_id)]


def test_a_job_that_failed_for_good_is_told_to_the_administrator_who_lets_it_run_again(world, tmp_path):
    world.engine.ground.settings = replace(world.engine.ground.settings, instance=tmp_path)
    jobs = world.engine.jobs
    jobs.arrange()

    def full(*_arguments):
        raise OSError("disk full")

    jobs._handlers["checkpoint"] = full
    for _ in range(8):
        jobs.run_due()
        world.clock.advance(hours=1)
    administrator = world.actor("ADMIN")
    (incident,) = world.engine.incidents(administrator)
    assert (incident.verb, incident.reason) == ("job", "OSError: disk full")
    assert [row.role for row in world.messages("incident")] == ["ADMIN"]
    del world.engine.__dict__["jobs"]  # the disk has room again: a worker starts anew
    world.engine.retry(incident.id, administrator)
    assert world.engine.incidents(administrator) == ()
    world.engine.jobs.run_due()
    assert not [one for one in world.engine.jobs.list() if one.last_error]
