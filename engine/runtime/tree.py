# mypy: disallow-subclassing-any=False
# ruff: noqa: SLF001, D102 (the adapter is where the library's inside is known; overrides keep the library's meaning)
"""The task tree of one case: SpiffWorkflow's workflow and task classes, without what an approval engine must not have.

The library gives each task a random id, reads the wall clock at every change of state, builds a dictionary for a log line nobody
writes, walks the tree with an iterator that stops at depth 1,000, and draws the whole way ahead into the tree (PERFORMANCE.md §3,
§4). These subclasses number the tasks in the order they are made, so the same steps give the same numbers on any machine; count
changes of state instead of reading a clock; build no log dictionaries; walk plainly, depth first, to any depth; and make a task's
children when the task runs, not before. What a task is and when it may run stays the library's business.

One thing needs the way ahead: the library's inclusive join finds out from it whether another branch may still arrive. In a process
with such a join (`spec.looks_ahead`) the tree is drawn ahead as the library does it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs.mixins.events.event_types import CatchingEvent
from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import EventBasedGateway
from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow
from SpiffWorkflow.bpmn.util.task import BpmnTaskFilter
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.specs.MultiChoice import MultiChoice
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.event import Event
from SpiffWorkflow.util.task import TaskState

from engine.errors import EngineError
from engine.runtime.values import copied

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOT_FINISHED = TaskState.NOT_FINISHED_MASK
_NOT_REACHED = TaskState.PREDICTED_MASK | TaskState.FUTURE
_READY = TaskState.READY
_WAITING = TaskState.WAITING
_ANY = TaskState.ANY_MASK
_DEEPEST_CALL = 8


class CaseTask(Task):
    """A task with a number for its id, a count for its time, and its parent and children at hand."""

    def __init__(  # the library's own draws a random id and reads the clock, so it is not called
        self,
        workflow: Any,
        task_spec: Any,
        parent: Any = None,
        state: int = TaskState.MAYBE,
        id: str | None = None,  # noqa: A002  (the library's own name)
    ) -> None:
        if id is None:
            top = workflow.top_workflow
            top.last_number += 1
            id = str(top.last_number)  # noqa: A001
        self.id = id
        workflow.tasks[id] = self
        self.workflow = workflow
        self.above = parent
        self.below: list[CaseTask] = []
        self._state = state
        self.triggered = False
        self.task_spec = task_spec
        self.thread_id = 0
        self.data: dict[str, Any] = {}
        self.internal_data: dict[str, Any] = {}
        self.last_state_change = 0
        if parent is not None:
            parent.below.append(self)

    @property
    def parent(self) -> Any:
        return self.above

    @property
    def children(self) -> list[CaseTask]:
        return self.below[:]

    @property
    def _children(self) -> list[CaseTask]:
        return self.below

    @property
    def _parent(self) -> str | None:
        return self.above.id if self.above is not None else None

    def run(self) -> Any:
        """Make the children, then run; the gateways that choose make their own."""
        spec = self.task_spec
        if not self.workflow.spec.looks_ahead and not isinstance(spec, (MultiChoice, EventBasedGateway)):
            spec._predict_hook(self)
        return super().run()

    def _sync_children(self, task_specs: list[Any], state: int = TaskState.MAYBE) -> None:
        if self._state & _NOT_REACHED and not self.workflow.spec.looks_ahead:
            return
        super()._sync_children(task_specs, state)

    def _add_child(self, task_spec: Any, state: int = TaskState.MAYBE) -> CaseTask:
        if self._state & _NOT_REACHED and state & _NOT_REACHED and not self.workflow.spec.looks_ahead:
            return self  # a choice draws its ways ahead with this, and does not look at what it gets
        task = CaseTask(self.workflow, task_spec, self, state=state)
        if state == _READY:
            task._ready()
        return task

    def _set_state(self, value: int) -> None:
        if value != self._state:
            top = self.workflow.top_workflow
            top.last_change += 1
            self.last_state_change = top.last_change
            self._state = value

    def _inherit_data(self) -> None:
        """Take over the parent's data, sharing no list with it, but not the answers the step forgets when it opens again."""
        parent_data = self.above.data
        if not self.data:
            self.data = copied(parent_data)
        elif self.data != parent_data:
            super()._inherit_data()
        for name in getattr(self.task_spec, "reset_fields", ()):
            self.data.pop(name, None)

    def is_descendant_of(self, task: Any) -> bool:
        ancestor = self.above
        while ancestor is not None:
            if ancestor is task:
                return True
            ancestor = ancestor.above
        return False

    def find_ancestor(self, spec_name: str) -> Any:
        ancestor = self.above
        while ancestor is not None and ancestor.task_spec.name != spec_name:
            ancestor = ancestor.above
        return ancestor

    def collect_log_extras(self, _dct: Any = None) -> dict[str, Any]:
        return {}

    def __iter__(self) -> Iterator[Any]:
        return iter(walk(self))


