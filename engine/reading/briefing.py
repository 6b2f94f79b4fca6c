"""How a process tells its cases: in the row of a list, in the brief an approver signs on, in the working of the sum.

What is told differs from process to process, so it is a file beside the drawing (`briefs/<process>.json`): which values a list shows,
how the sum comes about term by term, and the requirements with the expression that says whether each holds. The expressions are the
safe language of the drawings, the names those of the data dictionary; a new process needs no Python for its brief.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from engine.errors import BadDefinition, EngineError, Finding, Message
from engine.money import in_words, yuan_text
from engine.runtime import evaluate
from engine.runtime.reading import local_name, read_xml
from engine.views import BriefRow, BriefView, WorkingTerm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.runtime import Definition

_ORDER = {"failed": 0, "attention": 1, "ok": 2}


@dataclass(frozen=True)
class Briefing:
    """A process's own way of telling its cases."""

    content: Mapping[str, Any]
    definition: Definition

    @classmethod
    def of(cls, definition: Definition) -> Briefing:
        """Read the brief file of a definition; BadDefinition where it names what the dictionary does not know."""
        path = f"briefs/{definition.process_id}.json"
        stored = definition.bundle.files.get(path)
        if stored is None:
            raise BadDefinition(
                [Finding(path, 0, "", "brief-missing", Message("缺少审批要点文件", "The brief file is missing."))]
            )
        return cls(json.loads(stored), definition)

    @property
    def starter_roles(self) -> frozenset[str]:
        """The posts that may open a case."""
        return frozenset(self.content["started_by"])

    @cached_property
    def decision(self) -> tuple[str, str] | None:
        """The shapes before and behind the flow that means the county has decided: no withdrawal after that (B0.5).

        The drawing names the flow itself, in the property `until` of the event that waits for a withdrawal.
        """
        flows = [
            element.properties["until"]
            for element in self.definition.elements.values()
            if "until" in element.properties
        ]
        if not flows:
            return None
        root = read_xml(self.definition.process_id, self.definition.diagrams[self.definition.process_id].encode())
        for element in root.iter():
            if local_name(element) == "sequenceFlow" and element.get("id") == flows[0]:
                return str(element.get("sourceRef")), str(element.get("targetRef"))
        zh, en = f"没有“{flows[0]}”这条连线", f"There is no flow {flows[0]!r}."
        raise BadDefinition([Finding(self.definition.process_id, 0, flows[0], "until", Message(zh, en))])

    @property
    def title(self) -> Message:
        """What the process is called."""
        return _words(self.content["title"])

    @property
    def number_prefix(self) -> str:
        """The letters case numbers begin with."""
        return str(self.content["number_prefix"])

    def summary(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a row of a list keeps of a case's data."""
        return {name: data.get(field) for name, field in self.content["summary"].items() if field in data}

    def kind_words(self, value: str | None) -> Message:
        """Return the words of the value that says which kind of case this is."""
        field = self.content["summary"].get("kind")
        return self.choice_words(field, value)

    def category_words(self, value: str | None) -> Message:
        """Return the words of the household's category."""
        return self.choice_words(self.content["summary"].get("category"), value)

    def english_step(self, element_id: str, name: str) -> str:
        """Return what a shape of the drawing is called in English; its Chinese name where the brief file has none."""
        return str(self.content.get("english", {}).get(element_id, name))

    def choice_words(self, field: str | None, value: Any) -> Message:
        """Return the words the dictionary has for a choice's value; the value itself where it has none."""
        entry = self.definition.dictionary.entry(field) if field else None
        for choice in (entry or {}).get("choices", ()):
            if choice["value"] == value:
                return Message(choice["zh"], choice["en"])
        text = "" if value is None else str(value)
        return Message(text, text)

    def brief(self, data: Mapping[str, Any]) -> BriefView:
        """Tell an approver the sum, its working and every requirement, doubtful ones first."""
        known = _Known(data)
        amount = known.value(self.content["amount"])
        rows = [row for row in (self._row(row, known) for row in self.content["rows"]) if row is not None]
        rows.sort(key=lambda row: _ORDER[row.mark])
        return BriefView(
            amount_fen=amount if isinstance(amount, int) else None,
            amount_words_zh=in_words(amount) if isinstance(amount, int) else "",
            working=tuple(self._term(term, known) for term in self.content["working"] if known.holds(term.get("when"))),
            rows=tuple(rows),
            comparison=tuple(
                self._fill(line, known) for line in self.content.get("comparison", ()) if known.holds(line.get("when"))
            ),
        )

    def _row(self, row: Mapping[str, Any], known: _Known) -> BriefRow | None:
        if not known.holds(row.get("when")):
            return None
        if not known.has(row["ok"]):
            return None
        if known.holds(row["ok"]):
            mark, evidence = "ok", row["evidence"]
        elif "attention" in row and known.holds(row["attention"]):
            mark, evidence = "attention", row.get("doubt", row["evidence"])
        else:
            mark, evidence = "failed", row.get("fault", row.get("doubt", row["evidence"]))
        return BriefRow(
            mark=mark,
            requirement=self._fill(row["requirement"], known),
            evidence=self._fill(evidence, known),
            value=self._fill(row["value"], known),
            source=_words(row["source"]),
        )

    def _term(self, term: Mapping[str, Any], known: _Known) -> WorkingTerm:
        return WorkingTerm(
            sign=term.get("sign", ""),
            words=_words(term),
            value=self._shown(known.value(term["value"]), term.get("as", "money"))[0],
            strong=bool(term.get("strong")),
        )

    def _fill(self, template: Mapping[str, Any], known: _Known) -> Message:
        zh, en = str(template["zh"]), str(template["en"])
        for name, spec in template.get("values", {}).items():
            expression, _, form = spec.partition("|")
            shown = self._shown(known.value(expression.strip()), form.strip() or "text", field=expression.strip())
            zh = zh.replace("{" + name + "}", shown[0])
            en = en.replace("{" + name + "}", shown[1])
        return Message(zh, en)

    def _shown(self, value: Any, form: str, *, field: str = "") -> tuple[str, str]:
        if value is None:
            return "—", "—"
        if form == "money":
            return (yuan_text(value), yuan_text(value)) if isinstance(value, int) else (str(value), str(value))
        if form == "percent":
            # Ratios are basis points: 7000 is 70 %.
            whole, rest = divmod(int(value), 100)
            text = f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + "%" if rest else f"{whole}%"
            return text, text
        if form == "choice":
            words = self.choice_words(field, value)
            return words.zh, words.en
        if isinstance(value, bool):
            return ("是", "yes") if value else ("否", "no")
        return str(value), str(value)


class _Known:
    """A case's data as the brief's expressions see them: an expression over what is not known yet holds for nothing."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data

    def value(self, expression: str) -> Any:
        try:
            return evaluate(expression, self._data)
        except EngineError:
            return None

    def has(self, expression: str) -> bool:
        try:
            evaluate(expression, self._data)
        except EngineError:
            return False
        return True

    def holds(self, expression: str | None) -> bool:
        return expression is None or bool(self.value(expression))


def _words(pair: Mapping[str, Any]) -> Message:
    return Message(str(pair["zh"]), str(pair["en"]))
