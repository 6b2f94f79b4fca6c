"""A claim walks every road of the drawing, from the village to the end it deserves.

The walker does what people do: it fills in each step's form (checked against the form, so a walk cannot type what the form would
not take) and lets the process go on. After every act the case is stored and taken up again, as it is between two days in an office.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from workflow_picture import Picture

from engine.errors import NotOpen
from engine.people.levels import Level
from engine.runtime import Definition, Execution, Surroundings
from engine.runtime.bundle import Bundle

WORKFLOWS = Path(__file__).parents[2] / "workflows"
KEY = b"k" * 32
NOW = datetime(2018, 11, 5, 2, 0, tzinfo=UTC)

REGISTER = {
    "case_no": "YL-441424-2018-000381",
    "household_no": "4414241032050017",
    "person_no": "4414241032050017-01",
    "head_name": "曾桂兰",
    "patient_name": "曾桂兰",
    "patient_relation": "之户主",
    "household_category": "JD",
}
APPLICATION = {
    "aid_type": "INPATIENT",
    "insurance_kind": "RESIDENT",
    "hospital_name": "县人民医院",
    "hospital_level": "COUNTY",
    "hospital_designated": True,
    "admitted_on": "2018-09-03",
    "discharged_on": "2018-09-21",
    "disease_class": "ORDINARY",
    "diagnosis": "肺炎",
    "excluded_cause": "NONE",
    "settlement_no": "JS2018090001",
    "invoice_no": "FP2018090001",
    "total_fen": 6853240,
    "noncompliant_fen": 421015,
    "basic_paid_fen": 3891560,
    "serious_paid_fen": 987633,
    "other_paid_fen": 0,
    "payee_is_heir": False,
    "bank_name": "农商银行",
    "bank_card": "6228480000000000018",
    "phone": "13800000000",
}
CHECKED = {
    "id_valid": True,
    "patient_alive": True,
    "categories": ["JD"],
    "insured": True,
    "settlement_duplicate": False,
    "paid_this_year_fen": 0,
}
PAYLOADS = {"withdrawal", "objection"}
"""What a message brought: made by the engine's verbs, told by the audit, read by no expression."""


@cache
def definition():
    return Definition.read(Bundle.from_folder(WORKFLOWS, "medical_assistance"))


