# ruff: noqa: SLF001, D102 (the adapter is where the library's inside is known; overrides keep the library's meaning)
# mypy: disallow-subclassing-any=False
"""The task tree of one case: SpiffWorkflow's workflow and task classes, without what an approval engine must not have.

The library gives each task a random id, reads the wall clock at every change of state, builds a dictionary for a log line nobody
writes and walks the tree with an iterator that stops at depth 1,000 (PERFORMANCE.md §3 and §4). These subclasses number the tasks
in the order they are made, so the same steps give the same numbers on any machine; count changes of state instead of reading a
clock; build no log dictionaries; and walk plainly, depth first, to any depth. What a task is and when it may run stays the
library's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow
from SpiffWorkflow.bpmn.util.task import BpmnTaskFilter
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.event import Event
from SpiffWorkflow.util.task import TaskState

if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_FINISHED = TaskState.NOT_FINISHED_MASK


class CaseTask(Task):
    """A task with a number for its id and a count for its time."""

    def __init__(  # the library's own draws a random id and reads the clock, so it is not called
        self,
        workflow: Any,
        task_spec: Any,
        parent: Any = None,
        state: int = TaskState.MAYBE,
        id: str | None = None,  # noqa: A002  (the library's own name)
    ) -> None:
        top = workflow.top_workflow
        if id is None:
            top.last_number += 1
            id = str(top.last_number)  # noqa: A001
        self.id = id
        workflow.tasks[id] = self
        self.workflow = workflow
        self._parent = parent.id if parent is not None else None
        self._children: list[str] = []
        self._state = state
        self.triggered = False
        self.task_spec = task_spec
        self.thread_id = 0
        self.data: dict[str, Any] = {}
        self.internal_data: dict[str, Any] = {}
        self.last_state_change = 0
        if parent is not None:
            parent._children.append(id)

    def _add_child(self, task_spec: Any, state: int = TaskState.MAYBE) -> CaseTask:
        task = CaseTask(self.workflow, task_spec, self, state=state)
        if state == TaskState.READY:
            task._ready()
        return task

    def _set_state(self, value: int) -> None:
        if value != self._state:
            top = self.workflow.top_workflow
            top.last_change += 1
            self.last_state_change = top.last_change
            self._state = value

    def _inherit_data(self) -> None:
        super()._inherit_data()
        for name in getattr(self.task_spec, "reset_fields", ()):
            self.data.pop(name, None)

    def is_descendant_of(self, task: Any) -> bool:
        ancestor = self.parent
        while ancestor is not None:
            if ancestor is task:
                return True
            ancestor = ancestor.parent
        return False

    def find_ancestor(self, spec_name: str) -> Any:
        ancestor = self.parent
        while ancestor is not None and ancestor.task_spec.name != spec_name:
            ancestor = ancestor.parent
        return ancestor

    def collect_log_extras(self, _dct: Any = None) -> dict[str, Any]:
        return {}

    def __iter__(self) -> Iterator[Any]:
        return iter(walk(self))


def walk(task: Any, state: int = TaskState.ANY_MASK, end_at_spec: str | None = None) -> list[Any]:
    """Return the tasks of the subtree in `state`, depth first, in the order the library's iterator gives them.

    Like the library's, the walk does not look below a task of `end_at_spec`, nor below tasks too early to have children in `state`.
    """
    if state & TaskState.PREDICTED_MASK:
        lowest = TaskState.MAYBE
    elif state & TaskState.DEFINITE_MASK:
        lowest = TaskState.FUTURE
    else:
        lowest = TaskState.COMPLETED
    found = []
    tasks = task.workflow.tasks
    stack = [task]
    while stack:
        current = stack.pop()
        if current._state & state:
            found.append(current)
        if current._children and current._state >= lowest and current.task_spec.name != end_at_spec:
            stack.extend([tasks[child] for child in reversed(current._children)])
    return found


def walk_with_calls(
    task: Any, state: int = TaskState.ANY_MASK, end_at_spec: str | None = None, *, skip_subprocesses: bool = False
) -> list[Any]:
    """Return the tasks of the subtree in `state` as :func:`walk` does, and those of the processes it called."""
    if state & TaskState.PREDICTED_MASK:
        lowest = TaskState.MAYBE
    elif state & TaskState.DEFINITE_MASK:
        lowest = TaskState.FUTURE
    else:
        lowest = TaskState.COMPLETED
    called = {} if skip_subprocesses else task.workflow.top_workflow.subprocesses
    found = []
    stack = [task]
    while stack:
        current = stack.pop()
        if current._state & state:
            found.append(current)
        inside = called.get(current.id)
        if (current._children or inside is not None) and (current._state >= lowest or inside is not None):
            if current.task_spec.name == end_at_spec:
                continue
            tasks = current.workflow.tasks
            stack.extend([tasks[child] for child in reversed(current._children)])
            if inside is not None:
                stack.append(inside.task_tree)
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
        self.task_tree.task_spec._predict(self.task_tree, mask=NOT_FINISHED)
        self.task_tree._ready()

    def collect_log_extras(self, _dct: Any = None) -> dict[str, Any]:
        return {}

    def get_tasks_iterator(
        self,
        first_task: Any = None,
        *,
        state: int = TaskState.ANY_MASK,
        end_at_spec: str | None = None,
        skip_subprocesses: bool = False,
        task_filter: Any = None,
        **wanted: Any,
    ) -> Iterator[Any]:
        start = first_task or self.task_tree
        if task_filter is not None:
            state = task_filter.state
        found = walk_with_calls(start, state, end_at_spec, skip_subprocesses=skip_subprocesses)
        if wanted.keys() == {"spec_name"}:
            name = wanted["spec_name"]
            return iter([task for task in found if task.task_spec.name == name])
        if wanted or task_filter is not None:
            accepts = (task_filter or BpmnTaskFilter(state=state, **wanted)).matches
            return iter([task for task in found if accepts(task)])
        return iter(found)

    def is_completed(self) -> bool:
        if not self.completed and not walk(self.task_tree, NOT_FINISHED):
            self.completed = True
        return self.completed

    def update_waiting_tasks(self) -> None:
        for task in walk(self.task_tree, TaskState.WAITING):
            task.task_spec._update(task)


class CaseTree(_Tree, BpmnWorkflow):
    """The tree of a case. `last_number` is the number of the youngest task, `last_change` counts changes of state."""

    def __init__(self, spec: Any, called: dict[str, Any], script_engine: Any, *, planted: bool = True) -> None:
        self.last_number = 0
        self.last_change = 0
        super().__init__(spec, called, script_engine, deserializing=True)
        if planted:
            self._plant()

    def create_subprocess(self, my_task: Any, spec_name: str) -> CalledTree:
        called = CalledTree(self.subprocess_specs[spec_name], my_task.id, self)
        self.subprocesses[my_task.id] = called
        return called

    def refresh_timers(self) -> None:
        """Do nothing: a clock rings only when it is fired."""

    def _do_engine_steps(self, will_complete_task: Any = None, did_complete_task: Any = None) -> bool:
        """Run what is ready and needs nobody, as the library does, but never a task that a neighbour has just cancelled."""

        def run_ready(workflow: Any) -> int:
            count = 0
            for task in workflow.get_tasks(state=TaskState.READY):
                if not task.task_spec.manual and task._state == TaskState.READY:
                    will_complete_task(task)
                    task.run()
                    count += 1
                    did_complete_task(task)
            return count

        active = self.get_active_subprocesses()
        for called in sorted(active, key=lambda tree: tree.depth, reverse=True):
            while run_ready(called) > 0:
                pass
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
