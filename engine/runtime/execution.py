# ruff: noqa: SLF001 (the adapter is where the library's inside is known)
"""One case's process while one verb holds it: what is open, what it waits for, and how it moves.

The library is asked only through here. It accepts a second completion, skips tasks in error and lets any clock ring
(RELIABILITY.md §0, reproduced); so a task is completed only while it is open, an error anywhere ends the execution for good (the
verb rolls back and nothing half-done can be stored), and a step budget stops a drawing that runs in circles. Who may do something
is not known here.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs.event_definitions.item_aware_event import EscalationEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.message import MessageEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.simple import TerminateEventDefinition
from SpiffWorkflow.bpmn.specs.mixins.events.end_event import EndEvent
from SpiffWorkflow.bpmn.specs.mixins.events.event_types import CatchingEvent, ThrowingEvent
from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import BoundaryEvent, EventBasedGateway
from SpiffWorkflow.bpmn.specs.mixins.unstructured_join import UnstructuredJoin
from SpiffWorkflow.bpmn.util import BpmnEvent
from SpiffWorkflow.spiff.specs.event_definitions import MessageEventDefinition as SpiffMessage
from SpiffWorkflow.util.task import TaskState

from engine.errors import EngineError, Invalid, Message, NotOpen, Rejected
from engine.instants import from_text
from engine.runtime import hot_state
from engine.runtime.pruning import prune
from engine.runtime.scripts import Scripts
from engine.runtime.specs import Clock, DecisionTask, HouseTask
from engine.runtime.tree import CaseTree, walk
from engine.runtime.values import NotCarried, carried

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from engine.people.levels import Level
    from engine.runtime.definition import Definition, Element
    from engine.runtime.surroundings import Surroundings

STEP_BUDGET = 500
"""How many steps one call may take by itself before the drawing is said to run in circles."""


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A step that waits for a person; `level` is its lane's, or the lane's of the call it stands in."""

    ref: str
    element_id: str
    name: str
    level: Level | None
    properties: Mapping[str, str]
    _read: Callable[[], Mapping[str, Any]] = field(repr=False, compare=False)

    @property
    def data(self) -> Mapping[str, Any]:
        """What the person would see: a copy of the task's data."""
        return self._read()


