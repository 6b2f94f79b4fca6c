"""What the files of a process say together: drawings, tables, forms, posts and the data dictionary, as far as they can be read.

Where a file stands alone, what it would need from others is None, and the rules that ask for it are left out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.errors import BadDefinition, Finding, Message
from engine.runtime.decisions import Decision
from engine.runtime.dictionary import Dictionary
from engine.runtime.forms import Form
from engine.runtime.gate.drawing import Drawing, Process, finding
from engine.runtime.parameters import Parameters
from engine.runtime.reading import read_xml

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_SHAPES = 600
"""Shapes and flows of one file; a drawing one can read has at most 35 steps (BPMN.md B1)."""


@dataclass
class Known:
    """The files of a process, read; `findings` are of those that could not be."""

    drawings: list[Drawing] = field(default_factory=list)
    decisions: dict[str, tuple[str, Decision]] | None = None
    """Tables by id, with their path."""
    forms: dict[tuple[str, str], Form | None] | None = None
    """Forms by process and name; None for one that cannot be read."""
    posts: dict[str, str] | None = None
    """Level names by post."""
    dictionary: Dictionary | None = None
    findings: list[Finding] = field(default_factory=list)

    @property
    def processes(self) -> dict[str, Process]:
        """All processes by id."""
        return {process.id: process for drawing in self.drawings for process in drawing.processes}

    @classmethod
    def of(cls, files: Mapping[str, bytes], process_id: str | None) -> Known:
        """Read the files of a bundle; `process_id` None for a file that stands alone."""
        known = cls()
        if process_id is not None:
            known.decisions, known.forms = {}, {}
            known._read(known._read_dictionary, f"{process_id}.dictionary.json", files)
            known._read(known._read_posts, "organisation.json", files)
        for path in sorted(files):
            if path.endswith(".bpmn"):
                known._read(known._read_drawing, path, files)
            elif path.endswith(".dmn"):
                known._read(known._read_decision, path, files)
            elif path.startswith("forms/") and path.endswith(".json"):
                known._read(known._read_form, path, files)
            elif path.startswith("parameters/"):
                known._read(lambda name, content: Parameters.read(content, name), path, files)
        return known

    def _read(self, read: Any, path: str, files: Mapping[str, bytes]) -> None:
        if path not in files:
            return
        try:
            read(path, files[path])
        except BadDefinition as refusal:
            self.findings.extend(refusal.findings)

    def _read_dictionary(self, path: str, content: bytes) -> None:
        self.dictionary = Dictionary.read(content, path)

    def _read_posts(self, path: str, content: bytes) -> None:
        try:
            self.posts = {str(role["code"]): str(role["level"]) for role in json.loads(content)["roles"]}
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            self.findings.append(
                finding(
                    path,
                    0,
                    "",
                    "organisation",
                    Message(f"机构表无法读取:{error}", f"The posts cannot be read: {error}"),
                    _CORRECT,
                )
            )

    def _read_drawing(self, path: str, content: bytes) -> None:
        drawing = Drawing.of(path, read_xml(path, content))
        size = sum(len(one.shapes) + len(one.flows) for one in drawing.processes)
        if not drawing.processes:
            self.findings.append(
                finding(path, 1, "", "no-process", Message("文件里没有流程", "The file holds no process."), _CORRECT)
            )
        elif size > MOST_SHAPES:
            self.findings.append(
                finding(
                    path,
                    drawing.processes[0].line,
                    drawing.processes[0].id,
                    "too-large",
                    Message(
                        f"图上有 {size} 个图形和流,最多 {MOST_SHAPES}",
                        f"The drawing has {size} shapes and flows; {MOST_SHAPES} is the most.",
                    ),
                    Message("拆成几个流程", "Cut it into several processes."),
                )
            )
        else:
            self.drawings.append(drawing)

    def _read_decision(self, path: str, content: bytes) -> None:
        decision = Decision.read(content, path)
        self.decisions = {**(self.decisions or {}), decision.id: (path, decision)}

    def _read_form(self, path: str, content: bytes) -> None:
        _, process, name = [*path.split("/"), "", ""][:3]
        if self.forms is None:
            return
        self.forms[process, name.removesuffix(".json")] = None
        if self.dictionary is not None:
            self.forms[process, name.removesuffix(".json")] = Form.read_file(path, content, self.dictionary)


_CORRECT = Message("请改正这个文件", "Correct this file.")