def standing(tree: Any, state: int) -> list[Any]:
    """Return the tasks of a whole tree that are in `state` (READY, STARTED or WAITING), in the order of :func:`walk`.

    Mostly there are none or one, and then no order needs finding.
    """
    found = [task for task in tree.tasks.values() if task._state & state]
    return found if len(found) <= 1 else walk(tree.task_tree, state)


def walk(task: Any, state: int = _ANY, end_at_spec: str | None = None, called: Any = None) -> list[Any]:
    """Return the tasks of the subtree in `state`, depth first, in the order the library's iterator gives them.

    Like the library's, the walk does not look below a task of `end_at_spec`, nor below tasks too early to have children in `state`.
    With `called` (the trees of calls by the ref of the call) it also looks into these, before the children of the call.
    """
    if state & TaskState.PREDICTED_MASK:
        lowest = TaskState.MAYBE
    elif state & TaskState.DEFINITE_MASK:
        lowest = TaskState.FUTURE
    else:
        lowest = TaskState.COMPLETED
    found = []
    stack = [task]
    while stack:
        current = stack.pop()
        current_state = current._state
        if current_state & state:
            found.append(current)
        if current.below and current_state >= lowest and (end_at_spec is None or current.task_spec.name != end_at_spec):
            stack.extend(reversed(current.below))
        if called and current.id in called:
            stack.append(called[current.id].task_tree)
    return found


class _Tree:
    """What the tree of a case and the trees of the processes it calls have in common."""

    spec: Any
    tasks: dict[str, Any]
    task_tree: Any
    completed: bool
    top_workflow: Any

    def _plant(self) -> None:
        self.task_tree = CaseTask(self, self.spec.start, state=TaskState.FUTURE)
        self.task_tree.task_spec._predict(self.task_tree, mask=_NOT_FINISHED)
        self.task_tree._ready()

    def collect_log_extras(self, _dct: Any = None) -> dict[str, Any]:
        return {}

    def get_tasks(self, first_task: Any = None, **wanted: Any) -> list[Any]:
        return list(self.get_tasks_iterator(first_task, **wanted))

    def get_tasks_iterator(
        self,
        first_task: Any = None,
        *,
        state: int = _ANY,
        end_at_spec: str | None = None,
        skip_subprocesses: bool = False,
        task_filter: Any = None,
        **wanted: Any,
    ) -> Iterator[Any]:
        if task_filter is not None:
            state = task_filter.state
        called = None if skip_subprocesses else self.top_workflow.subprocesses
        found = walk(first_task or self.task_tree, state, end_at_spec, called)
        if wanted.keys() == {"spec_name"}:
            name = wanted["spec_name"]
            return iter([task for task in found if task.task_spec.name == name])
        if wanted or task_filter is not None:
            accepts = (task_filter or BpmnTaskFilter(state=state, **wanted)).matches
            return iter([task for task in found if accepts(task)])
        return iter(found)

    def is_completed(self) -> bool:
        if not self.completed and not any(task._state & _NOT_FINISHED for task in self.tasks.values()):
            self.completed = True
        return self.completed

    def update_waiting_tasks(self) -> None:
        """Ask the waiting joins whether they may go on; an event needs no asking, it is told when it happens."""
        for task in standing(self, _WAITING):
            if not isinstance(task.task_spec, CatchingEvent):
                task.task_spec._update(task)

    def _remove_task(self, task_id: str) -> None:
        """Take a task and all below it out of the tree, with the call it may have made and the event it may wait for.

        The library forgets the last two when it cancels a repeated call, and then fails or hears events that nobody waits for.
        """
        task = self.tasks[task_id]
        for child in task.children:
            self._remove_task(child.id)
        task.above.below.remove(task)
        del self.tasks[task_id]
        top = self.top_workflow
        top.event_manager.remove_task(task)
        called = top.subprocesses.pop(task_id, None)
        if called is not None and not called.completed:
            called.cancel()


