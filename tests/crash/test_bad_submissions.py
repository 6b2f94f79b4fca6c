"""Thousands of bad submissions, at every form of the process, typed into the page and pushed at the verb (RELIABILITY.md F23).

Whatever comes is answered with a refusal that leaves the case as it was, to the byte, or it was a good submission after all. Nothing that
no form asks for is stored, every case can still be opened, and each goes on to the step it would have gone to anyway.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine import Invalid, NotFound, NotOpen, Rejected, model
from engine.audit.invariants import check_invariants
from engine.audit.verify import verify
from tests.strategies.form_submissions import ODD_TEXTS, RESERVED, bad, good
from tests.world import PAPER, Claim, World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROCESS = "medical_assistance"
NIGHTLY = bool(os.environ.get("BANGFU_NIGHTLY"))
# Over both databases and all steps: 1,500 in every run, 10,000 at night.
EACH = 385 if NIGHTLY else 58

_LOW = {"total_fen": 2000000, "noncompliant_fen": 0, "basic_paid_fen": 600000, "serious_paid_fen": 0}
_LARGE = {"total_fen": 6000000, "noncompliant_fen": 0, "basic_paid_fen": 0, "serious_paid_fen": 0}


def _noticed(world: World) -> Claim:
    claim = world.claim("LOW", **_LOW).does("ACCEPT", economic_finding="LOW")
    return claim.goes_to("T_post")


def _objected(world: World) -> Claim:
    claim = _noticed(world).does()
    world.engine.register_objection(claim.case_id, world.actor("TWN_CIVIL"), "家庭收入申报不实")
    return claim


STEPS: Mapping[str, tuple[Callable[[World], Claim], str]] = {
    "T_receive": (lambda world: world.claim("JD"), "T_review"),
    "T_correct": (lambda world: world.claim("JD").does("SUPPLEMENT", opinion="请补交转诊证明"), "T_receive"),
    "T_review": (lambda world: world.claim("JD").goes_to("T_review"), "T_approve"),
    "T_post": (_noticed, ""),
    "T_verify": (_objected, ""),
    "T_approve": (lambda world: world.claim("JD").goes_to("T_approve"), "T_pay"),
    "T_joint": (lambda world: world.claim("TK", **_LARGE).goes_to("T_joint"), "T_large"),
    "T_large": (lambda world: world.claim("TK", **_LARGE).goes_to("T_large"), "T_pay"),
    "T_pay": (lambda world: world.claim("JD").goes_to("T_pay"), "T_city"),
    "T_city": (lambda world: world.claim("JD").goes_to("T_city"), "T_province"),
    "T_answer": (lambda world: world.claim("JD").goes_to("T_city").does("QUERY", opinion="请说明合规费用"), "T_city"),
    "T_province": (lambda world: world.claim("JD").goes_to("T_province"), ""),
}
"""Step → how a claim gets there, and where it goes from there when it is filled in honestly."""

_FLAT = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=2**53, max_value=2**70),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from(ODD_TEXTS),
    st.binary(max_size=8),
    st.sampled_from(
        [{"typename": "UUID", "value": "zz"}, {"__builtins__": {}}, [["x"]], {"a": {"typename": "x"}}, object()]
    ),
)
PUSHED = st.dictionaries(st.one_of(st.sampled_from(RESERVED), st.text(max_size=12)), _FLAT, min_size=1, max_size=4)
"""Values that no browser sends, for somebody who reaches the verb itself."""


class Attack:
    """One step under fire: a claim that waits there, and what has happened to it."""

    def __init__(self, world: World, step: str) -> None:
        self.world = world
        self.make, self.following = STEPS[step]
        self.step = step
        self.taken = 0
        self.refused = 0
        self.claims: list[Claim] = []
        self.renew()

    def renew(self) -> None:
        """Bring another claim to the step."""
        self.claim = self.make(self.world)
        assert self.claim.step == self.step
        self.claims.append(self.claim)
        self.actor = self.claim.holder()
        self.view = self.world.engine.task(self.claim.task, self.actor)
        self.fields = set(self.view.form["schema"]["properties"])
        self.before = self.claim.row

    def submit(self, submission: tuple[dict[str, Any], dict[str, Any] | None, str, str]) -> None:
        """Type something into the form and sign whatever comes of it."""
        raw, pushed, outcome, opinion = submission
        engine, task = self.world.engine, self.claim.task
        reading = engine.read_task_form(task, self.actor, raw)
        assert set(reading.values) <= self.fields
        values = reading.values if pushed is None else {**reading.values, **pushed}
        try:
            engine.complete(
                task,
                self.actor,
                outcome,
                values,
                opinion,
                seen_revision=self.before.revision,
                proof=self.world.proof(self.actor),
            )
        except Rejected:
            self.refused += 1
            assert self.claim.row == self.before
        else:
            self.taken += 1
            assert set(values) <= self.fields, "something undeclared was taken"
            self.renew()


@pytest.fixture
def world(database, clock, keyring):
    return World(database, clock, keyring, households=60 * EACH // 20 + 120)


def _run(strategy: Any, act: Callable[[Any], None]) -> None:
    """Let so many examples of a strategy act; the same ones every time."""
    quiet = settings(
        max_examples=EACH,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    def example(drawn: Any) -> None:
        act(drawn)

    quiet(given(strategy)(example))()


def test_no_submission_harms_a_case_or_changes_its_way(world):
    forms = world.engine.ground.definition(_digest(world)).forms
    attacks = {step: Attack(world, step) for step in STEPS}
    for attack in attacks.values():
        form = forms[world.rows(model.task, model.task.c.case_id == attack.claim.case_id)[-1].form]
        offered = [one.value for one in attack.view.outcomes]
        submission = st.tuples(
            st.one_of(bad(form), bad(form), bad(form), good(form)),
            st.one_of(PUSHED, PUSHED, PUSHED, st.none()),
            st.one_of(st.sampled_from(offered), st.sampled_from(ODD_TEXTS)),
            st.sampled_from(["情况属实,同意。", "", "缺材料,请补交。", *ODD_TEXTS]),
        )
        _run(submission, attack.submit)
    for attack in attacks.values():
        assert attack.refused > EACH // 2, f"{attack.step}: {attack.taken} taken, {attack.refused} refused"
        attack.claim.does()
        assert attack.claim.step == attack.following, f"{attack.step} leads elsewhere now"
    _all_is_well(world)


def test_no_application_opens_a_case_it_should_not(world):
    engine = world.engine
    clerk = world.actor("VIL_CLERK", world.county.villages[0])
    household_no, person_no = world.household("JD")
    form = engine.start_form(PROCESS, household_no, person_no, clerk)
    fields = set(form.form["schema"]["properties"])
    definition = engine.ground.definition(_digest(world))
    read = definition.forms["apply"]
    opened = []

    def apply(given_: tuple[dict[str, Any], dict[str, Any] | None]) -> None:
        raw, pushed = given_
        reading = engine.read_start_form(PROCESS, raw)
        assert set(reading.values) <= fields
        values = reading.values if pushed is None else {**reading.values, **pushed}
        draft = _draft(world, clerk, raw, household_no)
        try:
            receipt = engine.start(
                clerk, PROCESS, household_no, person_no, values, draft_id=draft, proof=world.proof(clerk)
            )
        except Rejected:
            assert len(world.rows(model.process_case)) == len(opened)
            return
        assert set(values) <= fields
        opened.append(receipt.case_id)
        engine.withdraw(
            receipt.case_id, clerk, "户主要求撤回", seen_revision=receipt.revision, proof=world.proof(clerk)
        )

    _run(st.tuples(st.one_of(bad(read), good(read)), st.one_of(st.none(), PUSHED)), apply)
    _all_is_well(world)


def _draft(world: World, clerk: Any, raw: dict[str, Any], household_no: str) -> str:
    """Keep what was typed as the page does; a draft that cannot be kept is refused, and an empty one serves."""
    try:
        draft = world.engine.save_draft(clerk, f"start:{PROCESS}", raw, household_no)
    except Invalid:
        draft = world.engine.save_draft(clerk, f"start:{PROCESS}", {}, household_no)
    form = world.engine.start_form(PROCESS, household_no, None, clerk)
    for slot in form.slots:
        if slot.required and not slot.files:
            world.engine.attach(clerk, draft, slot.slot, f"{slot.slot}.pdf", PAPER)
    return draft


def _digest(world: World) -> str:
    return str(world.rows(model.definition)[0].digest)


def _all_is_well(world: World) -> None:
    """Every case opens, holds declared data only, and no chain or invariant is hurt."""
    engine = world.engine
    declared = set(engine.ground.definition(_digest(world)).dictionary.fields)
    auditor = world.actor("PRV_DEPT")
    for case in world.rows(model.process_case):
        assert engine.case(case.id, auditor).case_no == case.case_no
        for event in world.events(case.id):
            assert set(event.get("changes", {})) <= declared
            assert set(event.get("input", {})) <= declared
    for task in world.rows(model.task, model.task.c.state == "OPEN"):
        holder = world.actor(task.role, task.region_code)
        try:
            engine.task(f"{task.case_id}-{task.no}", holder)
        except (NotFound, NotOpen) as refusal:
            raise AssertionError(f"task {task.case_id}-{task.no} cannot be opened") from refusal
    with world.database.reading() as connection:
        assert verify(connection, world.keyring).problems == []
        assert check_invariants(connection) == []
    assert world.rows(model.incident) == []
