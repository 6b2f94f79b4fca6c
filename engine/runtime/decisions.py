"""Decision tables: which rows hit, what they say, and the rule each of them stands on.

The library's own reader notices no second hit under UNIQUE, forgets the outputs of COLLECT where nothing hits and evaluates cells with
`eval` (BPMN.md A14; RELIABILITY.md §0.2). This one reads the same files with the safe language, keeps every hit with its citation for
the brief and the audit, and gives the same answer in the running process, in `bangfu decide` and in a test.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import EngineError
from engine.runtime.expressions import CELL_INPUT, Compiled, Refused, SafeEnvironment, compile_tree, parse, read
from engine.runtime.reading import local_name, read_xml, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_ROWS = 500
HIT_POLICIES = ("FIRST", "UNIQUE", "COLLECT")
_INPUT = CELL_INPUT
_COMPARISON = re.compile(r"^\s*(>=|<=|==|!=|>|<|not\s+in\b|in\b)")


@dataclass(frozen=True, slots=True)
class Column:
    """An input or output column: its label, and the expression (input) or the name it sets (output)."""

    label: str
    expression: str
    line: int


@dataclass(frozen=True, slots=True)
class Row:
    """A rule: its number from 1, its id, the citation it stands on, and its cells."""

    number: int
    id: str
    citation: str
    conditions: tuple[Compiled | None, ...]
    results: tuple[Compiled, ...]
    cells: tuple[str, ...]
    """All cells as written, inputs then outputs, for showing the table."""
    line: int


@dataclass(frozen=True, slots=True)
class RowHit:
    """A row that hit: number, id, citation, and what it gave."""

    number: int
    id: str
    citation: str
    outputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DecisionResult:
    """What a table decided over which inputs, and why."""

    table: str
    hit_policy: str
    outputs: Mapping[str, Any]
    hits: tuple[RowHit, ...]
    inputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision table as deployed."""

    id: str
    name: str
    hit_policy: str
    inputs: tuple[Column, ...]
    outputs: tuple[Column, ...]
    rows: tuple[Row, ...]

    @classmethod
    def read(cls, content: bytes, path: str = "decision.dmn") -> Decision:
        """Read a DMN file with one decision; BadDefinition says what is wrong with it, and on which line."""
        return _read_decision(path, read_xml(path, content))

    def decide(self, data: Mapping[str, Any], environment: SafeEnvironment) -> DecisionResult:
        """Return what the table says of these data; EngineError where nothing hits or UNIQUE is hit twice."""
        values = [environment.evaluate(column.expression, data) for column in self.inputs]
        hits: list[RowHit] = []
        for row in self.rows:
            if all(_holds(cell, value, data, environment) for cell, value in zip(row.conditions, values, strict=True)):
                given = {
                    column.expression: environment.run(cell, _known(cell, data))
                    for column, cell in zip(self.outputs, row.results, strict=True)
                }
                hits.append(RowHit(row.number, row.id, row.citation, given))
                if self.hit_policy == "FIRST":
                    break
        if not hits:
            raise EngineError(
                self.id, f"No row of the table {self.id} fits {dict(zip(self._labels, values, strict=True))}"
            )
        if self.hit_policy == "UNIQUE" and len(hits) > 1:
            numbers = ", ".join(str(hit.number) for hit in hits)
            raise EngineError(self.id, f"The table {self.id} should be hit by one row, but rows {numbers} hit")
        return DecisionResult(
            self.id, self.hit_policy, self._collected(hits), tuple(hits), dict(zip(self._labels, values, strict=True))
        )

    @property
    def _labels(self) -> tuple[str, ...]:
        return tuple(column.label for column in self.inputs)

    def _collected(self, hits: list[RowHit]) -> dict[str, Any]:
        if self.hit_policy != "COLLECT":
            return dict(hits[0].outputs)
        return {column.expression: [hit.outputs[column.expression] for hit in hits] for column in self.outputs}


def _holds(cell: Compiled | None, value: Any, data: Mapping[str, Any], environment: SafeEnvironment) -> bool:
    if cell is None:
        return True
    return bool(environment.run(cell, {**_known(cell, data), _INPUT: value}))


def _known(cell: Compiled, data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in cell.names if name in data}


def condition(text: str) -> Compiled | None:
    """Read an input cell: `-` or nothing fits everything, `>= 5` and `in [...]` compare, `?` is the input, else equality."""
    text = text.strip()
    if text in {"", "-"}:
        return None
    if _COMPARISON.match(text):
        return read(f"{_INPUT} {text}")
    marked = _with_input(text)
    if marked != text:
        return read(marked)
    tree = parse(text)
    compared = ast.Expression(ast.Compare(left=ast.Name(_INPUT, ast.Load()), ops=[ast.Eq()], comparators=[tree.body]))
    return compile_tree(text, ast.fix_missing_locations(compared))


