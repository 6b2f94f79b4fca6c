# ruff: noqa: SLF001 (the adapter is where the library's inside is known)
"""One case's process while one verb holds it: what is open, what it waits for, and how it moves.

The library is asked only through here. It accepts a second completion, skips tasks in error and lets any clock ring
(RELIABILITY.md §0, reproduced); so a task is completed only while it is open, an error anywhere ends the execution for good (the
verb rolls back and nothing half-done can be stored), and a step budget stops a drawing that runs in circles. Who may do something
is not known here.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs.event_definitions.message import MessageEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.simple import TerminateEventDefinition
from SpiffWorkflow.bpmn.specs.mixins.events.end_event import EndEvent
from SpiffWorkflow.bpmn.specs.mixins.events.event_types import CatchingEvent
from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import BoundaryEvent, EventBasedGateway
from SpiffWorkflow.bpmn.util import BpmnEvent
from SpiffWorkflow.spiff.specs.event_definitions import MessageEventDefinition as SpiffMessage
from SpiffWorkflow.util.task import TaskState

from engine.errors import EngineError, Invalid, Message, NotOpen, Rejected
from engine.instants import from_text
from engine.runtime import hot_state
from engine.runtime.marking import marking
from engine.runtime.places import OpenTask, Step, Wait, kind_of, shape_of
from engine.runtime.pruning import prune
from engine.runtime.scripts import Scripts
from engine.runtime.specs import Clock
from engine.runtime.tree import CaseTree, standing
from engine.runtime.values import NotCarried, carried, copied

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.people.levels import Level
    from engine.runtime.definition import Definition, Element
    from engine.runtime.surroundings import Surroundings

STEP_BUDGET = 500
"""How many steps one call may take by itself before the drawing is said to run in circles."""


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
        self._seen: dict[str, Any] = {}
        """What was read off the tree as it stands now, so that it is read once; forgotten when the tree moves."""

    def __del__(self) -> None:
        """Take the tree apart when nobody holds the execution any more.

        Its tasks point at each other, so they would lie about until the collector looks for such rings, in the middle of somebody's click.
        """
        self._tree.take_apart()

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
        if "tasks" not in self._seen:
            self._seen["tasks"] = tuple(self._open_tasks())
        return self._seen["tasks"]  # type: ignore[no-any-return]

    def _open_tasks(self) -> Iterator[OpenTask]:
        for tree in self._trees():
            for task in standing(tree, TaskState.READY):
                if task.task_spec.manual:
                    element = self._element(task)
                    yield OpenTask(
                        ref=task.id,
                        element_id=element.id,
                        name=element.name,
                        level=self._level(task),
                        properties=element.properties,
                        _read=partial(copied, task.data),
                    )

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
        if "finished" not in self._seen:
            self._seen["finished"] = bool(self._tree.is_completed())
        return self._seen["finished"]  # type: ignore[no-any-return]

    @property
    def ended_by(self) -> str | None:
        """The id of the end event that ended the case, or None while it runs."""
        return self._ended_by

    @property
    def data(self) -> Mapping[str, Any]:
        """The case's data as its next step would see them: the youngest branch that is being worked on, or the end's.

        A copy: it stays as it is when the case moves on, and nothing done to it reaches the case.
        """
        if self._tree.completed:
            return dict(copied({name: value for name, value in self._tree.data.items() if name != "data_objects"}))
        front = standing(self._tree, TaskState.READY | TaskState.STARTED) or standing(self._tree, TaskState.WAITING)
        task = max(front, key=lambda task: task.last_state_change, default=self._tree.task_tree)
        return dict(copied(task.data))

    def data_of(self, ref: str) -> Mapping[str, Any]:
        """Return the data of one open task or wait; raises NotOpen."""
        task = self._task(ref)
        if task is None:
            raise NotOpen(Message(f"任务({ref})不存在", f"Wanted the data of task {ref}; found no such task"))
        return dict(copied(task.data))

    def marking(self) -> str:
        """Return 64 hex digits that say where the case stands: what is open, what it waits for, with which data.

        Equal places give equal markings, whatever the refs, the way it got there or how it was stored.
        """
        trees = [(self._where(tree), tree.task_tree) for tree in self._trees()]
        end = [self.is_finished, self._ended_by, self._tree.data if self.is_finished else {}]
        return marking(trees, self.waits, end)

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
        self._seen = {}
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
                shape_of(task.task_spec),
                f"More than {STEP_BUDGET} steps ran by themselves; the drawing seems to run in circles",
            )

    def _after(self, task: Any) -> None:
        if task._state != TaskState.COMPLETED:
            raise EngineError(shape_of(task.task_spec), f"Expected the step to be completed, found it {task._state}")
        spec = task.task_spec
        if task.workflow is self._tree:
            if spec is self._tree.spec.end:
                self._ended_by = shape_of(task.parent.task_spec)
            elif isinstance(spec, EndEvent) and isinstance(spec.event_definition, TerminateEventDefinition):
                self._ended_by = spec.bpmn_id
        kind = kind_of(spec, self.definition.elements)
        if kind is not None:
            self._steps.append(
                Step(
                    element_id=shape_of(task.task_spec),
                    kind=kind,
                    taken=tuple(shape_of(child.task_spec) for child in task.children) if kind == "gateway" else (),
                    decision=self._scripts.decision,
                    result=self._scripts.result,
                    ref=task.id,
                )
            )

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
        return self.definition.elements[shape_of(task.task_spec)]

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
        if "waits" not in self._seen:
            self._seen["waits"] = self._find_waiting()
        return self._seen["waits"]  # type: ignore[no-any-return]

    def _find_waiting(self) -> list[tuple[Wait, Any]]:
        found: list[tuple[Wait, Any]] = []
        for tree in self._trees():
            for task in standing(tree, TaskState.WAITING):
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
                    found.append((self._wait(task.id, shape_of(spec), spec.event_definition, task, attached), task))
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
