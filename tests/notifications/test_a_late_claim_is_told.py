"""A real claim lies about until it is late; whoever should know is told, and nobody else learns anything about the family."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from engine import model
from engine.outbox import Outbox
from notifications import Postman
from notifications.channels import FileChannel
from notifications.templates import personal_data_in
from tests.world import World as County

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def county(database, clock, keyring) -> County:
    return County(database, clock, keyring)


def test_reminder_yellow_and_red_card_reach_the_post_and_its_leader_and_carry_no_personal_data(
    county, clock, tmp_path: Path
):
    claim = county.claim("JD")
    row = claim.open_tasks[0]
    file = FileChannel(tmp_path / "notices.jsonl")
    postman = Postman(channels=(file,), base_url="https://bangfu.example")
    outbox = Outbox(county.database)
    for _ in range(60):
        postman.deliver(outbox, clock())
        clock.advance(hours=6)
        county.engine.fire_due()
    while postman.deliver(outbox, clock()).taken:
        pass

    told = defaultdict(list)
    for notice in county.rows(model.notice, model.notice.c.case_id == claim.case_id):
        told[notice.person_id].append(notice.kind)
    for member in county.county.holders(row.role, row.region_code):
        assert told[member.person_id][:3] == ["task_arrived", "reminder", "yellow_card"]
    leaders = {member.person_id for member in county.county.holders("TWN_LEADER", row.region_code)}
    assert leaders
    assert all({"yellow_card", "red_card"} <= set(told[person]) for person in leaders)
    assert {message.state for message in county.rows(model.message)} == {"SENT"}

    household = county.rows(model.household, model.household.c.household_no == claim.row.household_no)[0]
    members = county.rows(model.member, model.member.c.household_no == household.household_no)
    secrets = {
        "肺炎",
        "10,871.22",
        "1087122",
        household.head_name,
        household.phone,
        household.bank_card,
        household.household_no,
    }
    secrets |= {value for member in members for value in (member.name, member.id_no)}
    lines = [json.loads(line) for line in file.path.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == sum(map(len, told.values()))
    for line in lines:
        whole = f"{line['title']}\n{line['body']}"
        assert claim.case_no in whole
        assert personal_data_in(whole) is None
        assert not [secret for secret in secrets if secret and secret in whole]
    assert len({line["message_id"] for line in lines}) == len(lines)


def test_after_six_weeks_of_outage_the_stages_are_caught_up_in_order_and_each_person_is_told_the_last_once(
    county, clock
):
    claim = county.claim("JD")
    role, place = claim.open_tasks[0].role, claim.open_tasks[0].region_code
    outbox = Outbox(county.database)
    Postman().deliver(outbox, clock())
    told_before = len(county.rows(model.notice))
    clock.advance(days=42)
    while county.engine.fire_due():
        pass
    stages = [event["stage"] for event in claim.events if event["kind"] == "stage_reached"]
    assert stages == ["REMIND", "YELLOW", "RED", "TAKEOVER", "UPPER2"]
    report = Postman().deliver(outbox, clock())
    assert report.superseded > 0
    new = sorted(county.rows(model.notice), key=lambda row: row.id)[told_before:]
    late = [notice for notice in new if notice.task_no is not None]
    assert len({notice.person_id for notice in late}) == len(late)
    # Each hears the last stage that concerns their post: for the clerks that is the red card, which took the task from them.
    last = {
        (row.role, row.region_code): row.kind
        for row in sorted(county.rows(model.message), key=lambda row: int(row.dedupe_key.split("-")[1]))
    }
    assert last[role, place] == "red_card"
    expected = {
        member.person_id: kind
        for (role, place), kind in last.items()
        if role is not None
        for member in county.county.holders(role, place)
    }
    assert {notice.person_id: notice.kind for notice in late} == expected
