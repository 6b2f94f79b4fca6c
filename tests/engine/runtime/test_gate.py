"""Every refusal of the gate, each by the smallest drawing that deserves it and by nothing else."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from gate_files import JUDGE, OTHER, PERSON, in_lanes, rules, sketch, spoiled, table, whole
from sketch import Sketch, votes

from engine.runtime.bundle import Bundle
from engine.runtime.gate import check_bundle, check_file, check_path

WORKFLOWS = Path(__file__).parents[3] / "workflows"


def decided(*conditions: str, default: bool = True, kind: str = "exclusive") -> Sketch:
    """T, then a gateway with a flow per condition and a default, each to an end of its own."""
    drawing = sketch().gateway("G", kind).flow("T", "G").end("E")
    for number, condition in enumerate(conditions):
        drawing.end(f"E{number}").flow("G", f"E{number}", when=condition)
    return drawing.flow("G", "E", default=default)


def straight() -> Sketch:
    return sketch().end("E").flow("T", "E")


# ---- what passes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dictionary", sorted(WORKFLOWS.glob("*.dictionary.json")), ids=lambda path: path.name)
def test_every_process_of_ours_passes(dictionary):
    bundle = Bundle.from_folder(WORKFLOWS, dictionary.name.removesuffix(".dictionary.json"))
    assert [str(one) for one in check_bundle(bundle)] == []


@pytest.mark.parametrize(
    "path", sorted([*WORKFLOWS.glob("*.bpmn"), *WORKFLOWS.glob("*.dmn")]), ids=lambda path: path.name
)
def test_every_file_of_ours_passes_beside_the_others_and_alone(path):
    started = time.process_time()
    assert check_path(path)[0] == ()
    assert check_file(path.name, path.read_bytes()) == ()
    assert time.process_time() - started < 1


def withdrawal() -> Sketch:
    drawing = Sketch("p").start().gateway("F", "parallel").flow("S", "F").user("T", properties=PERSON).flow("F", "T")
    drawing.catch_message("W", "withdraw", "payload").flow("F", "W").end("EW", "terminate").flow("W", "EW")
    return drawing


def notice() -> Sketch:
    drawing = sketch().gateway("M").gateway("W", "event").flow("T", "M", "W").end("E")
    drawing.catch_clock("C", "notice_end(7)").catch_message("O", "objection", "payload").flow("W", "C", "E").flow(
        "W", "O"
    )
    return (
        drawing.user("T2", properties=PERSON)
        .flow("O", "T2")
        .gateway("G")
        .flow("T2", "G")
        .flow("G", "M", default=True)
        .end("E2")
        .flow("G", "E2", when='outcome == "REJECT"')
    )


def called(post: str = 'answer = "X"') -> Sketch:
    drawing = Sketch("q", inputs=("amount",), outputs=("answer",))
    return drawing.start("Q_S").user("Q_T", post=post, properties=OTHER).end("Q_E").flow("Q_S", "Q_T", "Q_E")


GOOD = {
    "a task": lambda: [straight()],
    "a clock": lambda: [straight().clock("B", "T").end("X", "escalation").flow("B", "X")],
    "a return": lambda: [
        sketch()
        .gateway("G")
        .flow("T", "G")
        .end("E")
        .flow("G", "T", when='outcome == "RETURN"')
        .end("R")
        .flow("G", "R", when='outcome == "REJECT"')
        .flow("G", "E", default=True)
    ],
    "a fork and its join": lambda: [
        sketch()
        .gateway("F", "parallel")
        .gateway("J", "parallel")
        .user("A", properties=PERSON)
        .user("B", properties=PERSON)
        .flow("T", "F", "A", "J")
        .flow("F", "B", "J")
        .end("E")
        .flow("J", "E")
    ],
    "a waiting withdrawal": lambda: [withdrawal().end("E", "terminate").flow("T", "E")],
    "a notice": lambda: [notice()],
    "a call": lambda: [sketch().call("A", "q").end("E").flow("T", "A", "E"), called()],
    "a table": lambda: [
        sketch()
        .rule("D", "judge")
        .gateway("G")
        .end("E")
        .flow("T", "D", "G")
        .flow("G", "E", default=True)
        .end("E2")
        .flow("G", "E2", when='answer == "BIG"')
    ],
    "a promise of the form": lambda: [
        sketch()
        .gateway("G")
        .flow("T", "G")
        .end("E")
        .flow("G", "E", default=True)
        .gateway("H")
        .flow("G", "H", when='outcome == "RETURN"')
        .end("E1")
        .end("E2")
        .flow("H", "E1", default=True)
        .flow("H", "E2", when='back_to == "X"')
    ],
    "a copied promise": lambda: [
        Sketch("p")
        .start()
        .user("T", post="answer = outcome", properties=PERSON)
        .flow("S", "T")
        .gateway("G")
        .flow("T", "G")
        .end("E")
        .flow("G", "E", default=True)
        .gateway("H")
        .flow("G", "H", when='answer == "RETURN"')
        .end("E1")
        .end("E2")
        .flow("H", "E1", default=True)
        .flow("H", "E2", when='back_to == "X"')
    ],
    "a branch that is not taken": lambda: [
        Sketch("p")
        .start()
        .user("T", post='answer = back_to if outcome == "RETURN" else "N"', properties=PERSON)
        .flow("S", "T")
        .end("E")
        .flow("T", "E")
    ],
}


@pytest.mark.parametrize("name", GOOD)
def test_the_gate_lets_pass(name):
    assert rules(whole(*GOOD[name]())) == []


# ---- gateways and conditions ---------------------------------------------------------------------------------------


def test_an_exclusive_gateway_needs_a_default():
    assert rules(whole(decided('outcome == "AGREE"', default=False))) == [("gateway-default", "G")]


def test_a_default_flow_carries_no_condition():
    drawing = sketch().gateway("G").flow("T", "G").end("E").end("E0").flow("G", "E0", when='outcome == "AGREE"')
    assert rules(whole(drawing.flow("G", "E", when="amount == 1", default=True))) == [("default-condition", "F3_p")]


def test_every_other_flow_of_a_gateway_carries_one():
    drawing = sketch().gateway("G").flow("T", "G").end("E").end("E0").flow("G", "E0").flow("G", "E", default=True)
    assert rules(whole(drawing)) == [("condition-missing", "F2_p")]


def test_a_condition_behind_a_task_is_not_looked_at():
    assert rules(whole(sketch().end("E").flow("T", "E", when="amount == 1"))) == [("task-condition", "F1_p")]


def test_two_flows_out_of_a_task_are_a_hidden_fork():
    drawing = sketch().end("E").end("E2").flow("T", "E").flow("T", "E2")
    assert rules(whole(drawing)) == [("implicit-split", "T")]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('outcome == "AGREE"', 'outcome == "REJECT"'),
        ('outcome == "AGREE"', 'outcome in ["REJECT", "RETURN"]'),
        ('outcome != "AGREE"', 'outcome == "AGREE" and amount > 3'),
        ("amount < 3", "amount >= 3"),
        ("amount < 3", "3 <= amount < 8"),
        ("1 < amount", "amount == 0"),
        ("amount == -1", "amount == 1"),
        ('"X" in note_list', 'not ("X" in note_list)'),
        ('"X" in note_list', '"X" not in note_list'),
        ("not (amount > 3 or amount < 1)", "amount == 7"),
        ('(outcome == "AGREE" or outcome == "RETURN") and amount > 1', 'outcome == "REJECT"'),
    ],
)
def test_conditions_that_exclude_each_other_are_seen(one, other):
    found = check_file("p.bpmn", in_lanes(decided(one, other)).xml())
    assert [finding.rule for finding in found] == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('outcome == "AGREE"', "amount > 3"),
        ('outcome == "AGREE"', 'outcome == "AGREE"'),
        ("amount <= 3", "amount >= 3"),
        ('outcome != "AGREE"', 'outcome != "REJECT"'),
        ("amount == 1", "amount == True"),
        ("amount == True", "amount"),
        ('outcome == "AGREE" or amount > 3', 'outcome == "REJECT"'),
        ('outcome in ["AGREE", "RETURN"]', 'outcome in ["RETURN", "REJECT"]'),
        ('"X" in note_list', '"Y" in note_list'),
        ('"X" in note', '"Y" not in note'),
        ("amount < note", "amount > 5"),
    ],
)
def test_conditions_that_can_hold_together_are_refused(one, other):
    found = check_file("p.bpmn", in_lanes(decided(one, other)).xml())
    assert [(finding.rule, finding.element) for finding in found] == [("conditions-overlap", "F3_p")]


@pytest.mark.parametrize(
    "text", ["outcome.upper() == 'X'", "__import__('os')", "open('x')", "amount / 2 == 1", "x := 1", "", "amount ** 9"]
)
def test_a_condition_outside_the_language_is_refused(text):
    assert [rule for rule, _ in rules(whole(decided(text or " ")))] == ["condition"]


# ---- forks, joins, loops -------------------------------------------------------------------------------------------


def fork() -> Sketch:
    drawing = sketch().gateway("F", "parallel").gateway("J", "parallel").flow("T", "F")
    return drawing.user("A", properties=PERSON).user("B", properties=PERSON).end("E").flow("F", "A").flow("F", "B", "J")


def test_a_join_that_can_be_reached_from_itself_goes_on_too_early():
    drawing = fork().flow("A", "J").gateway("G").flow("J", "G").flow("G", "E", default=True)
    assert ("join-in-loop", "J") in rules(whole(drawing.flow("G", "T", when='outcome == "RETURN"')))


def test_a_branch_that_ends_before_its_join_leaves_the_join_waiting():
    drawing = fork().gateway("G").flow("A", "G").flow("G", "J", default=True).flow("J", "E").end("E2")
    assert rules(whole(drawing.flow("G", "E2", when="amount == 1"))) == [("fork-misses-join", "E2")]


def test_a_branch_that_comes_to_its_join_twice_is_refused():
    drawing = (
        fork().gateway("G").flow("A", "G").flow("G", "J", default=True).flow("J", "E").user("C", properties=PERSON)
    )
    assert rules(whole(drawing.flow("G", "C", when="amount == 1").flow("C", "J"))) == [("fork-misses-join", "F2_p")]


def test_a_join_without_a_fork_waits_for_ever():
    drawing = sketch().gateway("G").flow("T", "G").gateway("J", "parallel").user("A", properties=PERSON).end("E")
    drawing.flow("G", "J", default=True).flow("G", "A", when="amount == 1").flow("A", "J", "E")
    assert rules(whole(drawing)) == [("join-without-fork", "J")]


def test_branches_may_not_meet_without_a_join():
    drawing = sketch().gateway("F", "parallel").flow("T", "F").user("A", properties=PERSON).user("B", properties=PERSON)
    drawing.user("C", properties=PERSON).end("E").flow("F", "A", "C").flow("F", "B", "C", "E")
    assert [rule for rule, _ in rules(whole(drawing))] == ["branches-meet"]


def test_a_return_from_inside_a_branch_to_before_the_fork_doubles_the_other():
    drawing = fork().gateway("G").flow("A", "G").flow("G", "J", default=True).flow("J", "E")
    assert ("return-out-of-fork", "F") in rules(whole(drawing.flow("G", "T", when='outcome == "RETURN"')))


def test_a_gateway_that_joins_and_forks_at_once_is_refused():
    drawing = fork().flow("A", "J").user("C", properties=PERSON).end("E2").flow("J", "E").flow("J", "C", "E2")
    assert rules(whole(drawing)) == [("mixed-gateway", "J")]


def test_a_plain_end_beside_a_waiting_withdrawal_leaves_the_case_open():
    assert rules(whole(withdrawal().end("E").flow("T", "E"))) == [("plain-end", "E")]


def test_steps_in_a_circle_that_wait_for_nobody_are_refused():
    drawing = sketch().gateway("M").rule("D", "judge").gateway("G").end("E").flow("T", "M", "D", "G")
    drawing.flow("G", "M", when='answer == "BIG"').flow("G", "E", default=True)
    assert rules(whole(drawing)) == [("automatic-loop", "M")]


def test_a_call_that_waits_for_nobody_does_not_break_a_circle():
    quick = Sketch("q").start("Q_S").rule("Q_D", "judge").end("Q_E").flow("Q_S", "Q_D", "Q_E")
    drawing = sketch().call("A", "q").gateway("G").end("E").flow("T", "A", "G")
    drawing.flow("G", "A", when='answer == "BIG"').flow("G", "E", default=True)
    assert rules(whole(drawing, quick)) == [("automatic-loop", "A")]


# ---- ways ----------------------------------------------------------------------------------------------------------


def test_a_flow_to_nowhere_is_refused():
    assert ("dangling-flow", "F2_p") in rules(whole(straight().flow("T", "nowhere")))


def test_a_shape_nobody_reaches_is_refused():
    drawing = straight().user("Lost", properties=PERSON).end("E2").flow("Lost", "E2")
    assert rules(whole(drawing)) == [("unreachable", "E2"), ("unreachable", "Lost")]


def test_a_shape_without_a_way_on_is_refused():
    assert rules(whole(sketch())) == [("dead-end", "T")]


def test_a_process_has_one_start():
    assert rules(whole(straight().start("S2").flow("S2", "T"))) == [("one-start", "S2")]
    assert ("one-start", "p") in rules(whole(Sketch("p").user("T", properties=PERSON).end("E").flow("T", "E")))


def test_two_clocks_behind_one_event_gateway_are_refused():
    drawing = sketch().gateway("W", "event").flow("T", "W").end("E").catch_clock("C").catch_clock("C2")
    assert rules(whole(drawing.flow("W", "C", "E").flow("W", "C2", "E"))) == [("two-timers", "C2")]


def test_behind_an_event_gateway_stand_events_only():
    drawing = sketch().gateway("W", "event").flow("T", "W").end("E").catch_clock("C").user("T2", properties=PERSON)
    assert rules(whole(drawing.flow("W", "C", "E").flow("W", "T2", "E"))) == [("event-gateway", "T2")]


def test_a_clock_that_comes_back_to_the_main_way_doubles_the_task():
    assert rules(whole(straight().clock("B", "T").flow("B", "T"))) == [("clock-rejoins", "B")]


def test_a_boundary_event_sits_on_an_activity():
    drawing = straight().clock("B", "E").end("X", "escalation").flow("B", "X")
    assert ("boundary", "B") in rules(whole(drawing))


# ---- shapes, events, clocks ----------------------------------------------------------------------------------------


def test_a_script_task_is_refused():
    drawing = sketch().script("Auto", "x = 1").end("E").flow("T", "Auto", "E")
    assert rules(whole(drawing)) == [("script-task", "Auto")]


@pytest.mark.parametrize(
    "tag", ["manualTask", "task", "receiveTask", "complexGateway", "transaction", "adHocSubProcess", "dataObject"]
)
def test_a_shape_the_engine_does_not_run_is_refused(tag):
    drawing = (
        sketch().shape(tag, "Odd").end("E").flow("T", "Odd", "E")
        if tag != "dataObject"
        else straight().shape(tag, "Odd")
    )
    found = rules(whole(in_lanes(drawing) if tag != "dataObject" else in_lanes(drawing, "Odd")))
    assert found == [("not-run", "Odd")]


@pytest.mark.parametrize(
    ("definition", "rule"),
    [
        ("conditional", "conditional"),
        ("link", "link"),
        ("compensate", "compensation"),
        ("signal", "event-kind"),
        ("cancel", "event-kind"),
    ],
)
def test_an_event_the_engine_does_not_run_is_refused(definition, rule):
    drawing = sketch().shape("intermediateCatchEvent", "C", content=f'<bpmn:{definition}EventDefinition id="C_d"/>')
    assert rules(whole(drawing.end("E").flow("T", "C", "E"))) == [(rule, "C")]


def test_an_event_sub_process_is_refused():
    inner = Sketch("i").start("IS").end("IE").flow("IS", "IE")
    drawing = straight().shape("subProcess", "Sub", 'triggeredByEvent="true"', content="".join(inner._body()))
    assert ("event-sub-process", "Sub") in rules(whole(drawing))


def test_compensation_is_refused():
    drawing = (
        sketch().shape("userTask", "C", 'isForCompensation="true"', extension=_person()).end("E").flow("T", "C", "E")
    )
    assert rules(whole(drawing)) == [("compensation", "C")]


def test_a_loop_marker_is_refused():
    drawing = (
        sketch().user("L", properties=PERSON, loop="<bpmn:standardLoopCharacteristics/>").end("E").flow("T", "L", "E")
    )
    assert rules(whole(drawing)) == [("loop-marker", "L")]


def test_a_completion_condition_cannot_count_the_votes():
    drawing = sketch().user(
        "V", pre='signers = ["a", "b"]\nvotes = {}', properties=PERSON, loop=votes(condition="len(votes) > 1")
    )
    assert rules(whole(drawing.end("E").flow("T", "V", "E"))) == [("completion-condition", "V")]
    fine = sketch().user(
        "V", pre='signers = ["a", "b"]\nvotes = {}', properties=PERSON, loop=votes(condition='vote == "N"')
    )
    assert rules(whole(fine.end("E").flow("T", "V", "E"))) == []


def test_a_repeated_vote_begins_empty():
    drawing = sketch().user("V", pre='signers = ["a", "b"]', properties=PERSON, loop=votes())
    assert rules(whole(drawing.end("E").flow("T", "V", "E"))) == [("votes-not-emptied", "V")]


@pytest.mark.parametrize("kind", ["timeDuration", "timeCycle"])
def test_a_clock_that_counts_by_the_wall_is_refused(kind):
    drawing = straight().clock("B", "T").end("X", "escalation").flow("B", "X")
    file = spoiled(drawing, r"timeDate( [^>]*)>workdays\(10\)</bpmn:timeDate", rf'{kind}\1>"P3D"</bpmn:{kind}')
    assert rules(whole(file)) == [("timer-kind", "B")]


@pytest.mark.parametrize(
    "when",
    [
        "'2026-01-01'",
        '"P3D"',
        "workdays(0)",
        "workdays(-1)",
        "workdays()",
        "workdays(1, 2)",
        "amount",
        "workdays(99999)",
        "",
        "workdays(len(note))",
    ],
)
def test_a_clock_says_workdays_or_notice_end_and_nothing_else(when):
    drawing = straight().clock("B", "T", when).end("X", "escalation").flow("B", "X")
    assert [rule for rule, _ in rules(whole(drawing)) if rule != "no-value"] == ["timer-date"]


def test_a_lapsed_deadline_never_takes_the_task_away():
    drawing = straight().clock("B", "T", interrupting=True).end("X", "escalation").flow("B", "X")
    assert rules(whole(drawing)) == [("clock-interrupts", "B")]


def test_a_message_without_a_variable_loses_what_it_carries():
    drawing = sketch().catch_message("C", "told", "").end("E").flow("T", "C", "E")
    assert rules(whole(drawing)) == [("message-variable", "C")]


def test_one_message_waited_for_in_two_places_releases_both():
    drawing = sketch().catch_message("C", "told", "payload").catch_message("C2", "told", "payload").end("E")
    assert rules(whole(drawing.flow("T", "C", "C2", "E"))) == [("message-twice", "C2")]


def test_an_event_names_what_the_file_declares():
    drawing = sketch().catch_message("C", "told", "payload").end("E").flow("T", "C", "E")
    assert rules(whole(spoiled(drawing, 'messageRef="M_told"', 'messageRef="M_none"'))) == [("reference", "C")]


@pytest.mark.parametrize(
    "text",
    [
        "import os",
        "x.y = 1",
        "answer += 1",
        "len = 3",
        "_a = 1",
        "answer = open('x')",
        "for x in y:\n  pass",
        "True = 1",
        "answer == 1",
    ],
)
def test_a_script_that_is_more_than_assignments_is_refused(text):
    drawing = Sketch("p").start().user("T", post=text, properties=PERSON).end("E").flow("S", "T", "E")
    assert rules(whole(drawing)) == [("script", "T")]


def test_odd_taken_and_double_ids_are_refused():
    assert ("duplicate-id", "T") in rules(whole(spoiled(straight(), 'id="F1_p"', 'id="T"')))
    taken = Sketch("p").start("Start").user("T", properties=PERSON).end("E").flow("Start", "T", "E")
    assert rules(whole(taken)) == [("taken-id", "Start")]
    assert ("bad-id", "F1 p") in rules(whole(spoiled(straight(), 'id="F1_p"', 'id="F1 p"')))
    assert ("missing-id", "") in rules(whole(spoiled(straight(), ' id="F1_p"', "")))


def test_a_form_in_one_variable_is_refused():
    file = spoiled(
        straight(),
        "</spiffworkflow:properties>",
        "</spiffworkflow:properties><spiffworkflow:variableName>x</spiffworkflow:variableName>",
    )
    assert rules(whole(file)) == [("variable-name", "T")]


# ---- calls ---------------------------------------------------------------------------------------------------------


def calling(**call: str) -> Sketch:
    return sketch().call("A", "q", **call).end("E").flow("T", "A", "E")


def test_a_call_of_a_process_that_is_not_there_is_refused():
    assert rules(whole(calling())) == [("called-missing", "A")]


def test_a_process_that_comes_to_call_itself_is_refused():
    again = (
        Sketch("q")
        .start("Q_S")
        .user("Q_T", properties=OTHER)
        .call("Q_A", "p")
        .end("Q_E")
        .flow("Q_S", "Q_T", "Q_A", "Q_E")
    )
    assert rules(whole(calling(), again)) == [("call-recursion", "A"), ("call-recursion", "Q_A")]


def test_data_declared_on_the_call_would_lose_the_callers_other_data():
    drawing = (
        sketch()
        .shape("callActivity", "A", 'calledElement="q"', content="<bpmn:ioSpecification/>")
        .end("E")
        .flow("T", "A", "E")
    )
    assert rules(whole(drawing, called())) == [("call-data", "A")]


def test_an_output_is_set_on_every_way():
    lacking = (
        Sketch("q", inputs=("amount",), outputs=("answer",))
        .start("Q_S")
        .gateway("Q_G")
        .end("Q_E")
        .end("Q_E2")
        .flow("Q_S", "Q_G")
    )
    lacking.flow("Q_G", "Q_E", default=True).user("Q_T", post='answer = "X"', properties=OTHER)
    lacking.flow("Q_G", "Q_T", when="amount == 1").flow("Q_T", "Q_E2")
    assert rules(whole(calling(), lacking)) == [("output-not-set", "Q_E")]


def test_an_input_has_a_value_when_the_call_is_made():
    asking = (
        Sketch("q", inputs=("note",)).start("Q_S").user("Q_T", properties=OTHER).end("Q_E").flow("Q_S", "Q_T", "Q_E")
    )
    assert rules(whole(calling(), asking)) == [("no-value", "A")]
    assert rules(whole(sketch().call("A", "q", pre='note = "n"').end("E").flow("T", "A", "E"), asking)) == []


def test_an_error_nobody_catches_would_complete_the_case():
    drawing = (
        sketch()
        .shape("endEvent", "Err", content='<bpmn:errorEventDefinition id="Err_d" errorRef="X"/>')
        .flow("T", "Err")
    )
    file = spoiled(drawing, "<bpmn:process", '<bpmn:error id="X" errorCode="LOST"/><bpmn:process')
    assert rules(whole(file)) == [("uncaught-error", "Err")]


def test_two_drawings_of_one_process_share_no_id():
    again = Sketch("q").start("Q_S").user("T", properties=OTHER).end("Q_E").flow("Q_S", "T", "Q_E")
    assert rules(whole(calling(), again)) == [("duplicate-id", "T")]


# ---- people --------------------------------------------------------------------------------------------------------


def test_every_shape_stands_in_one_lane():
    assert rules(whole(in_lanes(straight(), "T"))) == [("no-lane", "T")]
    twice = straight()
    twice.lanes = {"镇级": ["S", "T", "E"], "县级": ["E"]}
    assert rules(whole(twice)) == [("two-lanes", "E")]


def test_a_person_s_task_in_no_lane_at_all_is_refused():
    drawing = straight()
    drawing.lanes = {"镇级": []}
    assert ("no-lane", "T") in rules(whole(drawing))
    assert [one.rule for one in check_file("p.bpmn", straight().xml())] == ["no-lane"]


def test_lanes_are_the_five_levels():
    drawing = straight()
    drawing.lanes = {"街道": ["S", "T", "E"]}
    assert rules(whole(drawing)) == [("unknown-lane", "L0_p")]


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"post": "NOBODY"}, "unknown-post"),
        ({"post": ""}, "unknown-post"),
        ({"post": "VIL_CLERK"}, "post-level"),
        ({"duty": "judge"}, "unknown-duty"),
        ({"form": "none"}, "form-missing"),
    ],
)
def test_a_task_names_its_post_duty_and_form(changed, rule):
    drawing = Sketch("p").start().user("T", properties=PERSON | changed).end("E").flow("S", "T", "E")
    assert rules(whole(drawing)) == [(rule, "T")]


def test_a_service_names_an_operator_of_the_house():
    drawing = sketch().service("A", "launch").end("E").flow("T", "A", "E")
    assert rules(whole(drawing)) == [("unknown-operator", "A")]
    odd = sketch().service("A", "write_ledger", {"benefit": "open('x')"}).end("E").flow("T", "A", "E")
    assert rules(whole(odd)) == [("condition", "A")]


# ---- names and values ----------------------------------------------------------------------------------------------


def test_a_name_nobody_declared_is_refused():
    assert rules(whole(decided('secret == "X"'))) == [("undeclared", "F2_p")]


def test_a_reserved_name_is_refused():
    assert ("reserved-name", "F2_p") in rules(whole(decided("dmninputexpr == 5")))


def test_a_field_that_may_stay_empty_has_no_sure_value():
    assert rules(whole(decided('note == "X"'))) == [("no-value", "F2_p")]


def test_an_answer_promised_for_a_return_has_no_value_elsewhere():
    assert rules(whole(decided('back_to == "X"'))) == [("no-value", "F2_p")]


def test_a_value_set_on_one_way_only_is_not_sure_where_the_ways_meet():
    drawing = sketch().gateway("G").flow("T", "G").gateway("M").user("A", post='answer = "X"', properties=PERSON)
    drawing.flow("G", "A", when="amount == 1").flow("A", "M").flow("G", "M", default=True)
    drawing.gateway("H").flow("M", "H").end("E").end("E2").flow("H", "E", default=True).flow(
        "H", "E2", when='answer == "X"'
    )
    assert [rule for rule, _ in rules(whole(drawing))] == ["no-value"]


def test_what_a_task_forgets_when_it_opens_again_has_no_value_beside_its_clock():
    drawing = straight().clock("B", "T").gateway("G").flow("B", "G").end("X", "escalation").end("X2", "escalation")
    drawing.flow("G", "X", default=True).flow("G", "X2", when='outcome == "AGREE"')
    assert [rule for rule, _ in rules(whole(drawing))] == ["no-value"]


# ---- tables --------------------------------------------------------------------------------------------------------


def ruled(judge: bytes) -> Bundle:
    return whole(sketch().rule("D", "judge").end("E").flow("T", "D", "E"), judge__dmn=judge)


CITED = "| 粤发〔2016〕13号 §9"


@pytest.mark.parametrize(
    ("judge", "expected"),
    [
        (JUDGE, []),
        (table("- -> 1"), [("no-citation", "r0")]),
        (table(f">= 5 -> 1 {CITED}"), [("no-last-row", "r0")]),
        (table(f">= 5 -> 1 {CITED}", policy="COLLECT"), [("no-last-row", "r0")]),
        (table(f">= 5 -> 1 {CITED}", policy="UNIQUE"), []),
        (table(f"- -> hidden {CITED}"), [("undeclared", "r0")]),
        (table(f"- -> 1 {CITED}", output="hidden"), [("undeclared", "judge")]),
        (table(f"- -> 1 {CITED}", column="hidden"), [("undeclared", "judge")]),
        (table(f"- -> note {CITED}"), [("no-value", "D")]),
    ],
)
def test_a_table_cites_answers_and_asks_only_what_is_declared(judge, expected):
    assert rules(ruled(judge)) == expected


@pytest.mark.parametrize("policy", ["ANY", "PRIORITY", "RULE ORDER", "OUTPUT ORDER", "first"])
def test_a_hit_policy_that_would_not_run_as_it_says_is_refused(policy):
    assert [one.rule for one in check_file("judge.dmn", table(f"- -> 1 {CITED}", policy=policy))] == ["hit-policy"]


def test_aggregation_is_refused():
    found = check_file("judge.dmn", table(f"- -> 1 {CITED}", policy="COLLECT", more=' aggregation="SUM"'))
    assert [one.rule for one in found] == ["hit-policy"]


@pytest.mark.parametrize("cell", ["[100..200]", "open('x')", "?.x", "amount / 2", "lambda: 1"])
def test_a_cell_outside_the_language_is_refused_with_its_row(cell):
    found = check_file("judge.dmn", table(f"- -> 1 {CITED}", f"{cell} -> 1 {CITED}"))
    assert [(one.rule, one.line) for one in found] == [("cell", 7)]


def test_a_rule_task_names_a_table():
    assert rules(whole(sketch().rule("D", "nothing").end("E").flow("T", "D", "E"))) == [("decision-missing", "D")]


# ---- files ---------------------------------------------------------------------------------------------------------


def test_a_document_type_is_refused_even_where_it_does_no_harm():
    file = straight().xml().replace(b"<bpmn:definitions", b"<!DOCTYPE x>\n<bpmn:definitions", 1)
    assert [(one.rule, one.line) for one in check_file("p.bpmn", file)] == [("doctype", 1)]


def test_a_file_over_a_megabyte_is_refused():
    assert [one.rule for one in check_file("p.bpmn", b" " * 1_000_001)] == ["too-large"]


def test_a_drawing_of_more_shapes_than_anybody_reads_is_refused():
    drawing = sketch()
    for number in range(700):
        drawing.user(f"T{number}", properties=PERSON)
    assert [one.rule for one in check_file("p.bpmn", drawing.xml())] == ["too-large"]


def _person() -> str:
    inner = "".join(f'<spiffworkflow:property name="{name}" value="{value}"/>' for name, value in PERSON.items())
    return f"<spiffworkflow:properties>{inner}</spiffworkflow:properties>"
