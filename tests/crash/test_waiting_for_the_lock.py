"""Who has waited for a case's lock sees the case as it is then, not as it was when they began to wait (PostgreSQL, DESIGN.md §3.1).

A SELECT … FOR UPDATE that joins other tables waits for the one row it locks, and then shows the others as they were before the wait. So the
lock comes first and the look after it; here two people, or two workers, meet in exactly that moment.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from engine import Conflict, NotPermitted, model
from engine.batch import Batch
from engine.database import is_busy
from engine.instants import local_date
from engine.verbs import claiming, fire, rows
from engine.verbs.complete import complete
from tests.world import Claim, World

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from sqlalchemy import Connection


@pytest.fixture
def world(postgresql_database, clock, keyring) -> World:
    return World(postgresql_database, clock, keyring)


def while_waiting(
    world: World, claim: Claim, second: Callable[[], Any], first: Callable[[Connection], Any]
) -> Future[Any]:
    """Let `second` wait for the case's lock while `first` acts and commits; return what became of `second`."""
    with ThreadPoolExecutor(1) as pool:
        with world.database.transaction() as connection:
            connection.execute(text("SELECT id FROM process_case WHERE id = :id FOR UPDATE"), {"id": claim.case_id})
            waiting = pool.submit(second)
            while not _somebody_waits(world):
                assert not waiting.done(), waiting.result()
            first(connection)
        waiting.exception(timeout=30)
        return waiting


def _somebody_waits(world: World) -> bool:
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with world.database.reading() as connection:
        return connection.execute(text(waits)).scalar_one() > 0


def _signs(claim: Claim, number: int) -> dict[str, Any]:
    actor = claim.holder(number)
    view = claim.world.engine.task(claim.task, actor)
    return {
        "task_id": claim.task,
        "actor": actor,
        "outcome": view.outcomes[0].value,
        "values": claim.filled(view),
        "opinion": "情况属实,同意。",
        "seen_revision": view.revision,
        "proof": claim.world.proof(actor),
    }


def test_the_second_signer_is_told_who_was_faster(world):
    claim = world.claim("JD").goes_to("T_approve")
    one, two = _signs(claim, 0), _signs(claim, 1)
    met = while_waiting(
        world,
        claim,
        lambda: world.engine.complete(two.pop("task_id"), two.pop("actor"), **two),
        lambda connection: complete(world.engine.ground, connection, **one, seen_digest=None),
    )
    with pytest.raises(Conflict) as refused:
        met.result()
    assert one["actor"].name in refused.value.message.zh
    assert claim.step == "T_pay"


def test_a_due_moment_that_two_workers_meet_at_acts_once(world):
    claim = world.claim("JD").goes_to("T_approve")
    (timer,) = world.rows(model.timer, model.timer.c.case_id == claim.case_id, model.timer.c.state == "ARMED")
    world.clock.set(2018, 10, 31)
    met = while_waiting(
        world,
        claim,
        lambda: world.engine.fire(claim.case_id, timer.no),
        lambda connection: fire.fire(world.engine.ground, connection, case_id=claim.case_id, no=timer.no),
    )
    assert met.result() is None
    assert [event["stage"] for event in claim.events if event["kind"] == "stage_reached"] == ["REMIND"]
    assert len(world.messages("reminder")) == 1


def test_who_claims_what_has_just_been_claimed_is_refused_by_name_of_the_rule(world):
    claim = world.claim("JD").goes_to("T_approve")
    one, two, task = claim.holder(0), claim.holder(1), claim.task
    met = while_waiting(
        world,
        claim,
        lambda: world.engine.claim(task, two),
        lambda connection: claiming.claim(world.engine.ground, connection, task_id=task, actor=one),
    )
    with pytest.raises(NotPermitted) as refused:
        met.result()
    assert refused.value.rule == "nobody_claimed"


def test_who_claims_what_has_just_been_signed_is_told_so(world):
    claim = world.claim("JD").goes_to("T_approve")
    one, two, task = _signs(claim, 0), claim.holder(1), claim.task
    met = while_waiting(
        world,
        claim,
        lambda: world.engine.claim(task, two),
        lambda connection: complete(world.engine.ground, connection, **one, seen_digest=None),
    )
    with pytest.raises(Conflict) as refused:
        met.result()
    assert one["actor"].name in refused.value.message.zh


def test_a_lock_that_is_not_to_be_had_in_time_is_known_as_a_busy_database(world):
    claim = world.claim("JD")
    with world.database.transaction() as holding, world.database.transaction() as waiting:
        holding.execute(text("SELECT id FROM process_case WHERE id = :id FOR UPDATE"), {"id": claim.case_id})
        waiting.execute(text("SET LOCAL lock_timeout = '50ms'"))
        with pytest.raises(Exception, match="lock timeout") as met:
            rows.lock_case(Batch(waiting), claim.case_id, claim.holder(), local_date(world.clock()))
        assert is_busy(met.value)
