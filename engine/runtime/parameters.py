"""Numbers that policy sets: by year, by county, each with its source or marked 待县确认 (to be confirmed by the county).

They live beside the drawings and are deployed with them, so a case is computed by the numbers of the version it was started with. A number
that breaks the policy itself cannot be deployed: the registered poor are carried at 70 % at least (粤发〔2016〕13号 §9).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import BadDefinition, EngineError, Finding, Message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EVERYWHERE = "*"


@dataclass(frozen=True)
class Parameters:
    """The policy numbers of a process, by name."""

    entries: Mapping[str, Sequence[Mapping[str, Any]]]

    @classmethod
    def read(cls, content: bytes, path: str = "parameters.json") -> Parameters:
        """Read a parameter file; BadDefinition names every entry without source and every number that policy forbids."""
        try:
            loaded = json.loads(content)
            listed = list(loaded["entries"])
            floors = list(loaded.get("floors", ()))
        except (ValueError, KeyError, TypeError) as error:
            raise BadDefinition(
                [
                    _finding(
                        path, "", "parameters", f"参数文件无法读取:{error}", f"The parameters cannot be read: {error}"
                    )
                ]
            ) from error
        findings = [finding for entry in listed for finding in _entry_findings(path, entry, floors)]
        if findings:
            raise BadDefinition(findings)
        by_name: dict[str, list[Mapping[str, Any]]] = {}
        for entry in listed:
            by_name.setdefault(entry["name"], []).append(entry)
        return cls(by_name)

    def lookup(self, name: str, *keys: Any, year: int, county: str) -> int | str | bool:
        """Return the number in force in a year and a county; the county's own goes before everybody's. EngineError where there is none."""
        best: Mapping[str, Any] | None = None
        for entry in self.entries.get(name, ()):
            if tuple(entry.get("keys", ())) != keys or not _in_force(entry, year):
                continue
            if entry["county"] == county:
                best = entry
                break
            if entry["county"] == EVERYWHERE and best is None:
                best = entry
        if best is None:
            shown = ", ".join(str(key) for key in keys)
            raise EngineError("", f"There is no policy number {name}({shown}) for {year} in {county}")
        value: int | str | bool = best["value"]
        return value

    def source(self, name: str, *keys: Any, year: int, county: str) -> str:
        """Return where a number in force comes from."""
        for entry in self.entries.get(name, ()):
            if (
                tuple(entry.get("keys", ())) == keys
                and _in_force(entry, year)
                and entry["county"] in {county, EVERYWHERE}
            ):
                return str(entry["source"])
        return ""


def _in_force(entry: Mapping[str, Any], year: int) -> bool:
    last = entry.get("year_to")
    return int(entry["year_from"]) <= year and (last is None or year <= int(last))


def _entry_findings(path: str, entry: Any, floors: Sequence[Mapping[str, Any]]) -> list[Finding]:
    name = str(entry.get("name", "?")) if isinstance(entry, dict) else "?"
    if not isinstance(entry, dict) or not {"name", "value", "year_from", "county"} <= set(entry):
        return [_finding(path, name, "parameters", "缺少必需的内容", "it lacks a name, a value, a year or a county.")]
    findings = []
    if type(entry["value"]) not in {int, str, bool}:
        findings.append(
            _finding(path, name, "parameters", "应是整数、文字或是否", "a whole number, text or yes/no is expected.")
        )
    if not str(entry.get("source", "")).strip():
        findings.append(
            _finding(path, name, "parameter-source", "没有来源", "it names no source; write one or 待县确认.")
        )
    findings += [
        _finding(
            path,
            name,
            "below-floor",
            f"为 {entry['value']},不得低于 {floor['least']}:{floor['source']}",
            f"it is {entry['value']}, but may not be below {floor['least']}: {floor['source']}.",
        )
        for floor in floors
        if floor["name"] == name
        and list(entry.get("keys", ())) == list(floor["keys"])
        and entry["value"] < floor["least"]
    ]
    return findings


def _finding(path: str, name: str, rule: str, zh: str, en: str) -> Finding:
    return Finding(path, 0, name, rule, Message(f"“{name}”{zh}", f"{name}: {en}"))