class CaseTree(_Tree, BpmnWorkflow):
    """The tree of a case. `last_number` is the number of the youngest task, `last_change` counts changes of state."""

    def __init__(self, spec: Any, called: dict[str, Any], script_engine: Any, *, planted: bool = True) -> None:
        self.last_number = 0
        self.last_change = 0
        super().__init__(spec, called, script_engine, deserializing=True)
        if planted:
            self._plant()

    def take_apart(self) -> None:
        """Untie the tasks from each other and from their trees; nothing can be asked of them afterwards."""
        trees: tuple[Any, ...] = (self, *self.subprocesses.values())
        for tree in trees:
            for task in tree.tasks.values():
                task.above = task.workflow = None
                task.below = []
            tree.tasks.clear()
            tree.task_tree = tree.last_task = None
        self.subprocesses.clear()
        self.event_manager.tasks.clear()
        self.event_manager.workflow = None

    def create_subprocess(self, my_task: Any, spec_name: str) -> CalledTree:
        called = CalledTree(self.subprocess_specs[spec_name], my_task.id, self)
        if called.depth > _DEEPEST_CALL:
            raise EngineError(
                my_task.task_spec.name, f"Calls are nested deeper than {_DEEPEST_CALL}; does a process call itself?"
            )
        self.subprocesses[my_task.id] = called
        return called

    def refresh_timers(self) -> None:
        """Do nothing: a clock rings only when it is fired."""

    def _do_engine_steps(self, will_complete_task: Any = None, did_complete_task: Any = None) -> bool:
        """Run what is ready and needs nobody, as the library does, but never a task that a neighbour has just cancelled."""

        def run_ready(tree: Any) -> int:
            count = 0
            ready = (
                walk(tree.task_tree, _READY, None, self.subprocesses) if self.subprocesses else standing(tree, _READY)
            )
            for task in ready:
                if not task.task_spec.manual and task._state == _READY:
                    will_complete_task(task)
                    task.run()
                    count += 1
                    did_complete_task(task)
            return count

        active = self.get_active_subprocesses()
        for called in sorted(active, key=lambda tree: tree.depth, reverse=True):
            while run_ready(called) > 0:
                pass
            if self.subprocesses.get(called.parent_task_id) is called:
                task = self.get_task_from_id(called.parent_task_id)
                task.task_spec._update(task)
        count = run_ready(self)
        return count > 0 or len(self.get_active_subprocesses()) > len(active)


class CalledTree(_Tree, BpmnSubWorkflow):
    """The tree of a process that a case has called."""

    def __init__(self, spec: Any, parent_task_id: str, top_workflow: CaseTree, *, planted: bool = True) -> None:
        super().__init__(spec, parent_task_id, top_workflow, deserializing=True)
        self.completed_event = Event()
        if planted:
            self._plant()
