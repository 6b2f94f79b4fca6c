"""Drawings and tables on disk, before they are deployed: check one, or let one table decide, without a database.

For whoever draws a process or writes a rule. What is asked here is asked of the same gate and the same tables that a deployed case
meets; a fault is told as a sentence, never as a traceback.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from engine.errors import BadDefinition, EngineError, Finding, Invalid, Message
from engine.runtime.decisions import Decision
from engine.runtime.expressions import SafeEnvironment
from engine.runtime.gate import check_path
from engine.runtime.parameters import Parameters
from engine.runtime.values import NotCarried, carried

if TYPE_CHECKING:
    from pathlib import Path

    from engine.runtime.decisions import DecisionResult

_LARGEST_INPUT = 100_000


def check_drawing(path: Path) -> tuple[tuple[Finding, ...], tuple[Message, ...]]:
    """Return what in a .bpmn or .dmn would not run as it says, and notes on what could not be checked; Invalid if it cannot be read."""
    if path.suffix not in {".bpmn", ".dmn"}:
        raise Invalid(
            Message(f"只能检查 .bpmn 和 .dmn,不是“{path.name}”", f"Expected a .bpmn or .dmn, found {path.name!r}")
        )
    try:
        return check_path(path)
    except OSError as error:
        raise Invalid(
            Message(f"文件打不开:{path.name}", f"The file {path.name!r} cannot be opened: {error.strerror}")
        ) from error


def decide_table(path: Path, told: str, *, year: int, county: str) -> DecisionResult:
    """Let a table decide over data given as a JSON object, with the policy numbers of a year and county that stand beside it.

    Invalid says what is wrong with the table, the data or the numbers.
    """
    data = _data(told)
    try:
        table = Decision.read(path.read_bytes(), path.name)
        numbers = [
            Parameters.read(file.read_bytes(), file.name)
            for file in sorted((path.parent / "parameters").glob("*.json"))
        ]
        return table.decide(data, SafeEnvironment({"parameter": _Numbers(numbers, year, county)}))
    except OSError as error:
        raise Invalid(
            Message(f"决策表打不开:{path.name}", f"The table {path.name!r} cannot be opened: {error.strerror}")
        ) from error
    except BadDefinition as refusal:
        first = refusal.findings[0]
        raise Invalid(Message(f"{first.file}:{first.line}: {first.reason.zh}", str(first))) from refusal
    except EngineError as error:
        raise Invalid(Message(f"判定不了:{error.reason}", f"It cannot be decided: {error.reason}")) from error


class _Numbers:
    """The policy numbers of several files, asked as a table asks."""

    def __init__(self, files: list[Parameters], year: int, county: str) -> None:
        self.files = files
        self.year = year
        self.county = county

    def __call__(self, name: str, *keys: Any) -> int | str | bool:
        """Return a number in force."""
        for parameters in self.files:
            if name in parameters.entries:
                return parameters.lookup(name, *keys, year=self.year, county=self.county)
        raise EngineError("", f"There is no policy number {name!r}")


def _data(told: str) -> dict[str, Any]:
    wanted = Message(
        '数据应是 JSON 对象,如 {"aid_fen": 3000000}', 'Expected a JSON object such as {"aid_fen": 3000000}'
    )
    if len(told) > _LARGEST_INPUT:
        raise Invalid(wanted)
    try:
        data = json.loads(told)
    except (ValueError, RecursionError) as error:
        found = str(error)
        raise Invalid(Message(f"{wanted.zh};{found}", f"{wanted.en}: {found}")) from error
    if not isinstance(data, dict):
        raise Invalid(wanted)
    try:
        checked: dict[str, Any] = carried(data)
    except NotCarried as error:
        raise Invalid(
            Message(f"数据里有不能用的值:{error}", f"The data hold what a case cannot carry: {error}")
        ) from error
    return checked
