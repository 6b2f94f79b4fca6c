"""Decision tables: every row stands on a citation, some row always hits, and every name is declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import Finding, Message
from engine.runtime.expressions import RESERVED, read
from engine.runtime.gate.drawing import Process, at, finding
from engine.runtime.gate.values import undeclared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.runtime.decisions import Decision
    from engine.runtime.gate.known import Known


def check_table(path: str, table: Decision, known: Known) -> Iterator[Finding]:
    """Find rows without a citation, tables that may give no answer, and names that are not declared."""
    for row in table.rows:
        if not row.citation:
            yield finding(
                path,
                row.line,
                row.id or table.id,
                "no-citation",
                Message(f"第 {row.number} 行没有写依据", f"Row {row.number} cites no rule."),
                Message("写明文号和条款,或“待县确认”", "Cite document and article, or 待县确认."),
            )
    last = table.rows[-1]
    if table.hit_policy != "UNIQUE" and any(cell is not None for cell in last.conditions):
        yield finding(
            path,
            last.line,
            last.id or table.id,
            "no-last-row",
            Message(
                "最后一行不是全部为“-”,可能没有一行命中", "The last row is not all “-”; it may be that no row hits."
            ),
            Message("加一行各格都是“-”的", "Add a last row whose cells are all “-”."),
        )
    for column in table.inputs:
        yield from undeclared(known, path, column.line, table.id, set(read(column.expression).names))
    for column in table.outputs:
        yield from undeclared(known, path, column.line, table.id, {column.expression})
    for row in table.rows:
        asked = {name for cell in (*row.conditions, *row.results) if cell is not None for name in cell.names}
        yield from undeclared(known, path, row.line, row.id or table.id, asked - RESERVED)


def check_decisions(process: Process, known: Known) -> Iterator[Finding]:
    """Find rule tasks that name no table."""
    for shape in process.shapes.values():
        if shape.kind != "businessRuleTask":
            continue
        if not shape.decision or (known.decisions is not None and shape.decision not in known.decisions):
            yield at(
                process,
                shape,
                "decision-missing",
                Message(f"没有决策表“{shape.decision}”", f"There is no decision table {shape.decision!r}."),
                Message("把它的 .dmn 放进来,或改正名称", "Bring its .dmn along, or correct the name."),
            )
