"""An auditor steps through a case: the picture after each event, the verdict, and nothing private in clear."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from sqlalchemy import text, update

from engine import NotFound, NotPermitted, model
from engine.audit.replay import fold
from engine.audit.writing import append
from engine.people.levels import Level
from tests.world import World


@pytest.fixture
def world(sqlite_database, clock, keyring):
    return World(sqlite_database, clock, keyring)


@pytest.fixture
def claim(world, clock):
    """A claim that was taken, sent back once, corrected and is with the township again."""
    claim = world.claim("JD")
    clock.advance(minutes=5)
    world.engine.claim(claim.task, claim.holder())
    claim.goes_to("T_review")
    clock.advance(hours=3)
    claim.does("RETURN", opinion="发票缺一张,请补齐。", return_to="VILLAGE")
    clock.advance(days=1)
    claim.does()
    return claim


def history_of(claim):
    return claim.world.engine.history(claim.case_id, claim.world.actor("AUDITOR"))


def test_every_event_has_its_picture_and_the_verdict_is_that_all_of_it_holds(claim):
    history = history_of(claim)
    assert history.verified
    assert history.first_bad is None
    assert [holds for _, holds in history.checks] == [True] * 5
    assert [frame.seq for frame in history.frames] == [event["seq"] for event in claim.events]
    assert "<" in history.diagram_xml


def test_the_picture_moves_with_the_case_and_remembers_the_return(claim):
    frames = history_of(claim).frames
    first, sent_back, last = frames[0], next(one for one in frames if "发票" in one.opinion), frames[-1]
    assert first.states["T_apply"] == "done"
    assert first.states["T_receive"] == "current"
    assert "T_review" not in first.states
    assert sent_back.states["T_review"] == "returned"
    assert sent_back.states["T_correct"] == "current"
    assert last.states["T_correct"] == "done"
    open_elements = {row.element_id for row in claim.open_tasks}
    assert {name for name, state in last.states.items() if state == "current"} >= open_elements
    # Ways only ever become more, and each is one of the drawing's.
    for before, after in pairwise(frames):
        assert set(before.flows) <= set(after.flows)
    ground = claim.world.engine.ground
    drawings = "".join(ground.definition(claim.row.definition_digest).diagrams.values())
    assert all(f'id="{flow}"' in drawings for flow in last.flows)
    assert len(last.flows) > len(first.flows)


def test_the_data_of_each_picture_are_those_of_its_time(claim):
    frames = history_of(claim).frames
    decided = next(n for n, one in enumerate(frames) if any(after.zh == "10,871.22 元" for _, _, after in one.changes))
    assert [line for one in frames[:decided] for line in one.decisions] == []
    assert any("medical_amount" in line.zh and "70%" in line.zh for line in frames[decided].decisions)
    shown = [str(one.form) for one in frames]
    assert all("县级财政" not in one for one in shown[:decided])
    assert "县级财政" in shown[decided]


def test_nothing_private_stands_in_clear_anywhere_on_the_page(claim):
    definition = claim.world.engine.ground.definition(claim.row.definition_digest)
    private = [name for name, entry in definition.dictionary.fields.items() if entry.get("private")]
    data = fold(claim.events, definition.elements)[-1].data
    secrets = [data[name] for name in private if isinstance(data.get(name), str) and len(data[name]) > 1]
    assert len(secrets) >= 3
    for frame in history_of(claim).frames:
        told = str(frame)
        assert not [secret for secret in secrets if secret in told]
        assert json.loads(frame.raw)["seq"] == frame.seq


def test_only_an_auditor_of_the_jurisdiction_may_replay(claim):
    world = claim.world
    with pytest.raises(NotPermitted):
        world.engine.history(claim.case_id, world.actor("CTY_CIVIL"))
    with pytest.raises(NotFound):
        world.engine.history(claim.case_id + 1, world.actor("AUDITOR"))
    elsewhere = world.actor("AUDITOR")
    with world.database.transaction() as connection:
        connection.execute(update(model.process_case).values(region_code="4499" + claim.village[4:]))
    if elsewhere.level is not Level.PROVINCE:
        with pytest.raises(NotFound):
            world.engine.history(claim.case_id, elsewhere)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE process_case SET status = 'COMPLETED'", "status"),
        ("UPDATE process_case SET papers_digest = substr(papers_digest, 2) || 'x'", "papers_digest"),
        ("UPDATE process_case SET state = CAST(substr(state, 1, length(state) - 1) || x'7e' AS BLOB)", "MAC"),
        ("UPDATE task SET role = 'CTY_CIVIL' WHERE state = 'OPEN'", "role"),
        ("UPDATE task SET region_code = '441424' WHERE state = 'OPEN'", "region_code"),
        ("UPDATE task SET claimed_by = 1 WHERE state = 'OPEN'", "claimed_by"),
        ("UPDATE task SET due_at = '2030-01-01T00:00:00.000000Z' WHERE state = 'OPEN'", "due_at"),
        ("UPDATE task SET state = 'DONE' WHERE state = 'OPEN'", "not open"),
    ],
)
def test_rows_changed_behind_the_engine_are_told_while_the_story_still_shows(claim, change, said):
    before = history_of(claim)
    with claim.world.database.transaction() as connection:
        connection.execute(text(change))
    after = history_of(claim)
    assert after.frames == before.frames
    assert not after.verified
    assert said in after.first_bad.en
    assert [holds for _, holds in after.checks] == [True, True, True, False, True]


def _unguarded(connection, statement, **values):
    for name in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all():
        connection.execute(text(f"DROP TRIGGER {name}"))
    connection.execute(text(statement), values)


@pytest.mark.parametrize(
    ("statement", "where", "failed"),
    [
        ("UPDATE audit_event SET body = replace(body, '补齐', '不批') WHERE stream = 'case:1' AND seq = 4", "#4", 0),
        ("UPDATE audit_event SET body = '' WHERE stream = 'case:1' AND seq = 2", "#2", 0),
        ("UPDATE audit_event SET body = CAST(x'7bff7d' AS TEXT) WHERE stream = 'case:1' AND seq = 2", "#2", 0),
        ("UPDATE audit_event SET hash = CAST(x'ff' AS TEXT) WHERE stream = 'case:1' AND seq = 2", "#2", 0),
        ("UPDATE signature SET value = 'AAAA' WHERE event_seq = 1", "#1", 1),
        ("UPDATE attachment SET content = x'00'", "attachment", 2),
    ],
)
def test_a_trail_that_was_touched_says_so_and_names_the_record(claim, statement, where, failed):
    with claim.world.database.transaction() as connection:
        _unguarded(connection, statement)
    history = history_of(claim)
    assert not history.verified
    assert where in history.first_bad.en
    assert not history.checks[failed][1]
    str(history).encode()  # and it can be put on a page


def test_no_business_is_done_when_its_event_cannot_be_written(claim):
    # F35: the audit write is made to fail; nothing of the verb may stay.
    world, task = claim.world, claim.task
    with world.database.transaction() as connection:
        connection.execute(
            text(
                "CREATE TRIGGER no_more BEFORE INSERT ON audit_event BEGIN SELECT RAISE(ABORT, 'disk of the trail full'); END"
            )
        )
    tables = (
        model.process_case,
        model.task,
        model.timer,
        model.signature,
        model.case_duty,
        model.message,
        model.audit_event,
    )
    before = [world.rows(table) for table in tables]
    clerk = claim.holder()
    for act in (
        lambda: world.engine.claim(task, clerk),
        lambda: claim.does(by=clerk),
        lambda: world.engine.withdraw(
            claim.case_id, world.actor("VIL_CLERK", claim.village), "户主不再申请救助。",
            seen_revision=claim.row.revision, proof=world.proof(world.actor("VIL_CLERK", claim.village)),
        ),
        lambda: world.claim("JD"),
        lambda: world.engine.reveal(claim.case_id, "patient_id_no", clerk),
    ):  # fmt: skip
        with pytest.raises(Exception, match="disk of the trail full"):
            act()
    assert [world.rows(table) for table in tables] == before


def test_an_event_of_a_stream_names_its_region_inside_its_seal(sqlite_database, clock):
    with sqlite_database.transaction() as connection:
        append(connection, "system", "probe", clock(), None, "4414", found="nothing")
        (row,) = connection.execute(model.audit_event.select()).all()
    assert json.loads(row.body)["region"] == row.region_code == "4414"
