"""Forms: what a step asks, as JSON Schema over the names of the data dictionary, read from what a browser posts.

Reading never raises for anything a person can type: every fault becomes a sentence beside its field, and what was typed is kept by whoever
asked. Undeclared fields are faults too, not silently dropped: a form that sends more than it asks is not our form.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from engine.errors import BadDefinition, Finding, Invalid, Message
from engine.money import parse_yuan
from engine.register import id_numbers
from engine.runtime.expressions import LARGEST_NUMBER
from engine.runtime.quick_look import quick_look

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from engine.runtime.dictionary import Dictionary

_TRUE = {"true", "on", "1", "yes", "是"}
_FALSE = {"false", "off", "0", "no", "否"}
_DIGITS = re.compile(r"^-?\d{1,18}$", re.ASCII)


@dataclass(frozen=True, slots=True)
class OutcomeChoice:
    """A decision a form offers. `tone` is positive, return or refusal."""

    value: str
    zh: str
    en: str
    line: Message
    tone: str
    needs_opinion: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """The field that holds a form's decision, and the decisions."""

    field: str
    choices: tuple[OutcomeChoice, ...]

    def tone(self, value: str | None) -> str:
        """Return the tone of a decision; empty for one the form does not offer."""
        return next((choice.tone for choice in self.choices if choice.value == value), "")


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a paper."""

    slot: str
    zh: str
    en: str
    required: bool


@dataclass(frozen=True, slots=True)
class FormReading:
    """What was read from a browser: typed values, and a sentence for every field that could not be read or is not right."""

    values: dict[str, Any]
    errors: dict[str, Message] = field(default_factory=dict)


@dataclass(frozen=True)
class Form:
    """One form of one step."""

    name: str
    content: Mapping[str, Any]
    dictionary: Dictionary
    outcome: Outcome | None
    attachments: tuple[Slot, ...]
    _validator: Draft202012Validator
    _surely_right: Callable[[Mapping[str, Any]], bool] | None = None

    @classmethod
    def read_file(cls, path: str, stored: bytes, dictionary: Dictionary) -> Form:
        """Read a form's file; BadDefinition where it names what the dictionary does not know or its schema is none."""
        try:
            content = json.loads(stored)
            schema = content["schema"]
            names = list(schema["properties"])
        except (ValueError, KeyError, TypeError) as error:
            raise BadDefinition(
                [Finding(path, 0, "", "form", Message(f"表单无法读取:{error}", f"The form cannot be read: {error}"))]
            ) from error
        findings = [
            Finding(
                path,
                0,
                name,
                "undeclared",
                Message(f"数据字典中没有“{name}”", f"The dictionary does not declare {name}."),
            )
            for name in (*names, *content.get("shows", ()))
            if name not in dictionary
        ]
        if schema.get("additionalProperties") is not False:
            findings.append(
                Finding(
                    path,
                    0,
                    "",
                    "form",
                    Message("表单须拒绝未声明的项", "The schema must refuse additional properties."),
                )
            )
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            findings.append(
                Finding(
                    path,
                    0,
                    "",
                    "form",
                    Message(f"表单结构有误:{error.message}", f"The schema is wrong: {error.message}"),
                )
            )
        if findings:
            raise BadDefinition(findings)
        name = path.rpartition("/")[2].removesuffix(".json")
        return cls(
            name,
            content,
            dictionary,
            _outcome(content.get("outcome")),
            tuple(
                Slot(slot["slot"], slot["zh"], slot["en"], bool(slot.get("required")))
                for slot in content.get("attachments", ())
            ),
            Draft202012Validator(schema),
            quick_look(schema),
        )

    @property
    def fields(self) -> tuple[str, ...]:
        """The names the form asks for."""
        return tuple(self.content["schema"]["properties"])

    @property
    def reset_fields(self) -> frozenset[str]:
        """What a step forgets when it opens again, so that last round's answer cannot repeat its route (BPMN.md A9)."""
        forgotten = set(self.content.get("forgets", ()))
        if self.outcome is not None:
            forgotten.add(self.outcome.field)
        return frozenset(forgotten)

    def read(self, raw: Mapping[str, str | Sequence[str]], *, today: date | None = None) -> FormReading:
        """Read what a browser posted: text by name; an empty text means that nothing was said. Never raises for bad input."""
        values: dict[str, Any] = {}
        errors: dict[str, Message] = {}
        for name, typed in raw.items():
            entry = self.dictionary.entry(name) if name in self.content["schema"]["properties"] else None
            if entry is None:
                errors[str(name)[:60]] = Message("表单没有这一项", "The form has no such field")
                continue
            try:
                value = _typed(entry, typed)
            except Invalid as refusal:
                errors[name] = refusal.message
                continue
            if value is not None:
                values[name] = value
        for name, schema in self.content["schema"]["properties"].items():
            # An unticked box posts nothing; it means no.
            if schema.get("type") == "boolean" and name not in values and name not in errors:
                values[name] = False
        errors.update({name: fault for name, fault in self.check(values, today=today).items() if name not in errors})
        return FormReading(values, errors)

    def check(self, values: Mapping[str, Any], *, today: date | None = None) -> dict[str, Message]:
        """Return a sentence for every typed value that is not right; nothing where all is well."""
        errors: dict[str, Message] = {}
        known = self.content["schema"]["properties"]
        for name, value in values.items():
            if not isinstance(name, str) or name not in known:
                errors[str(name)[:60]] = Message("表单没有这一项", "The form has no such field")
                continue
            fault = self.dictionary.fault(name, value, today=today)
            if fault is not None:
                errors[name] = fault
        if errors:
            return errors
        if self._surely_right is not None and self._surely_right(values):
            return errors
        for error in self._validator.iter_errors(dict(values)):
            for name, words in _explain(error):
                errors.setdefault(name, words)
        return errors