def _with_input(text: str) -> str:
    """Put the input's name in the place of every `?` that stands outside quotes."""
    made: list[str] = []
    quote = ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "?":
            made.append(_INPUT)
            continue
        made.append(character)
    return "".join(made)


def _read_decision(path: str, root: Any) -> Decision:
    decisions = [element for element in root.iter() if local_name(element) == "decision"]
    if len(decisions) != 1:
        raise refusal(
            path,
            root.sourceline or 0,
            "one-decision",
            f"一个文件应有一个决策,现有 {len(decisions)} 个",
            f"A file should hold one decision; this one holds {len(decisions)}.",
        )
    decision = decisions[0]
    tables = [element for element in decision if local_name(element) == "decisionTable"]
    if len(tables) != 1:
        raise refusal(
            path, decision.sourceline, "one-table", "决策应有一张决策表", "The decision should hold one table."
        )
    table = tables[0]
    policy = table.get("hitPolicy", "UNIQUE")
    if policy not in HIT_POLICIES or table.get("aggregation"):
        found = f"{policy} {table.get('aggregation', '')}".strip()[:60]
        raise refusal(
            path,
            table.sourceline,
            "hit-policy",
            f"命中方式“{found}”不会按 DMN 执行,请用 {'、'.join(HIT_POLICIES)}",
            f"The hit policy {found!r} would not run as DMN says; use {', '.join(HIT_POLICIES)}.",
        )
    inputs = tuple(_input_column(path, element) for element in table if local_name(element) == "input")
    outputs = tuple(_output_column(path, element) for element in table if local_name(element) == "output")
    rules = [element for element in table if local_name(element) == "rule"]
    if not outputs or not rules:
        raise refusal(
            path, table.sourceline, "empty-table", "决策表没有输出或规则行", "The table has no output or no row."
        )
    if len(rules) > MOST_ROWS:
        raise refusal(
            path,
            table.sourceline,
            "too-large",
            f"决策表有 {len(rules)} 行,最多 {MOST_ROWS} 行",
            f"The table has {len(rules)} rows; {MOST_ROWS} is the most.",
        )
    rows = tuple(_row(path, number, rule, len(inputs), len(outputs)) for number, rule in enumerate(rules, 1))
    return Decision(decision.get("id", ""), decision.get("name", ""), policy, inputs, outputs, rows)


def _input_column(path: str, element: Any) -> Column:
    expression = _text_within(element)
    if not expression:
        raise refusal(
            path, element.sourceline, "input-expression", "输入列没有表达式", "An input column has no expression."
        )
    _compiled(path, element.sourceline, expression)
    return Column(element.get("label") or expression, expression, element.sourceline)


def _output_column(path: str, element: Any) -> Column:
    name = element.get("name", "")
    if not name.isidentifier():
        raise refusal(path, element.sourceline, "output-name", "输出列没有名称", "An output column has no name.")
    return Column(element.get("label") or name, name, element.sourceline)


def _row(path: str, number: int, rule: Any, inputs: int, outputs: int) -> Row:
    conditions = [child for child in rule if local_name(child) == "inputEntry"]
    results = [child for child in rule if local_name(child) == "outputEntry"]
    if len(conditions) != inputs or len(results) != outputs:
        raise refusal(
            path,
            rule.sourceline,
            "row-width",
            f"第 {number} 行应有 {inputs}+{outputs} 格,现有 {len(conditions)}+{len(results)} 格",
            f"Row {number} should have {inputs}+{outputs} cells; it has {len(conditions)}+{len(results)}.",
        )
    cells = tuple(_text_within(child) for child in (*conditions, *results))
    try:
        read_conditions = tuple(condition(_text_within(child)) for child in conditions)
        read_results = tuple(read(_text_within(child)) for child in results)
    except Refused as error:
        raise refusal(
            path,
            rule.sourceline,
            "cell",
            f"第 {number} 行有不能识别的格:{error}",
            f"Row {number} has a cell that is not in the language: {error}",
        ) from error
    return Row(number, rule.get("id", ""), _citation(rule), read_conditions, read_results, cells, rule.sourceline)


def _citation(rule: Any) -> str:
    for child in rule:
        if local_name(child) == "description":
            return (child.text or "").strip()
        if local_name(child) == "annotationEntry":
            return _text_within(child)
    return ""


def _text_within(element: Any) -> str:
    for child in element.iter():
        if local_name(child) == "text":
            return (child.text or "").strip()
    return ""


def _compiled(path: str, line: int, expression: str) -> None:
    try:
        read(expression)
    except Refused as error:
        raise refusal(
            path,
            line,
            "input-expression",
            f"输入表达式不能识别:{error}",
            f"An input expression is not in the language: {error}",
        ) from error
