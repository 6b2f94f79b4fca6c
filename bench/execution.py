"""What one completion costs in the process engine: naive SpiffWorkflow against ours, in one run, interleaved.

    python bench/execution.py [--rounds 5] [--largest 10000]

The work is the same for both: a five-level approval with a deadline clock on every task, a withdrawal that waits all along, and a
return from the last level to the first, so that the loop can go on for ever; each completion gives a form of 20 fields (1.8 kB).
*Naive* is the library as its documentation shows it: restore from its JSON, complete, run, store as JSON. *Ours* is
Execution.restore, complete, store. No database is involved. Times are medians of single completions in microseconds of
processor time; the machine's mood cancels out in the ratio, so quote ratios only. Whether ours stays flat is measured by itself, in
the last column: while the naive one runs in between, its garbage is in our way.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import random
import statistics
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lxml import etree
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine, TaskDataEnvironment
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.spiff.parser.process import SpiffBpmnParser
from SpiffWorkflow.spiff.serializer import DEFAULT_CONFIG
from SpiffWorkflow.util.task import TaskState

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.runtime import Definition, Execution, Surroundings

NOW = datetime(2026, 11, 24, 1, tzinfo=UTC)
KEY = b"bench" * 8
LEVELS = ("village", "township", "county", "city", "province")
FIELDS = tuple(f"field_{number:02}" for number in range(20))


def drawing() -> bytes:
    """Return the five-level approval as BPMN."""
    shapes, flows = [], []

    def flow(source: str, target: str, condition: str = "") -> None:
        inner = f"<bpmn:conditionExpression>{condition}</bpmn:conditionExpression>" if condition else ""
        name = f"F{len(flows)}"
        flows.append(
            f'<bpmn:sequenceFlow id="{name}" sourceRef="{source}" targetRef="{target}">{inner}</bpmn:sequenceFlow>'
        )

    shapes.append('<bpmn:startEvent id="E_start"/><bpmn:parallelGateway id="G_open"/>')
    shapes.append(
        '<bpmn:intermediateCatchEvent id="E_withdraw"><bpmn:messageEventDefinition id="E_withdraw_md" messageRef="M_withdraw">'
        "<bpmn:extensionElements><spiffworkflow:messageVariable>withdrawal</spiffworkflow:messageVariable>"
        "</bpmn:extensionElements></bpmn:messageEventDefinition></bpmn:intermediateCatchEvent>"
        '<bpmn:endEvent id="End_withdrawn"><bpmn:terminateEventDefinition id="End_withdrawn_td"/></bpmn:endEvent>'
    )
    flow("E_start", "G_open")
    flow("G_open", "E_withdraw")
    flow("E_withdraw", "End_withdrawn")
    before = "G_open"
    for level in LEVELS:
        shapes.append(
            f'<bpmn:userTask id="T_{level}"/>'
            f'<bpmn:boundaryEvent id="B_{level}" attachedToRef="T_{level}" cancelActivity="false"><bpmn:timerEventDefinition '
            f'id="B_{level}_td"><bpmn:timeDate>workdays(10)</bpmn:timeDate></bpmn:timerEventDefinition></bpmn:boundaryEvent>'
            f'<bpmn:endEvent id="X_{level}"><bpmn:escalationEventDefinition id="X_{level}_ed"/></bpmn:endEvent>'
        )
        flow(f"B_{level}", f"X_{level}")
        flow(before, f"T_{level}")
        before = f"T_{level}"
    shapes.append('<bpmn:exclusiveGateway id="G_outcome" default="F_done"/>')
    shapes.append('<bpmn:endEvent id="End_done"><bpmn:terminateEventDefinition id="End_done_td"/></bpmn:endEvent>')
    flow(before, "G_outcome")
    flow("G_outcome", "T_village", "outcome == &quot;RETURN&quot;")
    flows.append('<bpmn:sequenceFlow id="F_done" sourceRef="G_outcome" targetRef="End_done"/>')
    return (
        '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
        'xmlns:spiffworkflow="http://spiffworkflow.org/bpmn/schema/1.0/core" id="D" targetNamespace="urn:bench">'
        '<bpmn:message id="M_withdraw" name="withdraw"/><bpmn:process id="bench" isExecutable="true">'
        + "".join(shapes)
        + "".join(flows)
        + "</bpmn:process></bpmn:definitions>"
    ).encode()


@dataclass(frozen=True)
class Files:
    """The drawing as a bundle."""

    process_id: str
    files: dict[str, bytes]

    @property
    def digest(self) -> str:
        """The identity of the drawing."""
        return hashlib.sha256(self.files["bench.bpmn"]).hexdigest()


def form(rng: random.Random) -> dict[str, object]:
    """Return one filled-in form: 20 fields, about 1.8 kB as JSON, the same names every time."""
    return {name: f"{rng.getrandbits(256):064x}" for name in FIELDS} | {
        "outcome": "RETURN",
        "amount_fen": rng.randrange(10**7),
    }


class Naive:
    """The library with its own JSON serialiser."""

    def __init__(self) -> None:
        parser = SpiffBpmnParser()
        parser.add_bpmn_xml(etree.fromstring(drawing()).getroottree(), "bench.bpmn")
        self.serializer = BpmnWorkflowSerializer(BpmnWorkflowSerializer.configure(DEFAULT_CONFIG))
        due = (NOW + timedelta(days=14)).isoformat()
        self.engine = PythonScriptEngine(TaskDataEnvironment({"workdays": lambda _: due}))
        tree = BpmnWorkflow(parser.get_spec("bench"), {}, script_engine=self.engine)
        tree.do_engine_steps()
        self.state = self.serializer.serialize_json(tree)

    def complete(self, answers: dict[str, object]) -> float:
        """Restore, complete, store; return the seconds it took."""
        begun = time.process_time()
        tree = self.serializer.deserialize_json(self.state)
        tree.script_engine = self.engine
        task = tree.get_next_task(state=TaskState.READY, manual=True)
        task.data.update(answers)
        task.run()
        tree.do_engine_steps()
        self.state = self.serializer.serialize_json(tree)
        return time.process_time() - begun


class Ours:
    """The hot state."""

    def __init__(self) -> None:
        self.definition = Definition.read(Files("bench", {"bench.bpmn": drawing()}))
        self.surroundings = Surroundings(NOW, workdays=lambda days: NOW + timedelta(days=days))
        self.state = Execution.start(self.definition, {}, self.surroundings).store(KEY)
        self.parts = {"restore": [], "complete": [], "store": []}

    def complete(self, answers: dict[str, object]) -> float:
        """Restore, complete, store; return the seconds it took."""
        begun = time.process_time()
        execution = Execution.restore(self.definition, self.state, self.surroundings, key=KEY)
        restored = time.process_time()
        execution.complete(execution.tasks[0].ref, answers)
        completed = time.process_time()
        self.state = execution.store(KEY)
        ended = time.process_time()
        self.parts["restore"].append(restored - begun)
        self.parts["complete"].append(completed - restored)
        self.parts["store"].append(ended - completed)
        return ended - begun


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--largest", type=int, default=10_000)
    chosen = arguments.parse_args()
    logging.disable(logging.CRITICAL)  # in favour of the naive one, which builds its log lines all the same
    points = [point for point in (10, 100, 1_000, 10_000) if point <= chosen.largest]
    print("finished tasks | naive us | bytes | ours us | bytes | naive/ours | alone us | alone / first")
    naive, ours = Naive(), Ours()
    rng = random.Random(1)
    done = 0
    alive = True
    first = None
    for point in points:
        while done < point - 10:
            answers = form(rng)
            ours.complete(answers)
            if alive and done < 240:
                naive.complete(answers)
            elif alive:
                alive = _survives(naive, answers, done)
            done += 1
        naive_times, our_times = [], []
        for _ in range(max(20, 10 * chosen.rounds)):
            answers = form(rng)
            our_times.append(ours.complete(answers))
            if alive:
                try:
                    naive_times.append(naive.complete(answers))
                except RecursionError:
                    alive = False
            done += 1
        ours_us = statistics.median(our_times) * 1e6
        alone = statistics.median(ours.complete(form(rng)) for _ in range(200)) * 1e6
        first = first or alone
        told = f"{statistics.median(naive_times) * 1e6:8.0f} | {len(naive.state):7}" if alive else "   fails |       -"
        ratio = f"{statistics.median(naive_times) / statistics.median(our_times):6.1f}" if alive else "     -"
        print(
            f"{point:14} | {told} | {ours_us:7.0f} | {len(ours.state):5} | {ratio:>10} | {alone:7.0f} | {alone / first:5.2f}"
        )
    done_alone = 200 * len(points)
    print(f"(ours has done {done_alone} more completions than the first column says, those measured alone)")
    parts = {name: statistics.median(times[-200:]) * 1e6 for name, times in ours.parts.items()}
    print("ours, us: " + ", ".join(f"{name} {value:.0f}" for name, value in parts.items()))


def _survives(naive: Naive, answers: dict[str, object], done: int) -> bool:
    """Say whether the naive one can still complete; it fails at its 246th completion or so (PERFORMANCE.md §3)."""
    try:
        naive.complete(answers)
    except RecursionError:
        print(f"naive SpiffWorkflow raises RecursionError at completion {done + 1}")
        return False
    return True


if __name__ == "__main__":
    main()
