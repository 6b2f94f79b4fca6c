"""Small complete bundles for the gate's tests: one good drawing per construct, to be spoiled in one place."""

from __future__ import annotations

import json
import re

from sketch import Sketch

from engine.runtime.bundle import Bundle
from engine.runtime.gate import check_bundle

PERSON = {"post": "TWN_CIVIL", "duty": "review", "form": "ask"}
OTHER = PERSON | {"form": "other"}
LANE = "镇级"

DICTIONARY = {
    "process": "p",
    "fields": {
        name: {"type": kind, "zh": name, "en": name, "from": origin}
        | (
            {"choices": [{"value": one, "zh": one, "en": one} for one in ("AGREE", "RETURN", "REJECT")]}
            if kind == "choice"
            else {}
        )
        for name, kind, origin in [
            ("case_no", "text", "register"),
            ("outcome", "choice", "form"),
            ("note", "text", "form"),
            ("back_to", "text", "form"),
            ("amount", "money", "form"),
            ("answer", "text", "engine"),
            ("payload", "text", "engine"),
            ("votes", "text", "engine"),
            ("vote", "text", "form"),
            ("signer", "text", "engine"),
            ("signers", "text", "engine"),
        ]
    },
}
FORM = {
    "title": {"zh": "问", "en": "Ask"},
    "instructions": {"zh": "", "en": ""},
    "schema": {
        "type": "object",
        "properties": {
            "outcome": {"type": "string", "enum": ["AGREE", "RETURN", "REJECT"]},
            "note": {"type": "string"},
            "back_to": {"type": "string"},
            "amount": {"type": "integer"},
        },
        "required": ["outcome", "amount"],
        "additionalProperties": False,
        "if": {"properties": {"outcome": {"const": "RETURN"}}, "required": ["outcome"]},
        "then": {"required": ["back_to"]},
    },
    "outcome": {"field": "outcome", "choices": []},
}
ORGANISATION = {"roles": [{"code": "TWN_CIVIL", "level": "TOWNSHIP"}, {"code": "VIL_CLERK", "level": "VILLAGE"}]}


def table(
    *rows: str,
    policy: str = "FIRST",
    name: str = "judge",
    column: str = "amount",
    output: str = "answer",
    more: str = "",
) -> bytes:
    """A decision table; each row is written as `condition -> result | citation`."""
    told = []
    for number, row in enumerate(rows):
        cells, _, citation = row.partition("|")
        condition, _, result = cells.partition("->")
        told.append(
            f'<rule id="r{number}">'
            + (f"<description>{citation.strip()}</description>" if citation.strip() else "")
            + f'<inputEntry id="c{number}"><text>{escape(condition.strip())}</text></inputEntry>'
            + f'<outputEntry id="o{number}"><text>{escape(result.strip())}</text></outputEntry></rule>'
        )
    rules = "\n".join(told)
    return (
        '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="D_judge" name="d" namespace="urn:t">\n'
        f'<decision id="{name}" name="d">\n<decisionTable id="t" hitPolicy="{policy}"{more}>\n'
        f'<input id="i" label="in"><inputExpression id="ie"><text>{escape(column)}</text></inputExpression></input>\n'
        f'<output id="o" label="out" name="{output}"/>\n{rules}\n</decisionTable></decision></definitions>'
    ).encode()


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


JUDGE = table('>= 5 -> "BIG" | 粤发〔2016〕13号 §9', '- -> "SMALL" | 待县确认')


def sketch(name: str = "p") -> Sketch:
    """A start, and a person's task behind it."""
    return Sketch(name).start().user("T", properties=PERSON).flow("S", "T")


def in_lanes(drawing: Sketch, *elsewhere: str) -> Sketch:
    """Put every shape of a sketch into the township's lane, except those named."""
    drawing.lanes = {LANE: [shape[1] for shape in drawing._shapes if shape[1] not in elsewhere]}
    return drawing


def whole(*drawings: Sketch | bytes, **files: bytes) -> Bundle:
    """A bundle with all that a good process has beside it."""
    found: dict[str, bytes] = {
        "p.dictionary.json": json.dumps(DICTIONARY).encode(),
        "organisation.json": json.dumps(ORGANISATION).encode(),
        "forms/p/ask.json": json.dumps(FORM).encode(),
        "forms/q/other.json": json.dumps(FORM).encode(),
        "judge.dmn": JUDGE,
    }
    for number, drawing in enumerate(drawings):
        if isinstance(drawing, Sketch):
            if number == 0 and not drawing.lanes:
                in_lanes(drawing)
            found[f"{drawing.id}.bpmn"] = drawing.xml()
        else:
            found["p.bpmn"] = drawing
    return Bundle("p", found | {path.replace("__", "."): content for path, content in files.items()})


def rules(bundle: Bundle) -> list[tuple[str, str]]:
    """What the gate says: rule and element, each once; and that every line is the element's own line."""
    found = check_bundle(bundle)
    for one in found:
        assert all((one.reason.zh, one.reason.en, one.remedy.zh, one.remedy.en)), one
        if one.file.endswith(".bpmn") and one.line and one.element:
            text = bundle.files[one.file].decode().splitlines()[one.line - 1]
            assert f'"{one.element}"' in text or f">{one.element}<" in text, (one, text)
        assert str(one).startswith(f"{one.file}:{one.line}: ")
    return sorted({(one.rule, one.element) for one in found})


def spoiled(drawing: Sketch, pattern: str, replacement: str) -> bytes:
    """A sketch's file with one place changed."""
    text = in_lanes(drawing).xml().decode()
    changed, count = re.subn(pattern, replacement, text, count=1)
    assert count == 1, pattern
    return changed.encode()