class Walk:
    """One claim on its way; `checked` is what the departments answer, `claim` what the village types."""

    folder = WORKFLOWS

    def __init__(self, checked=None, **claim):
        self.checked = {**CHECKED, **(checked or {})}
        self.ledger = []
        self.calls = []
        self.steps = []
        self.application = {**APPLICATION, **claim}
        self.surroundings = Surroundings(
            now=NOW,
            workdays=lambda days: NOW + timedelta(days=days),
            notice_end=lambda days: NOW + timedelta(days=days),
            parameter=lambda name, *keys: definition().parameters.lookup(name, *keys, year=2018, county="441424"),
            services={"cross_check": self._cross_check, "write_ledger": self._write_ledger},
        )
        self._taken_up(Execution.start(definition(), REGISTER, self.surroundings))

    def _cross_check(self, call):
        self.calls.append(call.parameters["checks"])
        duplicate = call.data["settlement_no"] == "USED"
        return {**self.checked, "settlement_duplicate": duplicate or self.checked["settlement_duplicate"]}

    def _write_ledger(self, call):
        self.ledger.append((call.parameters["benefit"], call.data["aid_fen"]))
        return {"ledger_entry_no": "T1"}

    def _taken_up(self, execution):
        known = {name: value for name, value in execution.data.items() if name not in PAYLOADS}
        definition().dictionary.check(known)
        self.steps += execution.steps
        before = execution.marking()
        self.execution = Execution.restore(definition(), execution.store(KEY), self.surroundings, key=KEY)
        assert self.execution.marking() == before

    @property
    def open(self):
        return [task.element_id for task in self.execution.tasks]

    @property
    def data(self):
        return self.execution.data

    @property
    def ended(self):
        assert self.execution.is_finished
        end = definition().elements[self.execution.ended_by]
        return end.name, end.properties["status"]

    def _one(self, element_id):
        found = [task for task in self.execution.tasks if task.element_id == element_id]
        assert len(found) == 1, f"wanted {element_id}, open are {self.open}"
        return found[0]

    def do(self, element_id, /, **answers):
        """Complete one open step with answers its form takes."""
        task = self._one(element_id)
        faults = definition().forms[task.properties["form"]].check(answers)
        assert faults == {}, f"{element_id}: {faults}"
        self.execution.complete(task.ref, answers)
        self._taken_up(self.execution)
        return self

    def ring(self, element_id):
        wait = next(wait for wait in self.execution.waits if wait.element_id == element_id)
        self.execution.fire(wait.ref)
        self._taken_up(self.execution)
        return self

    def send(self, message, **payload):
        self.execution.send(message, payload)
        self._taken_up(self.execution)
        return self

    # ---- stretches of the way ------------------------------------------------------------------------------------------

    def apply(self):
        return self.do("T_apply", **self.application)

    def correct(self, **changes):
        return self.do("T_correct", **{**self.application, "correction_note": "已更正", **changes})

    def receive(self, outcome="ACCEPT", **answers):
        return self.do("T_receive", **{"receive_outcome": outcome, "economic_finding": "NONE", **answers})

    def review(self, outcome="AGREE", **answers):
        return self.do("T_review", review_outcome=outcome, **answers)

    def notice(self):
        self.do("T_post", notice_place="村务公开栏", notice_posted_on="2018-11-05")
        return self

    def verify(self, outcome):
        return self.do("T_verify", verify_outcome=outcome, verifiers="甲、乙", objection_finding="到户核查")

    def approve(self, outcome="AGREE", **answers):
        return self.do("T_approve", approve_outcome=outcome, **answers)

    def joint(self, outcome="AGREE", **answers):
        meeting = {"joint_held_on": "2018-11-20", "joint_present": 7, "joint_for": 6, "joint_against": 1}
        return self.do("T_joint", joint_outcome=outcome, **{**meeting, **answers})

    def pay(self):
        return self.do("T_pay", pay_voucher_no="BF-1", paid_on="2018-11-28")

    def city(self, outcome="FILE"):
        return self.do("T_city", city_outcome=outcome)

    def province(self, outcome="FILE"):
        return self.do("T_province", province_outcome=outcome)

    def to_review(self):
        return self.apply().receive()

    def to_county(self):
        return self.to_review().review()

    def file(self):
        return self.pay().city().province()


def seen(walk, *element_ids):
    """The order in which these shapes were passed."""
    return [step.element_id for step in walk.steps if step.element_id in element_ids]


# ---- the ordinary ways -------------------------------------------------------------------------------------------------


def test_a_registered_poor_household_is_paid_by_the_simple_procedure_and_filed_in_all_five_lanes():
    walk = Walk().to_county().approve()
    assert walk.data["aid_fen"] == 1087122
    assert walk.data["procedure"] == "SIMPLE"
    walk.file()
    assert walk.ended == ("办结归档", "COMPLETED")
    assert walk.ledger == [("MEDICAL", 1087122)]
    assert walk.calls == ["X01 X03 X04 X12 X15"]
    assert "A_notice" not in seen(walk, "A_notice")
    assert seen(walk, "T_joint", "T_large") == []
    signed = [definition().elements[step.element_id].level for step in walk.steps if step.kind == "task"]
    assert set(signed) == set(Level)


def test_every_step_lies_with_the_level_of_its_lane():
    walk = Walk()
    levels = {}
    for act in (walk.apply, walk.receive, walk.review, walk.approve, walk.pay, walk.city, walk.province):
        for task in walk.execution.tasks:
            levels[task.element_id] = task.level
        act()
    assert levels == {
        "T_apply": Level.VILLAGE,
        "T_receive": Level.TOWNSHIP,
        "T_review": Level.TOWNSHIP,
        "T_approve": Level.COUNTY,
        "T_pay": Level.COUNTY,
        "T_city": Level.CITY,
        "T_province": Level.PROVINCE,
    }


def test_a_low_income_household_is_shown_to_the_village_first():
    walk = Walk(checked={"categories": []}).apply().receive(economic_finding="LOW").review()
    assert walk.open == ["T_post"]
    assert walk.execution.tasks[0].level is Level.VILLAGE
    walk.notice()
    assert walk.open == []
    walk.ring("E_notice_over")
    assert walk.open == ["T_approve"]
    assert walk.approve().file().ended == ("办结归档", "COMPLETED")
    assert walk.ledger == [("MEDICAL", 811819)]


