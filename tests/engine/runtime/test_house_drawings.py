"""Every process in workflows/, as it is deployed, against plain SpiffWorkflow: random answers, clocks and messages, all the way.

A process is found by its data dictionary, so a new one is compared from the day it is drawn. Plain runs the same tables with the
library's own DMN reader; only the functions of the house and the answers of its services are lent to both.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from plain_spiffworkflow import FAR, Plain, open_tasks, parsed, shape, snapshot, waits
from SpiffWorkflow.bpmn.script_engine import TaskDataEnvironment
from SpiffWorkflow.bpmn.specs.event_definitions.timer import TimerEventDefinition

from engine.errors import EngineError
from engine.money import half_up
from engine.runtime import Bundle, Definition, Execution, Surroundings

WORKFLOWS = Path(__file__).resolve().parents[3] / "workflows"
PROCESSES = sorted(path.name.removesuffix(".dictionary.json") for path in WORKFLOWS.glob("*.dictionary.json"))
KEY = b"a key for tests, 32 bytes long!!"
NOW = datetime(2026, 11, 24, 1, tzinfo=UTC)
YEAR, COUNTY = 2026, "441424"


LIKELY: dict[str, dict[str, Any]] = {
    # Answers with which a claim gets all the way to the province; without them nearly every walk ends at the township.
    "medical_assistance": {
        "settlement_duplicate": False,
        "admitted_on": "2026-01-02",
        "discharged_on": "2026-02-03",
        "excluded_cause": "NONE",
        "id_valid": True,
        "patient_alive": True,
        "insured": True,
        "economic_finding": "LOW",
        "receive_outcome": "ACCEPT",
        "total_fen": 9_000_000,
        "noncompliant_fen": 0,
        "basic_paid_fen": 1_000_000,
        "serious_paid_fen": 0,
        "other_paid_fen": 0,
        "paid_this_year_fen": 0,
    },
}


class House:
    """What the house lends to both: policy numbers, and services that answer the same for the same question."""

    def __init__(self, definition: Definition, seed: str) -> None:
        self.definition = definition
        self.seed = seed
        self.asked = 0

    def parameter(self, name: str, *keys: Any) -> Any:
        return self.definition.parameters.lookup(name, *keys, year=YEAR, county=COUNTY)

    def answer(self, operator: str) -> dict[str, Any]:
        self.asked += 1
        rng = random.Random(f"{self.seed}/{operator}/{self.asked}")
        fields = self.definition.dictionary.fields
        answered = {name: made_up(rng, entry) for name, entry in fields.items() if entry.get("from") == "service"}
        return likely(rng, self.definition, answered)


class PlainHouse(TaskDataEnvironment):
    """The library's own environment with the functions and services of the house."""

    def __init__(self, house: House) -> None:
        far = {"workdays": lambda _: FAR, "notice_end": lambda _: FAR}
        super().__init__({**far, "half_up": half_up, "parameter": house.parameter})
        self.house = house

    def call_service(self, context: dict[str, Any], **asked: Any) -> str:
        context.update(self.house.answer(asked["operation_name"]))
        return "null"


def made_up(rng: random.Random, entry: dict[str, Any]) -> Any:  # noqa: PLR0911  (one answer per type)
    """Make up a value of a dictionary entry's type."""
    kind = entry["type"]
    if "choices" in entry:
        values = [choice["value"] for choice in entry["choices"]]
        return rng.sample(values, rng.randint(0, len(values))) if kind == "choices" else rng.choice(values)
    if kind == "choices":
        return []
    if kind == "boolean":
        return rng.random() < 0.6
    if kind == "money":
        return rng.choice([0, rng.randrange(10**5), rng.randrange(10**6), rng.randrange(10**7)])
    if kind == "integer":
        return rng.randint(0, 9)
    if kind == "date":
        return f"2026-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
    return f"{rng.randrange(10**6)}"


def likely(rng: random.Random, definition: Definition, data: dict[str, Any]) -> dict[str, Any]:
    """Make the answers of most walks likely ones."""
    if rng.random() < 0.9:
        data |= {name: value for name, value in LIKELY.get(definition.process_id, {}).items() if name in data}
    return data


def answers(rng: random.Random, definition: Definition, task: Any) -> dict[str, Any]:
    """Make up what the form of a step gives."""
    form = definition.forms[definition.elements[shape(task)].properties["form"]]
    given = {name: made_up(rng, definition.dictionary.fields[name]) for name in form.fields}
    given = likely(rng, definition, given)
    if form.outcome is not None and (
        form.outcome.field not in LIKELY.get(definition.process_id, {}) or rng.random() < 0.2
    ):
        # Mostly onwards, so that walks get far; but every answer has its turn.
        values = [choice.value for choice in form.outcome.choices]
        given[form.outcome.field] = values[0] if rng.random() < 0.6 else rng.choice(values)
    return given


