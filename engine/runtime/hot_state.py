# ruff: noqa: SLF001 (the adapter is where the library's inside is known)
"""How a case's place in its process is written down between two steps: the hot state (DESIGN.md §4).

The process is not in it; the definition's digest is. Only the task tree is, as numbers into the definition's sorted list of shapes,
with one data base and each task's difference from it; a fingerprint of each list tells if the library ever makes other shapes of a
drawing. Nothing in it can name code: it is JSON of numbers, text and lists, and a reader that finds anything unexpected stops. A MAC
over every byte, with a key the database does not hold, tells a state we wrote from one somebody edited (RELIABILITY.md §0.4); the key
should be derived per case, so that one case's state is not another's. JSON is the standard library's: of the compact formats it is the
only one that needs no further package, and its encoder and decoder are a tenth of a step's cost.

Format 1: magic `BFS`, one byte format, 32 bytes digest, 32 bytes HMAC-SHA-256 over all the rest, then compact JSON in UTF-8.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs.mixins.events.event_types import CatchingEvent
from SpiffWorkflow.util.task import TaskState

from engine.errors import EngineError
from engine.runtime.tree import CalledTree, CaseTask, CaseTree, walk
from engine.runtime.values import copied, same

if TYPE_CHECKING:
    from engine.runtime.definition import Definition

_ROW = 7
"""Columns of a task that keeps no books of its own."""
_NOTHING, _BASE, _AS_ABOVE = 0, 1, 2
"""Data without a difference to tell: none at all, the base's, the same as the parent's."""
_UNKNOWN = object()
_REACHED = TaskState.READY | TaskState.STARTED | TaskState.WAITING
_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False)
_MAGIC = b"BFS"
FORMAT = 1
_DIGEST_AT = 4
_MAC_AT = _DIGEST_AT + 32
_BODY_AT = _MAC_AT + 32


def seal(definition: Definition, content: Any, key: bytes) -> bytes:
    """Return the bytes of a state: header, digest, MAC, body."""
    body = _encoder.encode(content).encode()
    head = _MAGIC + bytes([FORMAT]) + bytes.fromhex(definition.digest)
    return head + hmac.digest(key, head + body, hashlib.sha256) + body


def unseal(definition: Definition, state: bytes, key: bytes) -> Any:
    """Return the content of a state we wrote for this definition; raises EngineError for any other bytes."""
    if len(state) <= _BODY_AT or state[:3] != _MAGIC:
        raise EngineError("", "The stored state of the case is not one of ours")
    body = state[_BODY_AT:]
    if not hmac.compare_digest(state[_MAC_AT:_BODY_AT], hmac.digest(key, state[:_MAC_AT] + body, hashlib.sha256)):
        raise EngineError("", "The stored state of the case was changed outside the engine: its MAC does not match")
    if state[3] != FORMAT:
        raise EngineError("", f"Expected a state of format {FORMAT}, found format {state[3]}")
    if state[_DIGEST_AT:_MAC_AT] != bytes.fromhex(definition.digest):
        raise EngineError("", f"Expected a state of the definition {definition.digest[:12]}, found another one's")
    return _decoder.decode(body.decode())


def _refuse_number(text: str) -> Any:
    raise EngineError("", f"The stored state of the case holds the number {text}, which a case cannot carry")


_decoder = json.JSONDecoder(parse_float=_refuse_number, parse_constant=_refuse_number)


def encode(tree: CaseTree, ended_by: str | None) -> Any:
    """Return the content of a state: counters, the case's own tree, then the processes it called."""
    trees = [tree, *tree.subprocesses.values()]
    base = _base(tree)
    positions = {name: position for position, name in enumerate(base)}
    return [
        tree.last_number,
        tree.last_change,
        ended_by,
        base,
        [_encode_tree(one, base, positions) for one in trees],
    ]


def _base(tree: CaseTree) -> dict[str, Any]:
    """Return the data the others are told from: those of the step that was reached last."""
    data: dict[str, Any] = {}
    youngest = -1
    for task in tree.tasks.values():
        if task._state & _REACHED and task.data and task.last_state_change > youngest:
            youngest = task.last_state_change
            data = task.data
    return data