def test_the_decisions_say_which_rows_hit_and_why():
    walk = Walk().to_review()
    told = {step.decision.table: step.decision for step in walk.steps if step.decision is not None}
    assert list(told) == ["medical_eligibility", "medical_amount", "medical_route", "medical_scope"]
    assert "粤发〔2016〕13号 §9" in told["medical_amount"].hits[0].citation


# ---- objections --------------------------------------------------------------------------------------------------------


def on_notice():
    return Walk(checked={"categories": ["LOW"]}).to_county().notice()


def test_an_unfounded_objection_lets_the_notice_go_on():
    walk = on_notice().send("objection", reason="有车", by="VILLAGER")
    assert walk.open == ["T_verify"]
    assert walk.execution.tasks[0].level is Level.TOWNSHIP
    walk.verify("UNFOUNDED")
    assert walk.open == []
    walk.send("objection", reason="再查", by="VILLAGER").verify("UNFOUNDED").ring("E_notice_over")
    assert walk.data["notice_result"] == "CLEAR"
    assert walk.open == ["T_approve"]


@pytest.mark.parametrize("finding", ["FOUNDED_FIX", "FOUNDED_REJECT", "FRAUD"])
def test_an_upheld_objection_brings_the_claim_back_to_the_township_which_decides(finding):
    walk = on_notice().send("objection", reason="有车", by="VILLAGER").verify(finding)
    assert walk.open == ["T_review"]
    assert walk.data["notice_result"] == finding
    assert walk.review("REJECT").ended == ("镇级不予救助", "REJECTED")


def test_after_a_correction_the_notice_begins_anew():
    walk = on_notice().send("objection", reason="金额不对", by="VILLAGER").verify("FOUNDED_FIX")
    walk.review("RETURN", return_to="VILLAGE").correct().receive().review()
    assert walk.open == ["T_post"]
    walk.notice().ring("E_notice_over")
    assert walk.data["notice_result"] == "CLEAR"
    assert walk.approve().file().ended == ("办结归档", "COMPLETED")


# ---- returns from every level ------------------------------------------------------------------------------------------


def test_the_township_hands_an_incomplete_claim_back_and_compares_it_anew():
    walk = Walk().apply().receive("SUPPLEMENT", missing_papers="缺出院小结")
    assert walk.open == ["T_correct"]
    walk.correct()
    assert walk.open == ["T_receive"]
    assert walk.calls == ["X01 X03 X04 X12 X15"] * 2


def test_the_review_returns_to_the_village():
    walk = Walk().to_review().review("RETURN", return_to="VILLAGE")
    assert walk.open == ["T_correct"]


def test_the_review_may_look_again_itself():
    walk = Walk().to_review().review("RETURN", return_to="TOWNSHIP")
    assert walk.open == ["T_review"]
    assert walk.review().open == ["T_approve"]


@pytest.mark.parametrize(("level", "step"), [("VILLAGE", "T_correct"), ("TOWNSHIP", "T_review")])
def test_the_county_returns_to_the_level_it_names(level, step):
    assert Walk().to_county().approve("RETURN", return_to=level).open == [step]


def test_a_claim_may_come_back_from_every_level_and_still_be_paid_what_was_corrected():
    walk = Walk().apply().receive("SUPPLEMENT").correct().receive()
    walk.review("RETURN", return_to="VILLAGE").correct().receive().review()
    walk.approve("RETURN", return_to="TOWNSHIP").review().approve("RETURN", return_to="VILLAGE")
    walk.correct(total_fen=6853240 - 100000).receive().review().approve()
    assert walk.data["aid_fen"] == 1017122
    assert walk.file().ended == ("办结归档", "COMPLETED")


def test_a_return_needs_the_level_it_goes_to():
    form = definition().forms["approve"]
    assert set(form.check({"approve_outcome": "RETURN"})) == {"return_to"}
    assert form.check({"approve_outcome": "AGREE"}) == {}


# ---- large sums --------------------------------------------------------------------------------------------------------