def forget(definition: Definition, plain: Plain, seen: set[Any]) -> None:
    """Let plain forget a step's last answers when it opens again, as our engine does (BPMN.md A9)."""
    for task in open_tasks(plain.tree):
        if task.id not in seen:
            seen.add(task.id)
            for name in definition.forms[definition.elements[shape(task)].properties["form"]].reset_fields:
                task.data.pop(name, None)


def choices(plain: Plain) -> list[tuple[str, str]]:
    if plain.tree.completed:
        return []
    found = [("complete", shape(task)) for task in open_tasks(plain.tree)] * 6
    for name, definition, _ in waits(plain.tree):
        timer = isinstance(definition, TimerEventDefinition)
        found.append(("fire", name) if timer else ("send", definition.name))
    return found


def act(one: Any, verb: str, name: str, data: dict[str, Any]) -> None:
    if isinstance(one, Plain):
        if verb == "complete":
            one.complete(name, 0, data)
        elif verb == "fire":
            one.fire(name, 0)
        else:
            one.send(name, data)
    elif verb == "complete":
        one.complete(next(task.ref for task in one.tasks if task.element_id == name), data)
    elif verb == "fire":
        one.fire(next(wait.ref for wait in one.waits if wait.element_id == name))
    else:
        one.send(name, data)


def walk_together(definition: Definition, specs: Any, seed: str, seen: Counter[str]) -> None:
    rng = random.Random(seed)
    ours, theirs = House(definition, seed), House(definition, seed)
    surroundings = Surroundings(
        NOW,
        workdays=lambda _: datetime.fromisoformat(FAR),
        notice_end=lambda _: datetime.fromisoformat(FAR),
        parameter=ours.parameter,
        services={
            "cross_check": lambda call: ours.answer(call.operator),
            "write_ledger": lambda call: ours.answer(call.operator),
        },
    )
    fields = definition.dictionary.fields
    start = {name: made_up(rng, entry) for name, entry in fields.items() if entry.get("from") in {"register", "form"}}
    start = likely(rng, definition, start)
    for form in definition.forms.values():
        for name in form.reset_fields:
            start.pop(name, None)
    plain = Plain(specs, json.loads(json.dumps(start)), PlainHouse(theirs))
    execution = Execution.start(definition, start, surroundings)
    opened: set[Any] = set()
    story: list[Any] = [seed]
    for _ in range(60):
        forget(definition, plain, opened)
        expected = snapshot(plain.tree)
        assert snapshot(execution._tree) == expected, story
        seen["snapshots"] += 1
        state = execution.store(KEY)
        seen["largest state"] = max(seen["largest state"], len(state))
        marking = execution.marking()
        execution = Execution.restore(definition, state, surroundings, key=KEY)
        assert execution.marking() == marking, story
        assert snapshot(execution._tree) == expected, story
        possible = choices(plain)
        if not possible:
            break
        verb, name = rng.choice(possible)
        if verb == "send" and name == "withdrawal" and rng.random() < 0.8:
            continue  # a withdrawal ends the walk, so it is rarer
        data: dict[str, Any] = {}
        if verb == "complete":
            data = answers(rng, definition, next(task for task in open_tasks(plain.tree) if shape(task) == name))
        story.append((verb, name, data))
        failed = None
        try:
            act(plain, verb, name, json.loads(json.dumps(data)))
        except Exception as error:  # noqa: BLE001  (whatever the library raises, ours must fail too)
            failed = error
        if failed is not None:
            with pytest.raises(EngineError):
                act(execution, verb, name, data)
            seen["both failed"] += 1
            return
        act(execution, verb, name, data)
        seen[verb] += 1
        seen[f"reached {name}"] += 1
    seen[f"ended by {execution.ended_by}"] += 1


def test_there_is_a_process_to_compare():
    assert PROCESSES


@pytest.mark.parametrize("process_id", PROCESSES)
def test_a_process_of_the_house_runs_as_in_plain_spiffworkflow(process_id):
    bundle = Bundle.from_folder(WORKFLOWS, process_id)
    definition = Definition.read(bundle)
    specs = parsed(process_id, dict(bundle.files))
    seen: Counter[str] = Counter()
    for number in range(80):
        walk_together(definition, specs, f"{process_id}/{number}", seen)
    print(dict(sorted(seen.items())))
    assert seen["snapshots"] > 300
    assert seen["fire"]
    assert seen["both failed"] == 0
    # Every step a person takes was reached, and every end.
    steps = {one.id for one in definition.elements.values() if one.kind == "userTask"}
    assert {name for name in steps if f"reached {name}" not in seen} == set()
    assert seen["largest state"] < 5_000


@pytest.mark.nightly
@pytest.mark.parametrize("process_id", PROCESSES)
def test_a_process_of_the_house_runs_as_in_plain_spiffworkflow_on_many_more_ways(process_id):
    bundle = Bundle.from_folder(WORKFLOWS, process_id)
    definition = Definition.read(bundle)
    specs = parsed(process_id, dict(bundle.files))
    seen: Counter[str] = Counter()
    for number in range(1_000, 3_000):
        walk_together(definition, specs, f"{process_id}/{number}", seen)
    print(dict(sorted(seen.items())))
    assert seen["both failed"] == 0
