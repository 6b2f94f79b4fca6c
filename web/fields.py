"""From a form's file to the controls on a page, and from what a browser posts to what the engine reads.

A form is JSON Schema with a little layout beside it (engine/runtime/forms.py reads it and judges it). Here each field becomes a
`Widget` that a Jinja macro can draw: which control, which choices, what stands in it, and what is wrong with it. What was typed goes
before what is known, letter by letter; nothing is judged here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import Message
from web.formats import money
from web.words import w

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.datastructures import MultiDict

PREFIX = "f:"
"""Stands before the name of every form field, so that no field can be mistaken for one of the page's own."""
MOST_RADIOS = 5

_CONTROLS = {
    "money": "money",
    "integer": "number",
    "text": "text",
    "boolean": "yesno",
    "date": "date",
    "id_number": "text",
    "bank_card": "text",
    "phone": "tel",
    "region": "text",
    "person_no": "text",
}


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a choice and its words."""

    value: str
    words: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Widget:
    """One field as a control."""

    name: str
    control: str
    label: str
    help: str
    value: str
    options: tuple[Option, ...]
    required: bool
    error: str
    unit: str
    max_length: int | None
    private: bool

    @property
    def input_name(self) -> str:
        """The name the control has in the posted form."""
        return PREFIX + self.name

    @property
    def shown(self) -> str:
        """The value as one reads it on the check page."""
        if self.options:
            return "、".join(option.words for option in self.options if option.chosen)
        return self.value


@dataclass(frozen=True, slots=True)
class Section:
    """A titled group of controls."""

    key: str
    title: str
    widgets: tuple[Widget, ...]

    @property
    def missing(self) -> int:
        """How many required fields are still empty."""
        return sum(1 for widget in self.widgets if widget.required and not widget.shown)

    @property
    def filled(self) -> int:
        """How many fields have something in them."""
        return sum(1 for widget in self.widgets if widget.shown)

    @property
    def errors(self) -> int:
        """How many fields have something wrong with them."""
        return sum(1 for widget in self.widgets if widget.error)


def widgets_of(
    form: Mapping[str, Any],
    fields: Mapping[str, Mapping[str, Any]],
    values: Mapping[str, Any],
    errors: Mapping[str, Message],
) -> tuple[Section, ...]:
    """Return the form's sections in the order of its layout; fields the layout forgot come last, the outcome's field never."""
    schema = form.get("schema", {})
    ui = form.get("ui", {})
    known = list(schema.get("properties", {}))
    outcome = (form.get("outcome") or {}).get("field")
    left = [name for name in known if name != outcome]
    sections = []
    for number, layout in enumerate(ui.get("sections", ()), start=1):
        names = [name for name in layout.get("fields", ()) if name in left]
        left = [name for name in left if name not in names]
        if names:
            sections.append(_section(str(number), w(layout.get("title")), names, form, fields, values, errors))
    if left:
        sections.append(_section("0", w(form.get("title")), left, form, fields, values, errors))
    return tuple(sections)


def _section(
    key: str,
    title: str,
    names: list[str],
    form: Mapping[str, Any],
    fields: Mapping[str, Mapping[str, Any]],
    values: Mapping[str, Any],
    errors: Mapping[str, Message],
) -> Section:
    required = set(form.get("schema", {}).get("required", ()))
    ui = form.get("ui", {})
    widgets = tuple(
        _widget(
            name,
            fields.get(name, {}),
            ui.get("widgets", {}).get(name, {}),
            w(ui.get("help", {}).get(name)),
            values.get(name),
            required=name in required,
            error=w(errors.get(name)),
        )
        for name in names
    )
    return Section(key, title, widgets)


def _widget(
    name: str, entry: Mapping[str, Any], layout: Any, help_text: str, value: Any, *, required: bool, error: str
) -> Widget:
    kind = str(entry.get("type", "text"))
    wanted = layout.get("widget") if isinstance(layout, dict) else layout
    options: tuple[Option, ...] = ()
    if kind in {"choice", "choices"}:
        chosen = _chosen(value)
        options = tuple(
            Option(str(choice["value"]), w(choice), str(choice["value"]) in chosen)
            for choice in entry.get("choices", ())
        )
        control = "checks" if kind == "choices" else ("radios" if len(options) <= MOST_RADIOS else "select")
    elif kind == "boolean":
        chosen = _chosen(value)
        options = (
            Option("true", w(Message("是", "Yes")), "true" in chosen),
            Option("false", w(Message("否", "No")), "false" in chosen),
        )
        control = "radios"
    else:
        control = _CONTROLS.get(kind, "text")
    if wanted in {"textarea", "select", "radios", "radio"} and (options or wanted == "textarea"):
        control = "radios" if wanted == "radio" else str(wanted)
    return Widget(
        name=name,
        control=control,
        label=w(entry) if entry.get("zh") else name,
        help=help_text,
        value="" if options else _text(kind, value),
        options=options,
        required=required,
        error=error,
        unit=w(Message("元", "yuan"))
        if kind == "money"
        else w(layout.get("unit") if isinstance(layout, dict) else None),
        max_length=entry.get("max_length"),
        private=bool(entry.get("private")),
    )


def _text(kind: str, value: Any) -> str:
    if value is None:
        return ""
    if kind == "money" and isinstance(value, int):
        return money(value)
    if isinstance(value, (list, tuple)):
        return "、".join(str(part) for part in value)
    return str(value)


def _chosen(value: Any) -> set[str]:
    if value is None or value == "":
        return set()
    if isinstance(value, bool):
        return {"true" if value else "false"}
    if isinstance(value, (list, tuple)):
        return {str(part) for part in value}
    return {str(value)}


def typed_in(posted: MultiDict[str, str]) -> dict[str, Any]:
    """Return the form fields of a posted page exactly as typed: text, or a list where a name came more than once."""
    typed: dict[str, Any] = {}
    for name in posted:
        if name.startswith(PREFIX):
            values = posted.getlist(name)
            typed[name.removeprefix(PREFIX)] = values[0] if len(values) == 1 else values
    return typed


def raw_of(sections: tuple[Section, ...]) -> dict[str, str | list[str]]:
    """Return what a browser would post for these controls as they stand: text by name, a list where several may be chosen."""
    raw: dict[str, str | list[str]] = {}
    for section in sections:
        for widget in section.widgets:
            chosen = [option.value for option in widget.options if option.chosen]
            if widget.control == "checks":
                raw[widget.name] = chosen
            elif widget.options:
                raw[widget.name] = chosen[0] if chosen else ""
            else:
                raw[widget.name] = widget.value
    return raw