def of_amount(fen):
    """A claim of somebody destitute, so that the aid is the burden."""
    costs = {"total_fen": fen, "noncompliant_fen": 0, "basic_paid_fen": 0, "serious_paid_fen": 0, "other_paid_fen": 0}
    return Walk(checked={"categories": ["TK"]}, **costs).to_county()


@pytest.mark.parametrize(
    ("fen", "joint", "large"),
    [(2999999, False, False), (3000000, True, False), (5000000, True, False), (5000001, True, True)],
)
def test_large_sums_are_signed_by_the_leaders_and_filed_with_the_city_before_they_are_paid(fen, joint, large):
    walk = of_amount(fen).approve()
    if joint:
        assert walk.open == ["T_joint"]
        walk.joint()
    if large:
        assert walk.open == ["T_large"]
        assert walk.execution.tasks[0].level is Level.CITY
        walk.do("T_large", large_note="同意备案")
    assert walk.open == ["T_pay"]
    assert walk.file().ended == ("办结归档", "COMPLETED")
    assert walk.ledger == [("MEDICAL", fen)]


def test_the_leaders_have_the_last_word_over_the_department():
    assert of_amount(4000000).approve().joint("REJECT").ended == ("县级不予救助", "REJECTED")
    assert of_amount(4000000).approve().joint("RETURN", return_to="TOWNSHIP").open == ["T_review"]


def test_the_leaders_are_not_called_together_for_what_the_department_refuses_or_returns():
    assert of_amount(4000000).approve("REJECT").ended == ("县级不予救助", "REJECTED")
    assert of_amount(4000000).approve("RETURN", return_to="VILLAGE").open == ["T_correct"]


def test_a_second_round_asks_the_leaders_again():
    walk = of_amount(4000000).approve().joint("RETURN", return_to="TOWNSHIP").review().approve()
    assert walk.open == ["T_joint"]
    assert walk.joint().open == ["T_pay"]


# ---- stops and refusals ------------------------------------------------------------------------------------------------


def test_a_settlement_claimed_before_cannot_be_accepted_only_corrected_or_refused_by_a_person():
    walk = Walk(settlement_no="USED").apply().receive("ACCEPT")
    assert walk.open == ["T_correct"], "data send back; they do not refuse"
    walk.correct(settlement_no="USED").receive("ACCEPT")
    assert walk.open == ["T_correct"]
    walk.correct(settlement_no="JS2018090002").receive("ACCEPT")
    assert walk.open == ["T_review"]
    assert Walk(settlement_no="USED").apply().receive("REJECT").ended == ("镇级不予救助", "REJECTED")


@pytest.mark.parametrize(
    "checked", [{"insured": False}, {"id_valid": False}, {"patient_alive": False}, {"categories": []}]
)
def test_agreeing_while_eligibility_is_not_confirmed_sends_the_claim_back(checked):
    walk = Walk(checked=checked).to_review().review("AGREE")
    assert walk.open == ["T_correct"]


def test_the_township_and_the_county_may_refuse_and_the_village_may_not():
    assert Walk().to_review().review("REJECT").ended == ("镇级不予救助", "REJECTED")
    assert Walk().to_county().approve("REJECT").ended == ("县级不予救助", "REJECTED")
    for form in ("apply", "correct", "post"):
        assert definition().forms[form].outcome is None


@pytest.mark.parametrize(
    ("checked", "claim", "reason"),
    [
        (
            {},
            {"total_fen": 500000, "noncompliant_fen": 0, "basic_paid_fen": 500000, "serious_paid_fen": 0},
            "NO_BURDEN",
        ),
        ({"paid_this_year_fen": 6000000}, {}, "CAP_REACHED"),
    ],
)
def test_where_nothing_is_due_the_claim_closes_after_the_townships_signature_and_says_why(checked, claim, reason):
    walk = Walk(checked=checked, **claim).to_review()
    assert walk.open == ["T_review"]
    assert walk.data["aid_fen"] == 0
    walk.review()
    assert walk.ended == ("无应付金额", "NOTHING_TO_PAY")
    assert walk.data["amount_reason"] == reason
    assert walk.ledger == []


def test_heirs_finish_the_claim_of_somebody_who_died():
    walk = Walk(checked={"patient_alive": False}, payee_is_heir=True, payee_name="曾小兰", payee_relation="CHILD")
    walk.to_county().approve()
    assert {"payee_is_heir", "payee_name", "payee_relation"} <= set(definition().forms["pay"].content["shows"])
    assert (walk.data["payee_is_heir"], walk.data["payee_name"]) == (True, "曾小兰")
    assert walk.file().ended == ("办结归档", "COMPLETED")


