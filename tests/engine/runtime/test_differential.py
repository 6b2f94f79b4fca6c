"""Plain SpiffWorkflow and our adapter take the same steps and must stand at the same place after each of them (DESIGN.md §4).

The drawings are made up from seeds; the paths through them too. Ours is stored and restored after every step. Then faults are
planted in what is stored, and the comparison must notice each kind.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import planted_faults as faults
import pytest
from made_up_models import KINDS, START_DATA, made_up
from plain_spiffworkflow import FAR, Plain, joined_twice, open_tasks, parsed, snapshot, waits
from SpiffWorkflow.bpmn.specs.event_definitions.timer import TimerEventDefinition

from engine.errors import EngineError, Rejected
from engine.runtime import Definition, Execution, Surroundings, hot_state

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = b"a key for tests, 32 bytes long!!"
NOW = datetime(2026, 11, 24, 1, tzinfo=UTC)
SURROUNDINGS = Surroundings(
    NOW, workdays=lambda _: datetime.fromisoformat(FAR), notice_end=lambda _: datetime.fromisoformat(FAR)
)


class Different(AssertionError):  # noqa: N818  (it says what it is)
    """The two do not stand at the same place."""


@dataclass
class Tally:
    """What a run of comparisons has met."""

    seen: Counter[str] = field(default_factory=Counter)


def _answers(rng: random.Random, task: Any) -> dict[str, Any]:
    """Make up what a form gives; a voter's answer goes by the name its drawing asks for."""
    data = {name: rng.randint(0, 2) for name in rng.sample(["v0", "v1", "v2", "v3"], rng.randint(0, 3))}
    if rng.random() < 0.2:
        data |= {"note": {"zh": rng.choice(["甲", "乙"]), "en": True}, "flags": rng.sample([True, 1, None, "x"], 2)}
    if task.task_spec.name.endswith(" [child]"):
        data[f"vote{task.task_spec.bpmn_id}"] = rng.choice(["Y", "Y", "N"])
    return data


def _choices(plain: Plain) -> list[tuple[str, str, int]]:
    """List what can be done next, as (verb, name, which of those with that name)."""
    if plain.tree.completed:
        return []
    choices: list[tuple[str, str, int]] = []
    counted: Counter[tuple[str, str]] = Counter()
    for task in open_tasks(plain.tree):
        name = task.task_spec.bpmn_id
        # A person's step is what cases mostly see, so it is drawn more often than events.
        choices += [("complete", name, counted["complete", name])] * 3
        counted["complete", name] += 1
    for name, definition, _ in waits(plain.tree):
        if isinstance(definition, TimerEventDefinition):
            choices.append(("fire", name, counted["fire", name]))
            counted["fire", name] += 1
        else:
            choices.append(("send", definition.name, 0))
    return choices


def _ours_does(execution: Execution, verb: str, name: str, index: int, data: dict[str, Any]) -> None:
    if verb == "complete":
        execution.complete([task.ref for task in execution.tasks if task.element_id == name][index], data)
    elif verb == "fire":
        execution.fire(
            [wait.ref for wait in execution.waits if wait.element_id == name and wait.kind == "timer"][index]
        )
    else:
        execution.send(name, data)


def _plain_does(plain: Plain, verb: str, name: str, index: int, data: dict[str, Any]) -> None:
    if verb == "complete":
        plain.complete(name, index, data)
    elif verb == "fire":
        plain.fire(name, index)
    else:
        plain.send(name, data)


def _agree(plain: Plain, execution: Execution, story: list[Any]) -> None:
    expected, found = snapshot(plain.tree), snapshot(execution._tree)
    if expected != found:
        only_plain, only_ours = Counter(expected["reached"]), Counter(found["reached"])
        only_plain, only_ours = only_plain - only_ours, only_ours - only_plain
        rest = [f"{name}: {expected[name]} / {found[name]}" for name in expected if name != "reached"]
        lines = [*(f"plain {one}" for one in only_plain), *(f"ours  {one}" for one in only_ours), *rest]
        raise Different(f"after {story}\n" + "\n".join(lines))
    if [task.element_id for task in execution.tasks] != expected["open"]:
        raise Different(f"after {story}: open tasks {execution.tasks}")
    if [wait.element_id for wait in execution.waits] != expected["waits"]:
        raise Different(f"after {story}: waits {execution.waits}")
    if execution.is_finished != expected["finished"]:
        raise Different(f"after {story}: finished {execution.is_finished}")


