"""Plain SpiffWorkflow, in memory, as it comes: the reference our adapter is compared with.

Nothing of ours is used to run it: its own parser, specs, tasks, iterator and script engine; nothing is pruned, stored or restored.
Its clocks read the wall clock, so they are given a moment in a far year and fired by setting the moment into the past.
"""

from __future__ import annotations

import json
from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine, TaskDataEnvironment
from SpiffWorkflow.bpmn.specs.event_definitions.message import MessageEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.timer import TimerEventDefinition
from SpiffWorkflow.bpmn.specs.mixins.events.event_types import CatchingEvent
from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import EventBasedGateway
from SpiffWorkflow.bpmn.specs.mixins.unstructured_join import UnstructuredJoin
from SpiffWorkflow.bpmn.util import BpmnEvent
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.spiff.parser.process import SpiffBpmnParser
from SpiffWorkflow.spiff.specs.event_definitions import MessageEventDefinition as SpiffMessage
from SpiffWorkflow.util.task import TaskState

FAR = "2999-01-01T00:00:00+00:00"
PAST = "2000-01-01T00:00:00+00:00"


def parsed(process_id: str, files: dict[str, bytes]) -> tuple[Any, dict[str, Any]]:
    parser = SpiffBpmnParser()
    for path in sorted(files):
        if path.endswith(".bpmn"):
            parser.add_bpmn_xml(etree.fromstring(files[path]).getroottree(), path)
        elif path.endswith(".dmn"):
            parser.add_dmn_xml(etree.fromstring(files[path]), path)
    return parser.get_spec(process_id), parser.get_subprocess_specs(process_id)


class Plain:
    """One case in plain SpiffWorkflow."""

    def __init__(self, specs: tuple[Any, dict[str, Any]], data: dict[str, Any], environment: Any = None) -> None:
        self.environment = environment or TaskDataEnvironment({"workdays": lambda _: FAR, "notice_end": lambda _: FAR})
        self.tree = BpmnWorkflow(specs[0], specs[1], script_engine=PythonScriptEngine(self.environment))
        self.tree.task_tree.data = data
        self.tree.do_engine_steps()

    def complete(self, element_id: str, index: int, data: dict[str, Any]) -> None:
        task = [task for task in open_tasks(self.tree) if shape(task) == element_id][index]
        task.data.update(data)
        task.run()
        self.tree.do_engine_steps()

    def fire(self, element_id: str, index: int) -> None:
        task = [task for name, definition, task in waits(self.tree) if name == element_id][index]
        task.internal_data["event_value"] = PAST
        task.task_spec._update(task)
        self.tree.do_engine_steps()

    def send(self, message: str, payload: dict[str, Any]) -> None:
        self.tree.send_event(BpmnEvent(SpiffMessage(message), payload=payload))
        self.tree.do_engine_steps()


def joined_twice(top: Any) -> bool:
    """Say whether a join has fired more than once in one tree: then the library has fired it early (BPMN.md A11)."""
    for tree in trees(top):
        fired = [
            task.task_spec.name
            for task in _below(tree)
            if isinstance(task.task_spec, UnstructuredJoin)
            and len(task.task_spec._inputs) > 1
            and task.state == TaskState.COMPLETED
        ]
        if len(fired) != len(set(fired)):
            return True
    return False


def trees(top: Any) -> list[Any]:
    return [top, *(called for called in top.subprocesses.values() if not called.completed)]


def shape(task: Any) -> str:
    return getattr(task.task_spec, "bpmn_id", None) or task.task_spec.name


def open_tasks(top: Any) -> list[Any]:
    return [
        task for tree in trees(top) for task in _below(tree) if task.state == TaskState.READY and task.task_spec.manual
    ]


def waits(top: Any) -> list[tuple[str, Any, Any]]:
    """What is waited for: the id of the shape, its event definition, and the task that holds it."""
    found = []
    for tree in trees(top):
        for task in _below(tree):
            if task.state == TaskState.WAITING and isinstance(task.task_spec, CatchingEvent):
                definition = task.task_spec.event_definition
                if isinstance(task.task_spec, EventBasedGateway):
                    pairs = list(zip(task.task_spec._outputs, definition.event_definitions, strict=True))
                else:
                    pairs = [(shape(task), definition)]
                found += [
                    (name, one, task)
                    for name, one in pairs
                    if isinstance(one, (TimerEventDefinition, MessageEventDefinition))
                ]
    return found


def _below(tree: Any) -> list[Any]:
    """Every task of one tree, depth first; written here so that the comparison does not use what it compares."""
    found, stack = [], [tree.task_tree]
    while stack:
        task = stack.pop()
        found.append(task)
        stack.extend(reversed(task.children))
    return found


def _place(top: Any, tree: Any) -> str:
    path = []
    while tree is not top:
        call = top.get_task_from_id(tree.parent_task_id)
        path.append(f"{call.task_spec.name}:{call.internal_data.get('key_or_index', '')}")
        tree = call.workflow
    return "/".join(reversed(path))


def snapshot(top: Any) -> dict[str, Any]:
    """Where a case stands, said the same way for any SpiffWorkflow tree: every task reached but unfinished, and the end."""
    reached = sorted(
        json.dumps(
            [
                _place(top, tree),
                task.task_spec.name,
                task.state,
                task.internal_data.get("key_or_index"),
                _told(task.data),
            ],
            sort_keys=True,
            ensure_ascii=False,
        )
        for tree in trees(top)
        for task in _below(tree)
        if task.state & (TaskState.READY | TaskState.WAITING | TaskState.STARTED)
    )
    return {
        # A terminate end leaves tasks behind, sometimes even waiting ones; in a finished case they are of no use to anybody.
        "reached": [] if top.completed else reached,
        "open": [] if top.completed else [shape(task) for task in open_tasks(top)],
        "waits": [] if top.completed else [name for name, _, _ in waits(top)],
        "finished": top.is_completed(),
        "end": json.dumps(_told(top.data), sort_keys=True, ensure_ascii=False) if top.completed else None,
    }


def _told(data: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the plain library keeps for itself: the variable it puts each service's raw answer in."""
    return {name: value for name, value in data.items() if not name.startswith("spiff__")}
