"""A case's process in one verb's hands: what it shows, what moves it, and what it refuses."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from sketch import Sketch, bundle, votes

from engine.errors import BadDefinition, EngineError, Invalid, Message, NotOpen
from engine.people.levels import Level
from engine.runtime import Definition, Execution, ServiceCall, Surroundings, definition_for, hot_state

KEY = b"a key for tests, 32 bytes long!!"
NOW = datetime(2026, 11, 24, 1, tzinfo=UTC)
ROUTE = b"""<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="D" name="route" namespace="urn:test">
<decision id="route" name="Route"><decisionTable id="route_table" hitPolicy="FIRST">
<input id="i1" label="Aid"><inputExpression id="e1" typeRef="integer"><text>aid_fen</text></inputExpression></input>
<output id="o1" label="Way" name="way" typeRef="string"/>
<rule id="small"><description>DOMAIN.md C3</description><inputEntry id="c1"><text>&lt; 1000</text></inputEntry>
<outputEntry id="r1"><text>"SIMPLE"</text></outputEntry></rule>
<rule id="rest"><description>DOMAIN.md C3</description><inputEntry id="c2"><text>-</text></inputEntry>
<outputEntry id="r2"><text>"NOTICE"</text></outputEntry></rule>
</decisionTable></decision></definitions>"""


def days_from(moment: datetime) -> Surroundings:
    return Surroundings(
        moment, workdays=lambda n: moment + timedelta(days=n), notice_end=lambda n: moment + timedelta(days=n)
    )


SURROUNDINGS = days_from(NOW)


def approval() -> Definition:
    """Village and township with a clock each, a return, a withdrawal that waits, and a notice in a called process without lanes."""
    notice = Sketch("notice", inputs=("notice_days",), outputs=("notice_result",))
    notice.start("NS").user("N_post").gateway("N_g", "event").catch_clock("N_over", "notice_end(notice_days)")
    notice.catch_message("N_objection", "objection", "objection").script("N_clear", 'notice_result = "CLEAR"')
    notice.script("N_upheld", 'notice_result = "UPHELD"').end("N_end1").end("N_end2")
    notice.flow("NS", "N_post", "N_g", "N_over", "N_clear", "N_end1").flow("N_g", "N_objection", "N_upheld", "N_end2")
    main = Sketch(
        "approval",
        lanes={"村级": ["S", "T_apply", "G_open"], "镇级": ["T_review", "A_notice", "G"], "县级": ["E_done"]},
    )
    main.start().gateway("G_open", "parallel").catch_message("E_withdraw", "withdraw", "withdrawal").end(
        "E_gone", "terminate"
    )
    main.user("T_apply", properties={"post": "VIL_CLERK", "duty": "survey"}).clock(
        "B_apply", "T_apply", "workdays(5)"
    ).end("X_apply", "escalation")
    main.call("A_notice", "notice", pre="notice_days = 7").user("T_review").clock("B_review", "T_review").end(
        "X_review", "escalation"
    )
    main.gateway("G").end("E_done", "terminate")
    main.flow("S", "G_open", "T_apply", "A_notice", "T_review", "G").flow("G_open", "E_withdraw", "E_gone")
    main.flow("B_apply", "X_apply").flow("B_review", "X_review")
    main.flow("G", "T_apply", when='outcome == "RETURN"').flow("G", "E_done", default=True)
    return Definition.read(bundle(main, notice))


APPROVAL = approval()


def begin(definition: Definition = APPROVAL, **data: object) -> Execution:
    return Execution.start(definition, data, SURROUNDINGS)


def again(execution: Execution, surroundings: Surroundings = SURROUNDINGS) -> Execution:
    return Execution.restore(execution.definition, execution.store(KEY), surroundings, key=KEY)


def task(execution: Execution, element_id: str) -> str:
    return next(one.ref for one in execution.tasks if one.element_id == element_id)


def wait(execution: Execution, element_id: str) -> str:
    return next(one.ref for one in execution.waits if one.element_id == element_id)


def told(execution: Execution) -> list[tuple[str, str]]:
    return [(step.kind, step.element_id) for step in execution.steps]


def test_a_case_opens_its_first_step_with_its_lane_its_properties_and_its_clock():
    execution = begin(amount=7)
    (first,) = execution.tasks
    assert (first.element_id, first.level) == ("T_apply", Level.VILLAGE)
    assert first.properties == {"post": "VIL_CLERK", "duty": "survey"}
    assert first.data == {"amount": 7}
    clock = next(one for one in execution.waits if one.element_id == "B_apply")
    assert (clock.kind, clock.due_at, clock.limit_days, clock.attached_ref) == (
        "timer",
        NOW + timedelta(days=5),
        5,
        first.ref,
    )
    withdrawal = next(one for one in execution.waits if one.element_id == "E_withdraw")
    assert (withdrawal.kind, withdrawal.message, withdrawal.due_at) == ("message", "withdraw", None)
    assert told(execution) == [("event", "S"), ("gateway", "G_open")]
    assert execution.steps[1].taken == ("T_apply", "E_withdraw")


def test_a_step_of_a_called_process_without_lanes_belongs_to_the_level_of_the_call():
    execution = begin()
    execution.complete(task(execution, "T_apply"), {})
    assert [(one.element_id, one.level) for one in again(execution).tasks] == [("N_post", Level.TOWNSHIP)]


def test_only_the_declared_inputs_go_into_a_call_and_only_the_outputs_come_back():
    execution = begin(secret="x")
    execution.complete(task(execution, "T_apply"), {})
    inside = task(execution, "N_post")
    assert execution.data_of(inside) == {"notice_days": 7}
    execution.complete(inside, {"photo": "p"})
    execution = again(execution)
    execution.fire(wait(execution, "N_over"))
    assert execution.data == {"secret": "x", "notice_days": 7, "notice_result": "CLEAR"}


def test_a_choice_of_events_names_each_event_and_the_first_one_closes_the_others():
    execution = begin()
    execution.complete(task(execution, "T_apply"), {})
    execution.complete(task(execution, "N_post"), {})
    execution = again(execution)
    kinds = {one.element_id: (one.kind, one.message, one.due_at) for one in execution.waits}
    assert kinds["N_over"] == ("timer", None, NOW + timedelta(days=7))
    assert kinds["N_objection"] == ("message", "objection", None)
    assert len({one.ref for one in execution.waits}) == len(execution.waits)
    execution.send("objection", {"text": "他家有车"})
    assert [one.element_id for one in execution.waits if one.element_id.startswith("N_")] == []
    assert execution.data["notice_result"] == "UPHELD"


def test_a_case_goes_to_its_end_and_says_which_one():
    execution = begin()
    for element in ("T_apply", "N_post"):
        execution.complete(task(execution, element), {})
    execution.fire(wait(execution, "N_over"))
    execution.complete(task(execution, "T_review"), {"outcome": "AGREE"})
    assert execution.is_finished
    assert execution.ended_by == "E_done"
    assert execution.tasks == execution.waits == ()
    assert told(execution)[-2:] == [("gateway", "G"), ("end", "E_done")]
    finished = again(execution)
    assert (finished.is_finished, finished.ended_by, finished.data) == (True, "E_done", execution.data)
    assert len(finished.store(KEY)) < 400


def test_a_withdrawal_ends_the_case_in_the_middle_of_a_call():
    execution = begin()
    execution.complete(task(execution, "T_apply"), {})
    execution = again(execution)
    execution.send("withdraw", {"reason": "r"})
    assert (execution.is_finished, execution.ended_by, execution.tasks) == (True, "E_gone", ())


# Completing


def test_a_second_completion_of_the_same_step_is_refused_and_changes_nothing():
    execution = begin()
    first = task(execution, "T_apply")
    execution.complete(first, {"a": 1})
    before = execution.marking()
    with pytest.raises(NotOpen):
        execution.complete(first, {"a": 2})
    with pytest.raises(NotOpen):
        again(execution).complete(first, {"a": 2})
    assert execution.marking() == before


@pytest.mark.parametrize("ref", ["", "0", "1", "999", "x", "-1"])
def test_an_unknown_ref_is_not_open(ref):
    execution = begin()
    with pytest.raises(NotOpen):
        execution.complete(ref, {})
    with pytest.raises(NotOpen):
        execution.fire(ref)


def test_a_clock_cannot_be_completed_and_a_step_cannot_be_fired():
    execution = begin()
    with pytest.raises(NotOpen):
        execution.complete(wait(execution, "B_apply"), {})
    with pytest.raises(NotOpen):
        execution.fire(task(execution, "T_apply"))


def test_a_message_nobody_waits_for_is_refused():
    with pytest.raises(NotOpen):
        begin().send("objection", {})


@pytest.mark.parametrize(
    "value",
    [1.5, float("nan"), {1: "x"}, b"x", "\ud800", 10**19, {"a": {"b": [0.1]}}, object()],
    ids=lambda value: ascii(value)[:20],
)
def test_a_value_that_storage_could_not_give_back_is_refused_and_the_case_goes_on(value):
    execution = begin()
    with pytest.raises(Invalid):
        execution.complete(task(execution, "T_apply"), {"field": value})
    with pytest.raises(Invalid):
        begin(field=value)
    execution.complete(task(execution, "T_apply"), {"field": "x"})


def test_values_come_back_from_storage_exactly_as_they_went_in():
    data = {
        "t": True,
        "one": 1,
        "none": None,
        "text": "张三 \x00\u2028\"'",
        "list": [1, True, [None, {}], []],
        "deep": {"k": {"l": [0, False]}},
        "big": 10**18,
    }
    execution = again(begin(**data))
    assert repr(dict(execution.data)) == repr(data)
    execution.complete(task(execution, "T_apply"), {"one": True, "t": 1})
    after = again(again(execution)).data
    assert (after["one"], after["t"]) == (True, 1)
    assert (type(after["one"]), type(after["t"])) == (bool, int)


def test_what_a_caller_does_with_its_data_afterwards_does_not_reach_the_case():
    mine = {"list": [1]}
    execution = Execution.start(APPROVAL, mine, SURROUNDINGS)
    mine["list"].append(2)
    execution.data["list"].append(3)
    execution.tasks[0].data["list"].append(4)
    assert execution.data == {"list": [1]}


# Clocks


def test_no_clock_rings_by_itself_however_late_it_is():
    late = days_from(NOW - timedelta(days=10_000))
    execution = Execution.start(APPROVAL, {}, late)
    due = {one.element_id: one.due_at for one in execution.waits}
    assert due["B_apply"] == NOW - timedelta(days=9_995)
    for _ in range(3):
        execution = again(execution, days_from(NOW + timedelta(days=10_000)))
    assert {one.element_id: one.due_at for one in execution.waits} == due
    execution.complete(task(execution, "T_apply"), {})
    assert [step for step in execution.steps if step.element_id == "B_apply"] == []


def test_a_clock_rings_once_and_leaves_its_mark_while_the_step_stays_open():
    execution = begin()
    clock = wait(execution, "B_apply")
    execution.fire(clock)
    assert told(execution)[-2:] == [("event", "B_apply"), ("escalation", "X_apply")]
    execution = again(execution)
    assert [one.element_id for one in execution.tasks] == ["T_apply"]
    with pytest.raises(NotOpen):
        execution.fire(clock)


def test_a_clock_that_gives_no_moment_with_a_zone_is_an_error_of_its_shape():
    naive = Surroundings(NOW, workdays=lambda _: datetime(2026, 12, 1))  # noqa: DTZ001  (that is the point)
    with pytest.raises(EngineError) as caught:
        Execution.start(APPROVAL, {}, naive)
    assert caught.value.element_id == "B_apply"


def loop() -> Definition:
    sketch = Sketch("loop")
    sketch.start().user("T").clock("B", "T").end("X", "escalation").gateway("G").end("E", "terminate")
    sketch.flow("S", "T", "G").flow("B", "X").flow("G", "T", when='outcome == "RETURN"').flow("G", "E", default=True)
    return Definition.read(bundle(sketch))


def test_a_return_loop_with_clocks_goes_on_past_a_thousand_rounds_and_stays_small():
    execution = begin(loop())
    sizes = []
    for number in range(1_200):
        execution.fire(wait(execution, "B"))
        execution.complete(task(execution, "T"), {"outcome": "RETURN", "round": number})
        assert not execution.is_finished
        execution = again(execution)
        sizes.append(len(execution.store(KEY)))
    assert max(sizes) < 600
    assert max(sizes) - min(sizes[10:]) < 40
    execution.complete(task(execution, "T"), {"outcome": "AGREE"})
    assert execution.ended_by == "E"


def test_a_loop_within_one_verb_stays_small_as_well():
    execution = begin(loop())
    for number in range(1_000):
        execution.complete(task(execution, "T"), {"outcome": "RETURN", "round": number})
    assert len(execution.store(KEY)) < 600


# Storage


def test_any_changed_byte_of_a_stored_state_is_noticed():
    state = begin(name="张三").store(KEY)
    for position in range(len(state)):
        damaged = bytearray(state)
        damaged[position] ^= 1
        with pytest.raises(EngineError):
            Execution.restore(APPROVAL, bytes(damaged), SURROUNDINGS, key=KEY)


@pytest.mark.parametrize("cut", [0, 1, 3, 40, 70, -1])
def test_a_cut_state_is_noticed(cut):
    with pytest.raises(EngineError):
        Execution.restore(APPROVAL, begin().store(KEY)[:cut], SURROUNDINGS, key=KEY)


def test_a_state_sealed_with_another_key_is_refused():
    with pytest.raises(EngineError, match="MAC"):
        Execution.restore(APPROVAL, begin().store(KEY), SURROUNDINGS, key=b"another key")


def test_an_unknown_format_is_refused_even_with_a_right_mac():
    state = begin().store(KEY)
    head, body = state[:3] + b"\x63" + state[4:36], state[68:]
    forged = head + hmac.digest(KEY, head + body, hashlib.sha256) + body
    with pytest.raises(EngineError, match="format 99"):
        Execution.restore(APPROVAL, forged, SURROUNDINGS, key=KEY)


def test_another_versions_state_is_refused():
    with pytest.raises(EngineError, match="definition"):
        Execution.restore(loop(), begin().store(KEY), SURROUNDINGS, key=KEY)


def test_a_state_with_a_fraction_or_with_nonsense_in_it_is_refused_even_with_a_right_mac():
    content = hot_state.unseal(APPROVAL, begin(a=1).store(KEY), KEY)
    content[3]["a"] = 0.5
    with pytest.raises(EngineError, match=r"0\.5"):
        Execution.restore(APPROVAL, hot_state.seal(APPROVAL, content, KEY), SURROUNDINGS, key=KEY)
    for nonsense in ([], {}, [1, 2, None, {}, [["approval"]]], [1, 2, None, {}, [["os", 0, 0, 0, {}, {}, []]]]):
        with pytest.raises(EngineError):
            Execution.restore(APPROVAL, hot_state.seal(APPROVAL, nonsense, KEY), SURROUNDINGS, key=KEY)


def test_the_stored_state_holds_no_part_of_the_drawing():
    text = begin(amount=1).store(KEY)[68:].decode()
    assert "T_apply" not in text
    assert "workdays" not in text
    assert "RETURN" not in text
    assert json.loads(text)


def test_the_same_steps_give_the_same_refs_the_same_bytes_and_the_same_marking():
    def run(*, stored: bool) -> list[object]:
        execution, seen = begin(a=1), []
        for element in ("T_apply", "N_post", None, "T_review", "T_apply"):
            if element is None:
                execution.fire(wait(execution, "N_over"))
            else:
                execution.complete(task(execution, element), {"outcome": "RETURN"})
            if stored:
                execution = again(execution)
            seen.append(([one.ref for one in execution.tasks], execution.marking()))
        return [seen, execution.store(KEY)]

    assert run(stored=False) == run(stored=False)
    assert run(stored=True) == run(stored=True)
    assert run(stored=True)[0] == run(stored=False)[0]


def test_the_marking_tells_the_place_and_not_the_way():
    straight, around = begin(loop(), outcome="RETURN"), begin(loop(), outcome="RETURN")
    around.complete(task(around, "T"), {"outcome": "RETURN"})
    assert straight.tasks[0].ref != around.tasks[0].ref
    assert straight.marking() == around.marking() == again(around).marking()


def test_the_marking_moves_with_the_data_the_clock_and_the_wait():
    execution = begin(a=1)
    markings = {execution.marking(), begin(a=2).marking(), begin(a=True).marking(), begin(a="1").marking()}
    markings.add(Execution.start(APPROVAL, {"a": 1}, days_from(NOW + timedelta(days=1))).marking())
    execution.fire(wait(execution, "B_apply"))
    markings.add(execution.marking())
    assert len(markings) == 6
    assert all(len(marking) == 64 for marking in markings)


def test_two_cases_of_one_definition_do_not_see_each_other():
    one, two = begin(who=1), begin(who=2)
    one.complete(task(one, "T_apply"), {"a": 1})
    two.complete(task(two, "T_apply"), {"a": 2})
    assert (one.data["who"], two.data["who"], one.data["a"], two.data["a"]) == (1, 2, 1, 2)
    one.send("withdraw", {})
    assert [element.element_id for element in two.tasks] == ["N_post"]


# Services, decisions and errors


def serving(operator: str, answer: object) -> Surroundings:
    return Surroundings(NOW, services={operator: lambda _: answer})


def checked() -> Definition:
    sketch = Sketch("checked")
    sketch.start().service("T_check", "cross_check", {"checks": "'X01 X03'", "amount": "amount + 1"}).rule(
        "T_route", "route"
    )
    sketch.user("T").end("E").flow("S", "T_check", "T_route", "T", "E")
    return Definition.read(bundle(sketch, **{"route.dmn": ROUTE}))


def test_a_service_is_asked_with_its_parameters_and_its_answer_is_merged_and_told():
    asked: list[ServiceCall] = []

    def answer(call: ServiceCall) -> dict[str, object]:
        asked.append(call)
        return {"aid_fen": 100}

    execution = Execution.start(checked(), {"amount": 4}, Surroundings(NOW, services={"cross_check": answer}))
    assert [(call.operator, call.element_id, call.parameters, call.data) for call in asked] == [
        ("cross_check", "T_check", {"checks": "X01 X03", "amount": 5}, {"amount": 4})
    ]
    service, decision = execution.steps[1:3]
    assert (service.kind, service.result) == (
        "service",
        {"aid_fen": 100},
    )
    assert (decision.kind, decision.decision.table) == ("decision", "route")
    assert [(hit.number, hit.id, hit.citation) for hit in decision.decision.hits] == [(1, "small", "DOMAIN.md C3")]
    assert execution.data == {"amount": 4, "aid_fen": 100, "way": "SIMPLE"}


@pytest.mark.parametrize(
    ("surroundings", "element"),
    [
        (Surroundings(NOW), "T_check"),
        (serving("cross_check", {"aid_fen": 0.5}), "T_check"),
        (serving("cross_check", {}), "T_route"),
    ],
    ids=["nobody answers", "a fraction is answered", "a table misses a value"],
)
def test_an_accident_names_its_shape(surroundings, element):
    with pytest.raises(EngineError) as caught:
        Execution.start(checked(), {"amount": 1}, surroundings)
    assert caught.value.element_id == element


def test_an_accident_in_a_gateway_names_it_and_the_execution_cannot_go_on_half_done():
    execution = begin(loop())
    first = task(execution, "T")
    with pytest.raises(EngineError, match="outcome") as caught:
        execution.complete(first, {})
    assert caught.value.element_id == "G"
    for attempt in (
        lambda: execution.store(KEY),
        lambda: execution.complete(first, {"outcome": "AGREE"}),
        lambda: execution.fire("1"),
    ):
        with pytest.raises(EngineError, match="failed"):
            attempt()


def test_a_refusal_by_a_service_goes_through_as_it_is():
    def refuse(_: ServiceCall) -> dict[str, object]:
        raise Invalid(Message("不", "No"))

    with pytest.raises(Invalid):
        Execution.start(checked(), {"amount": 1}, Surroundings(NOW, services={"cross_check": refuse}))


def test_a_drawing_that_runs_in_circles_is_stopped():
    sketch = Sketch("circle")
    sketch.start().gateway("G").script("A", "n = n + 1").gateway("H").end("E")
    sketch.flow("S", "G", "A", "H").flow("H", "G", when="n > 0").flow("H", "E", default=True)
    with pytest.raises(EngineError, match="circles"):
        begin(Definition.read(bundle(sketch)), n=1)


def test_a_process_that_calls_itself_is_stopped():
    sketch = Sketch("mirror")
    sketch.start().call("A", "mirror").end("E").flow("S", "A", "E")
    with pytest.raises(EngineError, match="call itself"):
        begin(Definition.read(bundle(sketch)))


def test_a_step_that_a_neighbour_has_cancelled_does_not_run():
    sketch = Sketch("race")
    sketch.start().user("T").gateway("G", "parallel").end("E_stop", "terminate").service("A", "write_ledger").end("E")
    sketch.flow("S", "T", "G").flow("G", "E_stop").flow("G", "A", "E")
    execution = begin(Definition.read(bundle(sketch)))
    execution.complete(task(execution, "T"), {})
    assert (execution.ended_by, told(execution)[-1]) == ("E_stop", ("end", "E_stop"))


def test_a_repeated_call_can_be_interrupted():
    inner = Sketch("visit", inputs=("signer",), outputs=("vote",)).start("VS").user("V").end("VE").flow("VS", "V", "VE")
    main = Sketch("main")
    main.start().call("A", "visit", loop=votes(), pre="votes = []").clock("B", "A", interrupting=True).user(
        "T_late"
    ).user("T").end("E").end("E2")
    main.flow("S", "A", "T", "E").flow("B", "T_late", "E2")
    execution = begin(Definition.read(bundle(main, inner)), signers=["a", "b"])
    execution.complete(execution.tasks[0].ref, {"vote": "Y"})
    execution = again(execution)
    execution.fire(wait(execution, "B"))
    execution = again(execution)
    assert [one.element_id for one in execution.tasks] == ["T_late"]
    execution.complete(execution.tasks[0].ref, {})
    assert execution.ended_by == "E2"


def test_votes_over_a_dictionary_and_over_a_list_come_back_with_text_keys():
    for items, empty, expected in (
        ("heads", "{}", {"x": "Y", "y": "N"}),
        ("signers", "{}", {"0": "Y", "1": "N"}),
        ("signers", "[]", ["Y", "N"]),
    ):
        sketch = Sketch("voting").start().user("T", pre=f"votes = {empty}", loop=votes(items=items)).user("T2").end("E")
        execution = begin(
            Definition.read(bundle(sketch.flow("S", "T", "T2", "E"))), signers=["a", "b"], heads={"x": "a", "y": "b"}
        )
        for vote in ("Y", "N"):
            execution.complete(execution.tasks[0].ref, {"vote": vote})
            execution = again(execution)
        assert execution.data["votes"] == expected


# Definitions


def form_files(**forms: dict[str, object]) -> dict[str, bytes]:
    fields = {
        "outcome": {
            "type": "choice",
            "zh": "意见",
            "en": "outcome",
            "from": "form",
            "choices": [{"value": v, "zh": v, "en": v} for v in ("AGREE", "RETURN")],
        }
    }
    files = {"formed.dictionary.json": json.dumps({"process": "formed", "fields": fields}).encode()}
    schema = {
        "type": "object",
        "properties": {"outcome": {"type": "string"}},
        "additionalProperties": False,
        "required": ["outcome"],
    }
    outcome = {
        "field": "outcome",
        "choices": [
            {"value": v, "zh": v, "en": v, "line": {"zh": v, "en": v}, "tone": "positive", "needs_opinion": False}
            for v in ("AGREE", "RETURN")
        ],
    }
    content = {"title": {"zh": "审", "en": "review"}, "schema": schema, "ui": {"sections": []}, "outcome": outcome}
    return files | {"forms/formed/review.json": json.dumps(content).encode()}


def formed() -> Definition:
    sketch = Sketch("formed").start().user("T", properties={"form": "review"}).gateway("G").end("E")
    sketch.flow("S", "T", "G").flow("G", "T", when='outcome == "RETURN"').flow("G", "E", default=True)
    return Definition.read(bundle(sketch, **form_files()))


def test_a_step_forgets_its_last_answer_when_it_opens_again():
    execution = begin(formed())
    execution.complete(task(execution, "T"), {"outcome": "RETURN"})
    execution = again(execution)
    assert "outcome" not in execution.data_of(task(execution, "T"))
    with pytest.raises(EngineError, match="outcome"):
        execution.complete(task(execution, "T"), {})


def test_undeclared_names_are_refused_before_the_process_sees_them():
    execution = begin(formed())
    for name in ("approved", "typename", "__builtins__", "len", "dmninputexpr"):
        with pytest.raises(Invalid) as caught:
            execution.complete(task(execution, "T"), {"outcome": "AGREE", name: True})
        assert list(caught.value.fields) == [name]
    execution.complete(task(execution, "T"), {"outcome": "AGREE"})


def test_a_step_may_not_name_a_form_or_a_decision_that_is_not_there():
    sketch = (
        Sketch("lost")
        .start()
        .user("T", properties={"form": "nowhere"})
        .rule("R", "nothing")
        .end("E")
        .flow("S", "T", "R", "E")
    )
    with pytest.raises(BadDefinition) as caught:
        Definition.read(bundle(sketch))
    assert {(finding.element, finding.rule) for finding in caught.value.findings} == {
        ("T", "form-missing"),
        ("R", "decision-missing"),
    }


@pytest.mark.parametrize("name", ["End", "Start", "Root", "T.BoundaryEventSplit"])
def test_an_id_the_library_keeps_for_itself_is_refused(name):
    sketch = Sketch("taken").start().end(name).flow("S", name)
    with pytest.raises(BadDefinition, match=r"taken by the engine"):
        Definition.read(bundle(sketch))


@pytest.mark.parametrize(
    "damage",
    [
        lambda xml: xml.replace(b"<bpmn:process", b"<bpmn:proces", 1),
        lambda xml: b'<!DOCTYPE x [<!ENTITY a "b">]>' + xml.split(b"?>", 1)[1],
        lambda xml: xml.replace(b"timeDate", b"timeDuration"),
        lambda xml: xml.replace(b'targetRef="T"', b'targetRef="nowhere"'),
        lambda _: b"",
    ],
    ids=["not well-formed", "doctype", "duration", "dangling flow", "empty"],
)
def test_a_drawing_that_cannot_be_read_is_refused(damage):
    good = loop().bundle
    with pytest.raises(BadDefinition):
        Definition.read(type(good)("loop", {"loop.bpmn": damage(good.files["loop.bpmn"])}))


def test_a_definition_is_parsed_once_and_never_under_another_digest():
    good = loop().bundle
    first = definition_for(good.digest, lambda: good)
    assert definition_for(good.digest, lambda: pytest.fail("parsed twice")) is first
    with pytest.raises(ValueError, match="Expected the definition"):
        definition_for("0" * 64, lambda: good)
