# ruff: noqa: SLF001 (the adapter is where the library's inside is known)
"""Which finished tasks a case still needs; all others leave its tree (DESIGN.md §4).

Left alone, the library's tree grows with every step ever taken, each step costs more than the last, and a loop fails at its 246th
round (PERFORMANCE.md §3). What has been done is in the audit; the tree only has to know what the rest of the way can ask it. The
library asks finished tasks these questions, and no others:

- a waiting task reads its parent's data and state each time it is looked at: its parent stays;
- the join around a task with boundary events looks at its split and the split's children: they stay while the join is unfinished;
- a join reads which of its inputs have arrived from earlier arrivals, which it has cancelled, and merges their parents' data: an
  earlier arrival and its parent stay until the join has fired. The join of all ends merges them only when the process ends, so of
  its arrivals one stays, with their data merged in the order they came.

Where every way through a process that is not beside the flow ends in a terminate end (`spec.always_terminates`), the join of all ends
never fires, since a way is open until then; so there the data of branches that have ended are not asked for either.

The tasks that stay keep their order and who is whose ancestor. A join that can be passed twice would in the library also count the
arrivals of earlier rounds, and so fire early (BPMN.md A11); here they are gone. The gate refuses such drawings anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs.control import _EndJoin
from SpiffWorkflow.bpmn.specs.mixins.unstructured_join import UnstructuredJoin
from SpiffWorkflow.specs.Join import Join
from SpiffWorkflow.util.deep_merge import DeepMerge
from SpiffWorkflow.util.task import TaskState

from engine.runtime.tree import walk

if TYPE_CHECKING:
    from engine.runtime.tree import CaseTree

_UNFINISHED = TaskState.NOT_FINISHED_MASK
_PLAIN, _JOIN, _END_JOIN, _STRUCTURED = range(4)
_roles: dict[type, int] = {}


def _role(spec: Any) -> int:
    """Return how a kind of shape looks at finished tasks."""
    kind = type(spec)
    if kind not in _roles:
        kinds = ((_EndJoin, _END_JOIN), (UnstructuredJoin, _JOIN), (Join, _STRUCTURED))
        _roles[kind] = next((role for cls, role in kinds if issubclass(kind, cls)), _PLAIN)
    return _roles[kind]


def prune(top: CaseTree) -> None:
    """Take out of the case's trees what nothing can ask for any more."""
    for ref, called in list(top.subprocesses.items()):
        if called.completed or top.completed:
            del top.subprocesses[ref]
    for tree in (top, *top.subprocesses.values()):
        _prune(tree)


def _prune(tree: Any) -> None:
    order = walk(tree.task_tree)
    root = tree.task_tree
    keep = set() if tree.completed else _needed(order, ends_matter=not tree.spec.always_terminates)
    if root not in keep:
        keep.add(root)
        root.data = {}
    if len(keep) == len(order):
        return
    nearest: dict[Any, Any] = {None: None}
    for task in order:
        above = nearest[task.above]
        if task not in keep:
            nearest[task] = above
            del tree.tasks[task.id]
            # Untied, so that it is gone at once and not a ring for the collector to find.
            task.above, task.below = None, []
            continue
        nearest[task] = task
        task.below = []
        if above is not None:
            task.above = above
            above.below.append(task)


def _needed(order: list[Any], *, ends_matter: bool) -> set[Any]:  # noqa: C901, PLR0912  (one question of the library after another)
    """Return the tasks that stay."""
    keep: set[Any] = set()
    arrivals: list[Any] = []
    fired: dict[str, int] = {}
    for task in order:
        spec = task.task_spec
        state = task._state
        role = _role(spec)
        if state & _UNFINISHED:
            keep.add(task)
            if state == TaskState.WAITING:
                keep.add(task.above)
                if role == _END_JOIN and not ends_matter:
                    task.above.data = {}
            if role == _STRUCTURED and spec.split_task is not None:
                split = task.find_ancestor(spec.split_task)
                keep.add(split)
                keep.update(split.below)
        elif role == _END_JOIN or (role == _JOIN and len(spec._inputs) > 1):
            if state == TaskState.CANCELLED:
                arrivals.append(task)
            else:
                fired[spec.name] = max(fired.get(spec.name, 0), task.last_state_change)
    ends = []
    for task in arrivals:
        if task.last_state_change > fired.get(task.task_spec.name, 0):
            if _role(task.task_spec) == _END_JOIN:
                if ends_matter:
                    ends.append(task)
            else:
                keep.update((task, task.above))
    if ends:
        ends.sort(key=lambda task: task.last_state_change)
        last = ends[-1]
        if len(ends) > 1:
            merged: dict[str, Any] = {}
            for task in ends:
                DeepMerge.merge(merged, task.above.data)
            last.above.data = merged
        keep.update((last, last.above))
    return keep