def test_an_heir_must_be_named():
    faults = definition().forms["apply"].check({**APPLICATION, "payee_is_heir": True})
    assert set(faults) == {"payee_name", "payee_relation"}


# ---- withdrawal --------------------------------------------------------------------------------------------------------

PLACES = {
    "at the village": Walk,
    "at the township": lambda: Walk().to_review(),
    "in correction": lambda: Walk().apply().receive("SUPPLEMENT"),
    "during the notice": on_notice,
    "while an objection is verified": lambda: on_notice().send("objection", reason="有车", by="VILLAGER"),
    "at the county": lambda: Walk().to_county(),
    "before the leaders": lambda: of_amount(4000000).approve(),
}


@pytest.mark.parametrize("place", PLACES)
def test_the_household_may_withdraw_anywhere_before_the_decision(place):
    walk = PLACES[place]()
    walk.send("withdrawal", reason="家里商量后不申请了", by="VIL_CLERK")
    assert walk.ended == ("已撤回", "WITHDRAWN")
    assert walk.open == []
    assert walk.execution.waits == ()


def test_the_flow_until_which_a_household_may_withdraw_is_the_countys_agreement():
    until = definition().elements["E_withdraw"].properties["until"]
    flow = Picture.read(WORKFLOWS / "medical_assistance.bpmn").lines[until]
    assert (flow.source, flow.name) == ("G_approve", "同意")
    assert seen(Walk().to_county(), flow.target) == []
    assert seen(Walk().to_county().approve(), flow.target) == [flow.target]


# ---- city and province -------------------------------------------------------------------------------------------------


def test_the_city_queries_and_the_county_answers_as_often_as_needed():
    walk = Walk().to_county().approve().pay()
    for answer in ("附发票核对表", "附入户照片"):
        walk.city("QUERY")
        assert walk.open == ["T_answer"]
        walk.do("T_answer", answer_text=answer)
    assert walk.open == ["T_city"]
    assert walk.city().province().ended == ("办结归档", "COMPLETED")


def test_the_province_hands_back_to_the_city():
    walk = Walk().to_county().approve().pay().city().province("RETURN")
    assert walk.open == ["T_city"]
    walk.city("QUERY").do("T_answer", answer_text="已核实").city().province()
    assert walk.ended == ("办结归档", "COMPLETED")
    assert walk.ledger == [("MEDICAL", 1087122)], "booked once, however often it was looked at"


# ---- clocks ------------------------------------------------------------------------------------------------------------

LIMITS = {
    "T_apply": 5,
    "T_correct": 10,
    "T_receive": 3,
    "T_review": 10,
    "T_approve": 10,
    "T_joint": 5,
    "T_large": 10,
    "T_pay": 10,
    "T_city": 10,
    "T_answer": 5,
    "T_province": 10,
    "T_post": 3,
    "T_verify": 10,
}


def test_every_step_of_a_person_has_its_limit_in_working_days():
    tasks = {element.id for element in definition().elements.values() if element.kind == "userTask"}
    assert tasks == set(LIMITS)
    walk = Walk(settlement_no="USED")
    found = {}
    for act in (walk.apply, lambda: walk.receive("ACCEPT")):
        act()
        found |= {w.element_id: w.limit_days for w in walk.execution.waits if w.kind == "timer"}
    assert found == {"B_receive": 3, "B_correct": 10}


def test_a_lapsed_limit_marks_the_case_and_moves_nothing():
    walk = Walk().apply().ring("B_receive")
    assert walk.open == ["T_receive"]
    assert any(step.kind == "escalation" for step in walk.steps)
    with pytest.raises(StopIteration):
        walk.ring("B_receive")
    assert walk.receive().review().approve().file().ended == ("办结归档", "COMPLETED")


def test_a_finished_claim_takes_no_more_answers():
    walk = Walk().to_county()
    task = walk.execution.tasks[0]
    walk.approve()
    with pytest.raises(NotOpen):
        walk.execution.complete(task.ref, {"approve_outcome": "AGREE"})
