"""How a value of the data dictionary is shown: amounts in yuan, choices in words, private values masked."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from engine.errors import Message
from engine.money import yuan_text
from engine.views import FieldView, SectionView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.runtime import Definition

NOTHING = Message("—", "—")
_ID_LENGTH = 18


def shown(entry: Mapping[str, Any] | None, value: Any) -> Message:  # noqa: PLR0911  (one return a type)
    """Return a value in words, by its dictionary entry; an em dash for what is not known."""
    if value is None or value in ("", []):
        return NOTHING
    kind = entry["type"] if entry else ""
    if isinstance(value, list):
        parts = [shown(entry, one) for one in value]
        return Message("、".join(part.zh for part in parts), ", ".join(part.en for part in parts))
    if kind == "money" and isinstance(value, int):
        return Message(f"{yuan_text(value)} 元", f"{yuan_text(value)} yuan")
    if isinstance(value, bool):
        return Message("是", "Yes") if value else Message("否", "No")
    if kind in {"choice", "choices"} and entry is not None:
        for choice in entry.get("choices", ()):
            if choice["value"] == value:
                return Message(choice["zh"], choice["en"])
    if kind == "date" and isinstance(value, str):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            return Message(value, value)
        return Message(f"{day.year}年{day.month}月{day.day}日", value)
    return Message(str(value), str(value))


def masked(entry: Mapping[str, Any], value: Any) -> Message:
    """Return a private value as it may stand on a page: its ends at most (DOMAIN.md, privacy rule)."""
    text = "" if value is None else str(value)
    if not text:
        return NOTHING
    kind = entry["type"]
    if kind == "id_number" and len(text) == _ID_LENGTH:
        hidden = f"{text[:4]}{'*' * 10}{text[-4:]}"
    elif kind == "bank_card":
        hidden = f"{text[:4]} **** **** {text[-4:]}"
    elif kind == "phone":
        hidden = f"{text[:3]}****{text[-4:]}"
    else:
        hidden = "＊＊＊"
    return Message(hidden, hidden)


def field_view(definition: Definition, name: str, data: Mapping[str, Any]) -> FieldView:
    """Return one value as a form shows it."""
    entry = definition.dictionary.entry(name) or {"type": "text", "zh": name, "en": name}
    value = data.get(name)
    private = bool(entry.get("private")) and value not in {None, ""}
    return FieldView(
        name=name,
        words=Message(entry["zh"], entry["en"]),
        text=masked(entry, value) if private else shown(entry, value),
        masked=private,
    )


_GROUPS: tuple[tuple[str, Message], ...] = (
    ("register", Message("家庭与患者", "Household and patient")),
    ("form", Message("申请内容", "Application")),
    ("service", Message("数据比对", "Cross-checks")),
    ("decision", Message("规则结果", "Rules")),
    ("engine", Message("测算与走向", "Computed")),
)


def sections(
    definition: Definition, data: Mapping[str, Any], *, places: Mapping[str, str] | None = None
) -> tuple[SectionView, ...]:
    """Return everything a case knows, grouped by where it comes from, in the dictionary's order.

    `places` are names of region codes, shown instead of the codes.
    """
    found = []
    for origin, title in _GROUPS:
        fields = tuple(
            field_view(definition, name, _named(data, entry, name, places or {}))
            for name, entry in definition.dictionary.fields.items()
            if entry.get("from") == origin and name in data
        )
        if fields:
            found.append(SectionView(title, fields))
    return tuple(found)


def _named(
    data: Mapping[str, Any], entry: Mapping[str, Any], name: str, places: Mapping[str, str]
) -> Mapping[str, Any]:
    if entry["type"] == "region" and data[name] in places:
        return {**data, name: places[data[name]]}
    return data
