"""Whether a submission is plainly right, told without the JSON Schema validator.

The validator walks a schema anew for every value, which costs more than restoring a case, and most submissions are right. So a schema
made of plain rules (types, choices, lengths, bounds, patterns, required names, and "if this field says so, those are required") is
made into a few comparisons once. They only ever say *surely right*; for anything else, and for a schema with a keyword
not listed here, the validator is asked, so that there is one judge of what is wrong and one wording for it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Look = Callable[[Mapping[str, Any]], bool]
    Rule = Callable[[Any], bool]

_TYPES: Mapping[str, type] = {"string": str, "integer": int, "boolean": bool}
_WHOLE = frozenset({"$schema", "type", "properties", "required", "additionalProperties", "allOf"})
_OF_TYPE = {
    "string": frozenset({"type", "enum", "minLength", "maxLength", "pattern", "format"}),
    "integer": frozenset({"type", "minimum", "maximum"}),
    "boolean": frozenset({"type"}),
}


class _NotPlainError(Exception):
    """The schema says something only the validator understands."""


def quick_look(schema: Mapping[str, Any]) -> Look | None:
    """Return a function that says whether values surely satisfy the schema; None where only the validator can tell."""
    try:
        return _look(schema)
    except _NotPlainError:
        return None


def _look(schema: Mapping[str, Any]) -> Look:
    if not schema.keys() <= _WHOLE or schema.get("type") != "object" or schema.get("additionalProperties") is not False:
        raise _NotPlainError
    rules = {name: _rule(entry) for name, entry in schema["properties"].items()}
    required = _names(schema.get("required", []))
    conditions = [_condition(one) for one in schema.get("allOf", ())]

    def surely_right(values: Mapping[str, Any]) -> bool:
        if not values.keys() >= required:
            return False
        for name, value in values.items():
            rule = rules.get(name)
            if rule is None or not rule(value):
                return False
        return all(
            values.keys() >= wanted
            for name, const, wanted in conditions
            # A number that equals the constant, such as 1 for true, is left to the validator.
            if name in values and values[name] == const
        )

    return surely_right


def _rule(entry: Mapping[str, Any]) -> Rule:
    kind = entry.get("type")
    if not isinstance(kind, str) or kind not in _TYPES or not entry.keys() <= _OF_TYPE[kind]:
        raise _NotPlainError
    if kind == "boolean":
        return lambda value: type(value) is bool
    if kind == "integer":
        least, most = entry.get("minimum"), entry.get("maximum")
        return lambda value: (
            type(value) is int and (least is None or value >= least) and (most is None or value <= most)
        )
    return _text_rule(entry)


def _text_rule(entry: Mapping[str, Any]) -> Rule:
    shortest, longest = entry.get("minLength", 0), entry.get("maxLength")
    choices = _names(entry["enum"]) if "enum" in entry else None
    pattern = re.compile(entry["pattern"]) if "pattern" in entry else None
    return lambda value: (
        type(value) is str
        and len(value) >= shortest
        and (longest is None or len(value) <= longest)
        and (choices is None or value in choices)
        and (pattern is None or pattern.search(value) is not None)
    )


def _condition(one: Any) -> tuple[str, Any, frozenset[str]]:
    """Read {"if": {"properties": {name: {"const": value}}, "required": [name]}, "then": {"required": names}}."""
    match one:
        case {"if": {"properties": dict(properties), "required": [str(name)], **asked}, "then": then, **rest}:
            if asked or rest or properties.keys() != {name} or then.keys() != {"required"}:
                raise _NotPlainError
            entry = properties[name]
            if entry.keys() != {"const"} or not isinstance(entry["const"], str | bool):
                raise _NotPlainError
            return name, entry["const"], _names(then["required"])
    raise _NotPlainError


def _names(listed: Any) -> frozenset[str]:
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise _NotPlainError
    return frozenset(listed)