def _stored(
    execution: Execution, definition: Definition, tamper: Callable[[Any, Definition], bool] | None, tally: Tally
) -> Execution:
    """Store and restore, with a fault in between where one is planted; a sound round trip must not move the marking."""
    state = execution.store(KEY)
    tally.seen["largest state"] = max(tally.seen["largest state"], len(state))
    if tamper is not None:
        content = hot_state.unseal(definition, state, KEY)
        if tamper(content, definition):
            tally.seen["planted"] += 1
        return Execution.restore(definition, hot_state.seal(definition, content, KEY), SURROUNDINGS, key=KEY)
    restored = Execution.restore(definition, state, SURROUNDINGS, key=KEY)
    if restored.marking() != execution.marking():
        raise Different("storing and restoring moved the marking")
    return restored


def walk_together(
    seed: int, tally: Tally, *, paths: int = 2, steps: int = 30, tamper: Callable[[Any, Definition], bool] | None = None
) -> None:
    """Take the drawing of a seed along random paths in both; raises Different."""
    model = made_up(seed)
    definition = Definition.read(model.bundle)
    specs = parsed("main", model.bundle.files)
    tally.seen.update(f"drawn {kind}" for kind in model.kinds)
    for path in range(paths):
        rng = random.Random(f"{seed}/{path}")
        plain = Plain(specs, json.loads(json.dumps(START_DATA)))
        execution = Execution.start(definition, START_DATA, SURROUNDINGS)
        story: list[Any] = [("seed", seed, "path", path)]
        for _ in range(steps):
            _agree(plain, execution, story)
            tally.seen["snapshots"] += 1
            execution = _stored(execution, definition, tamper, tally)
            _agree(plain, execution, story)
            choices = _choices(plain)
            if not choices:
                break
            verb, name, index = rng.choice(choices)
            data = {"by": rng.randint(0, 9)} if verb == "send" else {}
            if verb == "complete":
                task = [task for task in open_tasks(plain.tree) if task.task_spec.bpmn_id == name][index]
                data = _answers(rng, task)
            story.append((verb, name, index, data))
            tally.seen[verb] += 1
            failed = None
            try:
                _plain_does(plain, verb, name, index, json.loads(json.dumps(data)))
            except Exception as error:  # noqa: BLE001  (whatever the library raises, ours must fail too)
                failed = error
            try:
                _ours_does(execution, verb, name, index, data)
            except EngineError as error:
                if failed is None and not joined_twice(plain.tree):
                    raise Different(f"after {story}: only ours fails: {error}") from error
                tally.seen["both failed"] += 1
                break
            if joined_twice(plain.tree):
                tally.seen["library joined early"] += 1
                break
            if failed is not None:
                raise Different(f"after {story}: only plain fails: {failed!r}")
        tally.seen["finished" if plain.tree.completed else "left open"] += 1


def test_our_adapter_stands_where_plain_spiffworkflow_stands():
    tally = Tally()
    for seed in range(80):
        walk_together(seed, tally)
    print(f"seeds 0 to 79: {dict(sorted(tally.seen.items()))}")
    assert tally.seen["snapshots"] > 1_000
    assert {"complete", "fire", "send", "finished", *(f"drawn {kind}" for kind in KINDS)} <= set(tally.seen)
    assert tally.seen["library joined early"] + tally.seen["both failed"] < tally.seen["finished"] / 50


@pytest.mark.nightly
def test_our_adapter_stands_where_plain_spiffworkflow_stands_on_many_more_drawings():
    tally = Tally()
    for seed in range(1_000, 5_000):
        walk_together(seed, tally, paths=3, steps=60)
    print(f"seeds 1,000 to 4,999: {dict(sorted(tally.seen.items()))}")
    assert tally.seen["library joined early"] + tally.seen["both failed"] < tally.seen["finished"] / 50


@pytest.mark.parametrize("fault", faults.ALL, ids=lambda fault: fault.__name__)
def test_a_planted_fault_is_noticed(fault):
    planted = noticed = 0
    for seed in range(200, 300):
        tally = Tally()
        try:
            walk_together(seed, tally, paths=1, tamper=_only_this(fault))
        except (Different, EngineError, Rejected, LookupError):
            assert tally.seen["planted"], "something failed before the fault was planted"
            noticed += 1
        planted += bool(tally.seen["planted"])
        if noticed >= 2:
            break
    print(f"{fault.__name__}: planted in {planted} walks, noticed in {noticed}")
    assert noticed >= 1


def _only_this(fault: Callable[[Any, Definition], bool]) -> Callable[[Any, Definition], bool]:
    """Let a fault that breaks by itself fail the test, instead of being taken for a difference."""

    def tamper(content: Any, definition: Definition) -> bool:
        try:
            return fault(content, definition)
        except Exception as error:
            raise RuntimeError(f"the fault {fault.__name__} itself is broken") from error

    return tamper
