"""A case that goes to and fro for ever stays as light as it was: its rows do not grow with its past (DESIGN.md §4)."""

from __future__ import annotations

import json

from engine import model
from tests.world import World

TIMES = 12


def _goes_round(claim) -> None:
    claim.does("QUERY", opinion="请说明合规费用").does()


def _clock(claim) -> dict:
    (row,) = claim.open_tasks
    return json.loads(row.clock)


def test_queries_and_answers_of_one_day_leave_nothing_behind(sqlite_database, clock, keyring):
    claim = World(sqlite_database, clock, keyring).claim("JD").goes_to("T_city")
    _goes_round(claim)
    before = claim.row
    for _ in range(TIMES):
        _goes_round(claim)
    assert _clock(claim)["pauses"] == []
    assert len(claim.row.state) < len(before.state) + 20
    assert len(claim.row.summary) == len(before.summary)
    assert len(claim.world.rows(model.task, model.task.c.case_id == claim.case_id)) > 2 * TIMES


def test_the_days_of_an_answer_are_not_counted_and_those_of_the_city_are(sqlite_database, clock, keyring):
    world = World(sqlite_database, clock, keyring)
    claim = world.claim("JD").goes_to("T_city")
    for _ in range(3):
        clock.advance(days=1)
        claim.does("QUERY", opinion="请说明合规费用")
        clock.advance(days=1)
        claim.does()
    # Monday to Sunday: Tuesday, Thursday were the city's and counted; Saturday counts for nobody.
    assert world.engine.task(claim.task, claim.holder()).limit.used_days == 2
    assert len(_clock(claim)["pauses"]) == 3
