"""The files one process needs, under one digest: what is deployed, pinned by every case, and never changed afterwards.

A process is its drawing, the drawings it calls, the tables, forms, dictionary, policy numbers, brief and posts it was deployed with. Change
one number and it is another version; a case keeps the version it was started with.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from engine.errors import BadDefinition, Finding, Message
from engine.runtime.reading import local_name, read_xml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Bundle:
    """The files of one process by path relative to workflows/."""

    process_id: str
    files: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def from_folder(cls, folder: Path, process_id: str) -> Bundle:
        """Collect a process from the folder of drawings: everything it names, and nothing else; BadDefinition where a file is missing."""
        files: dict[str, bytes] = {}
        missing: list[Finding] = []
        processes = _processes(folder)
        tables = {_decision_id(path): path for path in sorted(folder.glob("*.dmn"))}
        waiting, seen = [process_id], set()
        while waiting:
            current = waiting.pop()
            if current in seen:
                continue
            seen.add(current)
            path = processes.get(current)
            if path is None:
                missing.append(_missing(f"{current}.bpmn", current))
                continue
            root = read_xml(path.name, path.read_bytes())
            files[path.name] = path.read_bytes()
            waiting.extend(_called(root))
            for decision in _decisions(root):
                table = tables.get(decision)
                if table is None:
                    missing.append(_missing(f"{decision}.dmn", decision))
                else:
                    files[table.name] = table.read_bytes()
            for form in sorted((folder / "forms" / current).glob("*.json")):
                files[f"forms/{current}/{form.name}"] = form.read_bytes()
        for name in (
            f"{process_id}.dictionary.json",
            f"parameters/{process_id}.json",
            f"briefs/{process_id}.json",
            "organisation.json",
        ):
            if (folder / name).is_file():
                files[name] = (folder / name).read_bytes()
            else:
                missing.append(_missing(name, process_id))
        if missing:
            raise BadDefinition(missing)
        return cls(process_id, dict(sorted(files.items())))

    @cached_property
    def digest(self) -> str:
        """The identity of this version: SHA-256 over the paths and digests of all files."""
        listing = "\n".join(f"{path} {sha256(content).hexdigest()}" for path, content in sorted(self.files.items()))
        return sha256(f"bangfu-bundle-v1\n{self.process_id}\n{listing}\n".encode()).hexdigest()

    def to_bytes(self) -> bytes:
        """Return the bundle as the database keeps it."""
        packed = {path: b64encode(content).decode() for path, content in sorted(self.files.items())}
        return json.dumps({"v": 1, "process": self.process_id, "files": packed}, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, stored: bytes) -> Bundle:
        """Return the bundle the database keeps; ValueError for anything else."""
        content: dict[str, Any] = json.loads(stored)
        if content.get("v") != 1:
            raise ValueError(f"Expected a bundle of format 1, found {content.get('v')!r}")
        return cls(content["process"], {path: b64decode(text) for path, text in content["files"].items()})


def _processes(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*.bpmn")):
        for element in read_xml(path.name, path.read_bytes()).iter():
            if local_name(element) == "process":
                found[element.get("id", "")] = path
    return found


def _decision_id(path: Path) -> str:
    for element in read_xml(path.name, path.read_bytes()).iter():
        if local_name(element) == "decision":
            return str(element.get("id", ""))
    return ""


def _called(root: Any) -> Iterable[str]:
    return [element.get("calledElement", "") for element in root.iter() if local_name(element) == "callActivity"]


def _decisions(root: Any) -> Iterable[str]:
    return [(element.text or "").strip() for element in root.iter() if local_name(element) == "calledDecisionId"]


def _missing(path: str, element: str) -> Finding:
    return Finding(
        path,
        0,
        element,
        "file-missing",
        Message(f"缺少文件 {path}", f"The file {path} is missing."),
        Message("把它放进流程文件夹", "Put it into the folder of drawings."),
    )