@dataclass(frozen=True, slots=True)
class Wait:
    """Something the case waits for: a clock (`due_at`, aware UTC) or a message (`message`, its name).

    `limit_days` is n where the clock says workdays(n). `attached_ref` is the ref of the task or call a boundary event sits on.
    """

    ref: str
    element_id: str
    kind: str
    message: str | None
    due_at: datetime | None
    limit_days: int | None
    attached_ref: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened: kind is task, decision, service, event, gateway, end or escalation.

    `taken` are the ids of the shapes a gateway went on to; `decision` is the DecisionResult of a decision table; `result` what a
    service answered; `ref` the task's ref.
    """

    element_id: str
    kind: str
    taken: tuple[str, ...] = ()
    decision: Any = None
    result: Mapping[str, Any] | None = None
    ref: str = ""


class Execution:
    """A case's process, held by one verb; made by :meth:`start` or :meth:`restore`, never shared between threads."""

    def __init__(self, definition: Definition, tree: CaseTree, scripts: Scripts, ended_by: str | None) -> None:
        self.definition = definition
        self._tree = tree
        self._scripts = scripts
        self._ended_by = ended_by
        self._steps: list[Step] = []
        self._budget = 0
        self._failed: EngineError | None = None

    @classmethod
    def start(cls, definition: Definition, data: Mapping[str, Any], surroundings: Surroundings) -> Execution:
        """Begin a case with these data and run every step that needs nobody; raises Invalid or EngineError."""
        scripts = Scripts(definition, surroundings)
        tree = CaseTree(definition.spec, dict(definition.called_specs), scripts)
        execution = cls(definition, tree, scripts, None)
        tree.task_tree.data = execution._declared(data)
        with execution._moving():
            pass
        return execution

    @classmethod
    def restore(cls, definition: Definition, state: bytes, surroundings: Surroundings, *, key: bytes) -> Execution:
        """Take up a stored case; raises EngineError for a wrong MAC, an unknown format or another definition's state."""
        content = hot_state.unseal(definition, state, key)
        scripts = Scripts(definition, surroundings)
        try:
            tree, ended_by = hot_state.decode(definition, content, scripts)
        except (LookupError, TypeError, ValueError) as error:
            raise EngineError("", f"The stored state of the case cannot be read: {error!r}") from error
        return cls(definition, tree, scripts, ended_by)

    def store(self, key: bytes) -> bytes:
        """Return the hot state, sealed with `key`; an execution that failed cannot be stored."""
        self._refuse_if_failed()
        return hot_state.seal(self.definition, hot_state.encode(self._tree, self._ended_by), key)

    # What moves a case

    def complete(self, ref: str, data: Mapping[str, Any]) -> None:
        """Complete an open task with what its form gave, then run every step that needs nobody; raises NotOpen, Invalid."""
        self._refuse_if_failed()
        task = self._task(ref)
        if task is None or task._state != TaskState.READY or not task.task_spec.manual:
            raise NotOpen(
                Message(
                    f"要办理的任务({ref})应为待办,但它已办结或已不存在",
                    f"Wanted to complete task {ref} while it is open; found it completed, cancelled or unknown",
                )
            )
        answers = self._declared(data)
        with self._moving():
            variable = getattr(task.task_spec, "variable", None)
            task.data.update({variable: answers} if variable else answers)
            self._before(task)
            task.run()
            self._after(task)

    def fire(self, ref: str) -> None:
        """Let a waiting clock ring; nothing else ever does. Raises NotOpen if it no longer waits."""
        self._refuse_if_failed()
        for wait, task in self._waiting():
            if wait.ref == ref and wait.kind == "timer":
                with self._moving():
                    task.internal_data["event_fired"] = True
                    task.task_spec._update(task)
                return
        raise NotOpen(
            Message(
                f"时限({ref})应在等待中,但它已触发或已取消",
                f"Wanted to fire clock {ref}; found that it no longer waits",
            )
        )

    def send(self, message: str, payload: Mapping[str, Any]) -> None:
        """Give the case a message it waits for; raises NotOpen if it waits for none of that name."""
        self._refuse_if_failed()
        if not any(wait.message == message for wait, _ in self._waiting()):
            raise NotOpen(
                Message(
                    f"办件应在等待消息“{message}”,但没有等待",
                    f"Wanted to send {message!r}; found that nobody waits for it",
                )
            )
        accepted = self._accepted(payload)
        with self._moving():
            self._tree.send_event(BpmnEvent(SpiffMessage(message), payload=accepted))

    # What can be seen

    @property
    def tasks(self) -> tuple[OpenTask, ...]:
        """The steps that wait for a person, in the order of the drawing's tree."""
        found = []
        for tree in self._trees():
            for task in walk(tree.task_tree, TaskState.READY):
                if task.task_spec.manual:
                    element = self._element(task)
                    found.append(
                        OpenTask(
                            ref=task.id,
                            element_id=element.id,
                            name=element.name,
                            level=self._level(task),
                            properties=element.properties,
                            _read=partial(carried, task.data),
                        )
                    )
        return tuple(found)

    @property
    def waits(self) -> tuple[Wait, ...]:
        """The clocks and messages the case waits for."""
        return tuple(wait for wait, _ in self._waiting())

    @property
    def steps(self) -> tuple[Step, ...]:
        """What happened since start or restore, in order."""
        return tuple(self._steps)

    @property
    def is_finished(self) -> bool:
        """Whether an end has been reached and nothing is open."""
        return bool(self._tree.is_completed())

    @property
    def ended_by(self) -> str | None:
        """The id of the end event that ended the case, or None while it runs."""
        return self._ended_by

    @property
    def data(self) -> Mapping[str, Any]:
        """The case's data as its next step would see them: the youngest branch that is being worked on, or the end's."""
        if self._tree.completed:
            return dict(carried({name: value for name, value in self._tree.data.items() if name != "data_objects"}))
        front = walk(self._tree.task_tree, TaskState.READY | TaskState.STARTED) or walk(
            self._tree.task_tree, TaskState.WAITING
        )
        task = max(front, key=lambda task: task.last_state_change, default=self._tree.task_tree)
        return dict(carried(task.data))

    def data_of(self, ref: str) -> Mapping[str, Any]:
        """Return the data of one open task or wait; raises NotOpen."""
        task = self._task(ref)
        if task is None:
            raise NotOpen(Message(f"任务({ref})不存在", f"Wanted the data of task {ref}; found no such task"))
        return dict(carried(task.data))

    def marking(self) -> str:
        """Return 64 hex digits that say where the case stands: what is open, what it waits for, with which data.

        Equal places give equal markings, whatever the refs, the way it got there or how it was stored.
        """
        reached = TaskState.READY | TaskState.WAITING | TaskState.STARTED
        places: list[Any] = []
        for tree in self._trees():
            where = self._where(tree)
            for task in walk(tree.task_tree):
                if task._state & reached:
                    places.append([where, task.task_spec.name, task._state, task.data, _told(task.internal_data)])
                elif task._state == TaskState.CANCELLED and isinstance(task.task_spec, UnstructuredJoin):
                    # A branch that has arrived at a join still waiting: it will bring its data along.
                    places.append([where, task.task_spec.name, "arrived", task.above.task_spec.name, task.above.data])
        lines = sorted(json.dumps(place, ensure_ascii=False, sort_keys=True, separators=(",", ":")) for place in places)
        waits = sorted(
            f"{wait.element_id} {wait.kind} {wait.message} {wait.due_at and wait.due_at.isoformat()}"
            for wait in self.waits
        )
        end = json.dumps(
            [self.is_finished, self._ended_by, self._tree.data if self.is_finished else {}],
            ensure_ascii=False,
            sort_keys=True,
            separators=(",", ":"),
        )
        return hashlib.sha256("\n".join([*lines, "--", *waits, "--", end]).encode()).hexdigest()

    # Inside

    def _accepted(self, data: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return dict(carried(dict(data)))
        except NotCarried as error:
            raise Invalid(Message(f"数据不能接受:{error}", f"The data cannot be accepted: {error}")) from error

    def _declared(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return a copy of data that come from outside; raises Invalid for names the data dictionary does not declare."""
        undeclared = self.definition.undeclared(data)
        if undeclared:
            one = Message("数据字典中没有这一项", "The data dictionary does not declare this name")
            names = ", ".join(undeclared[:5])
            raise Invalid(
                Message(f"数据须在数据字典中声明,未声明:{names}", f"Expected declared names only, found {names}"),
                fields=dict.fromkeys(undeclared, one),
            )
        return self._accepted(data)

    def _refuse_if_failed(self) -> None:
        if self._failed is not None:
            raise EngineError(
                self._failed.element_id, f"This execution has failed and cannot go on: {self._failed.reason}"
            )

    @contextmanager
    def _moving(self) -> Iterator[None]:
        """Do one thing to the tree, then run what needs nobody; whatever goes wrong ends this execution."""
        self._budget = STEP_BUDGET
        try:
            yield
            self._tree.do_engine_steps(self._before, self._after)
            self._tree.bpmn_events.clear()
            prune(self._tree)
        except EngineError as error:
            self._failed = error
            raise
        except Rejected as refusal:
            self._failed = EngineError(self._scripts.element_id, str(refusal))
            raise
        except Exception as error:
            self._failed = self._named(error)
            raise self._failed from error

    def _named(self, error: Exception) -> EngineError:
        """Return the library's error as ours, with the shape it happened at."""
        spec = getattr(error, "task_spec", None)
        element = getattr(spec, "bpmn_id", None) or getattr(spec, "name", None) or self._scripts.element_id
        return EngineError(element, f"{type(error).__name__}: {error}")

    def _before(self, task: Any) -> None:
        self._scripts.begin(task)
        self._budget -= 1
        if self._budget < 0:
            raise EngineError(
                _element_id(task),
                f"More than {STEP_BUDGET} steps ran by themselves; the drawing seems to run in circles",
            )

    def _after(self, task: Any) -> None:
        if task._state != TaskState.COMPLETED:
            raise EngineError(_element_id(task), f"Expected the step to be completed, found it {task._state}")
        spec = task.task_spec
        if task.workflow is self._tree:
            if spec is self._tree.spec.end:
                self._ended_by = _element_id(task.parent)
            elif isinstance(spec, EndEvent) and isinstance(spec.event_definition, TerminateEventDefinition):
                self._ended_by = spec.bpmn_id
        kind = self._kind(spec)
        if kind is not None:
            self._steps.append(
                Step(
                    element_id=_element_id(task),
                    kind=kind,
                    taken=tuple(_shape(child.task_spec) for child in task.children) if kind == "gateway" else (),
                    decision=self._scripts.decision,
                    result=self._scripts.result,
                    ref=task.id,
                )
            )

    def _kind(self, spec: Any) -> str | None:
        element = self.definition.elements.get(_shape(spec))
        if element is None or getattr(spec, "bpmn_id", None) is None:
            return None
        if isinstance(spec, EndEvent) and isinstance(spec.event_definition, EscalationEventDefinition):
            return "escalation"
        if element.kind.endswith("Gateway"):
            return "gateway"
        return next((kind for kinds, kind in _KINDS if isinstance(spec, kinds)), "task")

    def _trees(self) -> list[Any]:
        """Return the case's tree and those of the calls that are running, the outer ones first."""
        return [self._tree, *(called for called in self._tree.subprocesses.values() if not called.completed)]

    def _task(self, ref: str) -> Any:
        for tree in self._trees():
            task = tree.tasks.get(ref)
            if task is not None:
                return task
        return None

    def _element(self, task: Any) -> Element:
        return self.definition.elements[_shape(task.task_spec)]

    def _level(self, task: Any) -> Level | None:
        """Return the level of a task, climbing to the call it stands in where its own process has no lanes (BPMN.md A3)."""
        while True:
            level = self._element(task).level
            if level is not None or task.workflow is self._tree:
                return level
            task = self._tree.get_task_from_id(task.workflow.parent_task_id)

    def _where(self, tree: Any) -> str:
        """Return the chain of calls a tree stands in, for the marking."""
        path = []
        while tree is not self._tree:
            call = self._tree.get_task_from_id(tree.parent_task_id)
            path.append(f"{call.task_spec.name}:{call.internal_data.get('key_or_index', '')}")
            tree = call.workflow
        return "/".join(reversed(path))

    def _waiting(self) -> list[tuple[Wait, Any]]:
        found: list[tuple[Wait, Any]] = []
        for tree in self._trees():
            for task in walk(tree.task_tree, TaskState.WAITING):
                spec = task.task_spec
                if isinstance(spec, EventBasedGateway):
                    children = {child.task_spec.name: child for child in task.children}
                    for name, definition in zip(spec._outputs, spec.event_definition.event_definitions, strict=True):
                        found.append((self._wait(children[name].id, name, definition, task, None), task))
                elif isinstance(spec, CatchingEvent):
                    attached = None
                    if isinstance(spec, BoundaryEvent):
                        siblings = task.parent.children
                        attached = next(one.id for one in siblings if not isinstance(one.task_spec, BoundaryEvent))
                    found.append((self._wait(task.id, _shape(spec), spec.event_definition, task, attached), task))
        return [pair for pair in found if pair[0].kind]

    def _wait(self, ref: str, element_id: str, definition: Any, task: Any, attached: str | None) -> Wait:
        if isinstance(definition, Clock):
            return Wait(
                ref=ref,
                element_id=element_id,
                kind="timer",
                message=None,
                due_at=from_text(task.internal_data["event_value"]),
                limit_days=definition.limit_days,
                attached_ref=attached,
            )
        if isinstance(definition, MessageEventDefinition):
            return Wait(ref, element_id, "message", definition.name, None, None, attached)
        return Wait(ref, element_id, "", None, None, None, attached)


_KINDS: tuple[tuple[Any, str], ...] = (
    (EndEvent, "end"),
    (DecisionTask, "decision"),
    (HouseTask, "service"),
    ((CatchingEvent, ThrowingEvent), "event"),
)


def _shape(spec: Any) -> str:
    """Return the id of the shape a spec stands for: the library adds specs of its own around a shape."""
    return str(getattr(spec, "bpmn_id", None) or spec.name.removesuffix(".BoundaryEventSplit"))


def _element_id(task: Any) -> str:
    return _shape(task.task_spec)


def _told(internal: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the marking tells of a task's bookkeeping: not the refs, only how many there are."""
    return {
        name: len(value) if name == "merged" else value for name, value in internal.items() if name != "seen_events"
    }
