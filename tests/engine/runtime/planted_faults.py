"""Ways to damage a stored state, each of which the comparison with plain SpiffWorkflow must notice.

A fault takes the content of a state (as `hot_state.encode` lays it out) and the definition, damages it where it can, and says
whether it could.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs.control import BoundaryEventSplit, _EndJoin
from SpiffWorkflow.bpmn.specs.mixins.events.event_types import CatchingEvent
from SpiffWorkflow.bpmn.specs.mixins.unstructured_join import UnstructuredJoin
from SpiffWorkflow.util.task import TaskState

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.runtime import Definition

_REF, _SHAPE, _PARENT, _STATE, _CHANGE, _TRIGGERED, _DATA, _BOOKS = range(8)


def lost_delta(content: Any, definition: Definition) -> bool:
    """One task's data fall back to the base."""
    for _, _, rows in _trees(content, definition):
        for row in rows:
            if isinstance(row[_DATA], list) and row[_STATE] == TaskState.READY and row[_DATA][0]:
                row[_DATA] = 1
                return True
    return False


def lost_deletion(content: Any, definition: Definition) -> bool:
    """One task sees names of the base that it did not have."""
    for _, _, rows in _trees(content, definition):
        for row in rows:
            if (
                isinstance(row[_DATA], list)
                and row[_DATA][1] == "-"
                and row[_DATA][2]
                and row[_STATE] == TaskState.READY
            ):
                row[_DATA][2] = []
                return True
    return False


def wrong_base(content: Any, definition: Definition) -> bool:
    """One value of the data base is another one."""
    base = content[3]
    if "v1" in base:
        base["v1"] += 1
    return "v1" in base


def true_for_one(content: Any, definition: Definition) -> bool:
    """A 1 comes back as true."""
    base = content[3]
    for name in ("v0", "v1", "v2"):
        if base.get(name) == 1:
            base[name] = True
            return True
    return False


def dropped_wait(content: Any, definition: Definition) -> bool:
    """A clock or message is not waited for any more."""
    for _, specs, rows in _trees(content, definition):
        for row in rows:
            if row[_STATE] == TaskState.WAITING and isinstance(specs[row[_SHAPE]], CatchingEvent):
                _drop_with_all_below(rows, row)
                return True
    return False


def dropped_task(content: Any, definition: Definition) -> bool:
    """A person's open step is gone."""
    for _, specs, rows in _trees(content, definition):
        for row in rows:
            if row[_STATE] == TaskState.READY and specs[row[_SHAPE]].manual:
                _drop_with_all_below(rows, row)
                return True
    return False


def dropped_arrival(content: Any, definition: Definition) -> bool:
    """A branch that has arrived at a join is forgotten."""
    return _drop_finished(
        content, definition, TaskState.CANCELLED, lambda spec: _is_join(spec) and not isinstance(spec, _EndJoin)
    )


def dropped_end(content: Any, definition: Definition) -> bool:
    """A branch that has ended, and whose data belong to the end, is forgotten."""
    return _drop_finished(content, definition, TaskState.CANCELLED, lambda spec: isinstance(spec, _EndJoin))


def dropped_parent_of_a_join(content: Any, definition: Definition) -> bool:
    """A waiting join no longer knows which of its inputs it stands for."""
    for _, specs, rows in _trees(content, definition):
        by_ref = {row[_REF]: row for row in rows}
        for row in rows:
            if (
                row[_STATE] == TaskState.WAITING
                and _is_join(specs[row[_SHAPE]])
                and not isinstance(specs[row[_SHAPE]], _EndJoin)
            ):
                parent = by_ref[row[_PARENT]]
                if parent[_PARENT] and sum(other[_PARENT] == parent[_REF] for other in rows) == 1:
                    row[_PARENT] = parent[_PARENT]
                    rows.remove(parent)
                    return True
    return False


def dropped_split(content: Any, definition: Definition) -> bool:
    """The ancestor under which a task's boundary events hang together is gone."""
    return _drop_finished(content, definition, TaskState.COMPLETED, lambda spec: isinstance(spec, BoundaryEventSplit))


def lost_books(content: Any, definition: Definition) -> bool:
    """A repeated step forgets which items are done and which are left."""
    for _, _, rows in _trees(content, definition):
        for row in rows:
            if len(row) > _BOOKS and row[_STATE] == TaskState.STARTED and row[_BOOKS].get("merged") is not None:
                row[_BOOKS] = {"merged": []}
                for other in rows:
                    if other[_PARENT] == row[_REF] and len(other) > _BOOKS:
                        other[_BOOKS].pop("key_or_index", None)
                return True
    return False


def dropped_call(content: Any, definition: Definition) -> bool:
    """A process that has been called is gone."""
    if len(content[4]) > 1:
        del content[4][-1]
        return True
    return False


def ready_again(content: Any, definition: Definition) -> bool:
    """A clock that waits is taken for one that has rung."""
    for _, specs, rows in _trees(content, definition):
        for row in rows:
            if row[_STATE] == TaskState.WAITING and isinstance(specs[row[_SHAPE]], CatchingEvent) and len(row) > _BOOKS:
                row[_STATE] = TaskState.READY
                return True
    return False


ALL: tuple[Callable[[Any, Any], bool], ...] = (
    lost_delta,
    lost_deletion,
    wrong_base,
    true_for_one,
    dropped_wait,
    dropped_task,
    dropped_arrival,
    dropped_end,
    dropped_parent_of_a_join,
    dropped_split,
    lost_books,
    dropped_call,
    ready_again,
)


def _trees(content: Any, definition: Definition) -> list[tuple[str, list[Any], list[Any]]]:
    """Return each tree's name, its shapes by number, and its rows."""
    found = []
    for number, tree in enumerate(content[4]):
        spec = definition.spec if number == 0 else definition.called_specs[tree[0]]
        found.append((tree[0], [spec.task_specs[name] for name in spec.shapes], tree[-1]))
    return found


def _is_join(spec: Any) -> bool:
    return isinstance(spec, UnstructuredJoin) and (isinstance(spec, _EndJoin) or len(spec._inputs) > 1)


def _drop_finished(content: Any, definition: Definition, state: int, wanted: Callable[[Any], bool]) -> bool:
    """Drop one finished row; what hung below it hangs below its parent."""
    for _, specs, rows in _trees(content, definition):
        for row in rows:
            if row[_STATE] == state and wanted(specs[row[_SHAPE]]) and row[_PARENT]:
                for other in rows:
                    if other[_PARENT] == row[_REF]:
                        other[_PARENT] = row[_PARENT]
                rows.remove(row)
                return True
    return False


def _drop_with_all_below(rows: list[Any], row: Any) -> None:
    gone = {row[_REF]}
    rows.remove(row)
    for other in rows[:]:
        if other[_PARENT] in gone:
            gone.add(other[_REF])
            rows.remove(other)
