"""The gate before deployment: whatever would not run as BPMN says is refused here, with file, line, reason and remedy.

SpiffWorkflow accepts drawings it then runs differently: it leaves elements out, lets joins go on early, decides by the height of a
shape in the picture, loses data on boundary branches (BPMN.md A, reproduced). A drawing that passes this gate uses only what was
tried and found right. The gate reads; it runs nothing of what it reads.

Each family of rules has a file of its own: shapes, conditions, ways, forks, calls, people, values, tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import BadDefinition, Finding, Message
from engine.runtime.gate.calls import check_calls, waiting_in
from engine.runtime.gate.conditions import check_conditions
from engine.runtime.gate.forks import check_forks
from engine.runtime.gate.known import Known
from engine.runtime.gate.parsing import check_parsing
from engine.runtime.gate.people import check_people
from engine.runtime.gate.shapes import check_shapes
from engine.runtime.gate.tables import check_decisions, check_table
from engine.runtime.gate.values import check_values
from engine.runtime.gate.ways import check_ways

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from engine.runtime.bundle import Bundle

MOST_FINDINGS = 200
"""A file with more faults than this shows the first ones."""
ALONE = Message(
    "旁边没有数据字典,岗位、表单、名称未检查",
    "No dictionary stands beside it; posts, forms and names were not checked.",
)


def check_bundle(bundle: Bundle) -> tuple[Finding, ...]:
    """Return everything about a process that would not run as it says; nothing where it may be deployed."""
    return _checked(bundle.files, bundle.process_id)


def check_file(path: str, content: bytes) -> tuple[Finding, ...]:
    """Return what can be found in one .bpmn or .dmn that stands alone."""
    return _checked({path: content}, None)


def check_path(path: Path) -> tuple[tuple[Finding, ...], tuple[Message, ...]]:
    """Return the findings of a file on disk, checked with what stands beside it, and notes on what could not be checked."""
    content = path.read_bytes()
    alone = check_file(path.name, content)
    found: dict[Finding, None] = {}
    is_part = False
    for process_id in _beside(path.parent):
        files = _files(path.parent, process_id)
        if files.get(path.name) == content:
            is_part = True
            found.update(dict.fromkeys(one for one in _checked(files, process_id) if one.file == path.name))
    return (tuple(found) if is_part else alone), (() if is_part else (ALONE,))


def _beside(folder: Path) -> list[str]:
    return sorted(path.name.removesuffix(".dictionary.json") for path in folder.glob("*.dictionary.json"))


def _files(folder: Path, process_id: str) -> Mapping[str, bytes]:
    from engine.runtime.bundle import Bundle

    try:
        return Bundle.from_folder(folder, process_id).files
    except (BadDefinition, OSError):
        return {}


def _checked(files: Mapping[str, bytes], process_id: str | None) -> tuple[Finding, ...]:
    known = Known.of(files, process_id)
    found = list(dict.fromkeys(_findings(known, process_id)))
    if not found:
        found = list(check_parsing(known, files, process_id))
    found.sort(key=lambda one: (one.file, one.line, one.element, one.rule))
    return tuple(found[:MOST_FINDINGS])


def _findings(known: Known, process_id: str | None) -> Iterator[Finding]:
    yield from known.findings
    called = {
        shape.node.get("calledElement", "")
        for process in known.processes.values()
        for shape in process.shapes.values()
        if shape.kind == "callActivity"
    }
    waits = waiting_in(known.processes)
    for drawing in known.drawings:
        yield from check_shapes(drawing)
        for process in drawing.processes:
            # A process that declares what it is handed was drawn to be called.
            is_called = process.id in called or (process_id is None and process.declares_data)
            yield from check_conditions(process)
            yield from check_ways(process, waits)
            yield from check_forks(process, is_called=is_called)
            yield from check_people(process, known, is_called=is_called)
            yield from check_decisions(process, known)
    yield from check_calls(known.drawings, is_whole=process_id is not None)
    for path, table in (known.decisions or {}).values():
        yield from check_table(path, table, known)
    if process_id is not None:
        yield from check_values(known, process_id)