def _outcome(content: Mapping[str, Any] | None) -> Outcome | None:
    if not content:
        return None
    return Outcome(
        content["field"],
        tuple(
            OutcomeChoice(
                choice["value"],
                choice["zh"],
                choice["en"],
                Message(choice.get("line", {}).get("zh", ""), choice.get("line", {}).get("en", "")),
                choice.get("tone", "positive"),
                bool(choice.get("needs_opinion")),
            )
            for choice in content["choices"]
        ),
    )


def _typed(entry: Mapping[str, Any], typed: str | Sequence[str]) -> Any:  # noqa: C901, PLR0911  (one branch per type)
    kind = entry["type"]
    if kind == "choices":
        listed = [typed] if isinstance(typed, str) else list(typed)
        return [one.strip() for one in listed if one.strip()]
    if not isinstance(typed, str):
        if len(typed) != 1:
            raise Invalid(Message("只能填一项", "Only one value fits here"))
        typed = typed[0]
    text = typed.strip()
    if not text:
        return None
    if kind == "money":
        return parse_yuan(text)
    if kind == "integer":
        if not _DIGITS.match(text) or abs(int(text)) > LARGEST_NUMBER:
            raise Invalid(Message("应是整数", "A whole number is expected"))
        return int(text)
    if kind == "boolean":
        if text.lower() in _TRUE:
            return True
        if text.lower() in _FALSE:
            return False
        raise Invalid(Message("应是“是”或“否”", "Yes or no is expected"))
    if kind == "id_number":
        return id_numbers.parse(text).text
    if kind in {"bank_card", "phone"}:
        return text.replace(" ", "")
    return text


def _explain(error: Any) -> list[tuple[str, Message]]:
    """Turn one finding of the validator into sentences beside the fields concerned."""
    name = str(error.absolute_path[0]) if error.absolute_path else ""
    keyword = error.validator
    if keyword == "required":
        missing = [one for one in error.validator_value if one not in error.instance]
        return [(one, Message("请填写这一项", "This must be filled in")) for one in missing]
    if keyword == "dependentRequired":
        wanted = [one for names in error.validator_value.values() for one in names if one not in error.instance]
        return [(one, Message("请填写这一项", "This must be filled in")) for one in wanted]
    if keyword in {"if", "allOf", "then", "else"} and error.context:
        return [pair for inner in error.context for pair in _explain(inner)]
    sentences = {
        "minLength": Message(f"至少 {error.validator_value} 个字", f"At least {error.validator_value} characters"),
        "maxLength": Message(f"最多 {error.validator_value} 个字", f"At most {error.validator_value} characters"),
        "minimum": Message(f"不能小于 {error.validator_value}", f"It cannot be less than {error.validator_value}"),
        "maximum": Message("数值太大", "The number is too large"),
        "enum": Message("不是可选的值", "That is not one of the choices"),
        "const": Message("不是可选的值", "That is not one of the choices"),
    }
    return [(name, sentences.get(keyword, Message("填写有误", "This is not right")))]