def _encode_tree(tree: Any, base: dict[str, Any], positions: dict[str, int]) -> Any:
    numbers = tree.spec.numbers
    rows: list[Any] = []
    for task in walk(tree.task_tree):
        above = task.above
        row = [
            int(task.id),
            numbers[task.task_spec.name],
            int(above.id) if above is not None else 0,
            task._state,
            task.last_state_change,
            1 if task.triggered else 0,
            _AS_ABOVE
            if above is not None and task.data and same(task.data, above.data)
            else _difference(task.data, base, positions),
        ]
        if task.internal_data and task._state & TaskState.NOT_FINISHED_MASK:
            row.append(task.internal_data)
        rows.append(row)
    return [
        tree.spec.name,
        tree.spec.fingerprint,
        int(tree.parent_task_id or 0),
        1 if tree.completed else 0,
        tree.data,
        tree.correlations,
        rows,
    ]


def _difference(data: dict[str, Any], base: dict[str, Any], positions: dict[str, int]) -> Any:
    """Return how data differ from the base: 0 no data, 1 the base itself, else [changed, sign, places of names in the base].

    The sign "-" says all of the base but these, "+" only these.
    """
    if not data:
        return _NOTHING
    if same(data, base):
        return _BASE
    changed = {}
    common = []
    for name, value in data.items():
        known = base.get(name, _UNKNOWN)
        if value is known or same(value, known):
            common.append(positions[name])
        else:
            changed[name] = value
    if len(common) == len(base):
        return [changed, "-", []]
    if len(common) * 2 < len(base):
        return [changed, "+", common]
    return [changed, "-", [position for name, position in positions.items() if name not in data]]


def _rebuilt(difference: Any, base: dict[str, Any], names: list[str], above: Any) -> dict[str, Any]:
    """Return the data a difference tells of, sharing no list with anybody's."""
    if difference == _NOTHING:
        return {}
    if difference == _BASE:
        return copied(base)  # type: ignore[no-any-return]
    if difference == _AS_ABOVE:
        return copied(above.data)  # type: ignore[no-any-return]
    changed, sign, places = difference
    if sign == "-":
        left_out = {names[place] for place in places}
        data = {name: value for name, value in base.items() if name not in left_out}
    else:
        data = {names[place]: base[names[place]] for place in places}
    data.update(changed)
    return copied(data)  # type: ignore[no-any-return]


def decode(definition: Definition, content: Any, script_engine: Any) -> tuple[CaseTree, str | None]:
    """Rebuild the trees of a case from the content of its state, and return them with the end that ended it."""
    last_number, last_change, ended_by, base, trees = content
    top = CaseTree(definition.spec, dict(definition.called_specs), script_engine, planted=False)
    waiting: list[Any] = []
    names = list(base)
    for index, (name, fingerprint, parent, completed, data, correlations, rows) in enumerate(trees):
        if index == 0:
            tree: Any = top
        else:
            owner = str(parent)
            tree = CalledTree(definition.called_specs[name], owner, top, planted=False)
            top.subprocesses[owner] = tree
            call = top.get_task_from_id(owner)
            tree.completed_event.connect(call.task_spec._on_subworkflow_completed, call)
        tree.completed = bool(completed)
        tree.data = data
        tree.correlations = correlations
        if fingerprint != tree.spec.fingerprint:
            raise EngineError("", f"The state of {name} was written for other shapes; was the library changed?")
        specs, shapes = tree.spec.task_specs, tree.spec.shapes
        for row in rows:
            task = CaseTask(tree, specs[shapes[row[1]]], tree.tasks.get(str(row[2])), row[3], str(row[0]))
            task.last_state_change = row[4]
            task.triggered = bool(row[5])
            task.data = _rebuilt(row[6], base, names, task.above)
            if len(row) > _ROW:
                task.internal_data = row[7]
            if row[2] == 0:
                tree.task_tree = task
            if task._state == TaskState.WAITING and isinstance(task.task_spec, CatchingEvent):
                waiting.append(task)
    for task in sorted(waiting, key=lambda task: task.last_state_change):
        top.event_manager.add_task(task)
    top.last_number = last_number
    top.last_change = last_change
    return top, ended_by
