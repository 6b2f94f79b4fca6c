"""The data dictionary of a process: every name a case may know, its type, and its words in Chinese and English.

What is not declared is refused before the engine sees it (DESIGN.md §3.5). A form field called like a function, a Python keyword or one
of the library's own marks would change routing or lock a case for ever (RELIABILITY.md §0.2, §0.3), so such names cannot be declared
at all.
"""

from __future__ import annotations

import json
import keyword
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from engine.errors import BadDefinition, Finding, Invalid, Message
from engine.register import id_numbers
from engine.runtime.expressions import LARGEST_NUMBER, RESERVED
from engine.texts import can_be_kept

if TYPE_CHECKING:
    from collections.abc import Mapping

TYPES = frozenset(
    {
        *("money", "integer", "text", "boolean", "date", "choice", "choices"),
        *("id_number", "bank_card", "phone", "region", "person_no"),
    }
)
NAME = re.compile(r"^[a-z][a-z0-9_]{0,47}$", re.ASCII)
LONGEST_TEXT = 4_000
MOST_ITEMS = 200
_PATTERNS: Mapping[str, re.Pattern[str]] = {
    "phone": re.compile(r"^(1[3-9]\d{9}|0\d{2,3}-?\d{7,8})$", re.ASCII),
    "bank_card": re.compile(r"^\d{16,19}$", re.ASCII),
    "region": re.compile(r"^\d{2}(\d{2}(\d{2}(\d{3}(\d{3})?)?)?)?$", re.ASCII),
    "person_no": re.compile(r"^[A-Za-z0-9-]{1,28}$", re.ASCII),
}


@dataclass(frozen=True)
class Dictionary:
    """The declared names of a process, with the file's own entry for each."""

    process_id: str
    fields: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, content: bytes, path: str = "dictionary.json") -> Dictionary:
        """Read a dictionary file; BadDefinition names every entry that makes no sense."""
        try:
            loaded = json.loads(content)
            fields = dict(loaded["fields"])
            process_id = str(loaded["process"])
        except (ValueError, KeyError, TypeError) as error:
            raise BadDefinition(
                [
                    Finding(
                        path,
                        0,
                        "",
                        "dictionary",
                        Message(f"数据字典无法读取:{error}", f"The dictionary cannot be read: {error}"),
                    )
                ]
            ) from error
        findings = [finding for name, entry in fields.items() for finding in _entry_findings(path, name, entry)]
        if findings:
            raise BadDefinition(findings)
        return cls(process_id, fields)

    def __contains__(self, name: object) -> bool:
        return name in self.fields

    def entry(self, name: str | None) -> Mapping[str, Any] | None:
        """Return the entry of a name; None where it is not declared."""
        return None if name is None else self.fields.get(name)

    def check(self, data: Mapping[str, Any], *, today: date | None = None) -> None:
        """Let only declared, rightly typed values pass; Invalid names every other one."""
        errors = {name: fault for name, value in data.items() if (fault := self.fault(name, value, today=today))}
        if errors:
            raise Invalid(
                Message(f"有 {len(errors)} 项数据不能接受", f"{len(errors)} values cannot be accepted"), fields=errors
            )

    def fault(self, name: str, value: Any, *, today: date | None = None) -> Message | None:
        """Return what is wrong with a value under a name; None where nothing is."""
        entry = self.fields.get(name)
        if entry is None:
            return Message(f"没有“{str(name)[:40]}”这一项", f"There is no field {str(name)[:40]!r}")
        if isinstance(value, list):
            if entry["type"] != "choices" and entry.get("from") not in {"decision", "engine"}:
                return Message("只能填一项", "Only one value fits here")
            if len(value) > MOST_ITEMS:
                return Message(f"最多 {MOST_ITEMS} 项", f"At most {MOST_ITEMS} values")
            return next((fault for one in value if (fault := _fault(entry, one, today))), None)
        if entry["type"] == "choices":
            return Message("应是若干选项", "A list of choices is expected")
        return _fault(entry, value, today)


def _fault(entry: Mapping[str, Any], value: Any, today: date | None) -> Message | None:  # noqa: PLR0911
    kind = entry["type"]
    if kind == "boolean":
        return None if type(value) is bool else Message("应是“是”或“否”", "Yes or no is expected")
    if kind in {"money", "integer"}:
        return _number_fault(entry, value)
    if type(value) is not str:
        return Message("应是文字", "Text is expected")
    longest = int(entry.get("max_length", LONGEST_TEXT))
    if len(value) > longest:
        return Message(
            f"最多 {longest} 个字,现有 {len(value)} 个", f"At most {longest} characters; there are {len(value)}"
        )
    if not can_be_kept(value):
        return Message("含有不能保存的字符", "It contains a character that cannot be stored")
    if kind in {"choice", "choices"}:
        known = {choice["value"] for choice in entry.get("choices", ())}
        return None if value in known else Message("不是可选的值", "That is not one of the choices")
    if kind == "date":
        return _date_fault(entry, value, today)
    if kind == "id_number":
        return _id_fault(value, today)
    pattern = _PATTERNS.get(kind)
    if pattern is not None and not pattern.match(value):
        return _PATTERN_WORDS[kind]
    return None


_PATTERN_WORDS: Mapping[str, Message] = {
    "phone": Message("应是 11 位手机号或带区号的座机号", "A mobile number of 11 digits or a landline is expected"),
    "bank_card": Message("卡号应是 16 至 19 位数字", "A card number has 16 to 19 digits"),
    "region": Message("应是行政区划代码", "A region code is expected"),
    "person_no": Message("应是人编号", "A person number is expected"),
}


def _number_fault(entry: Mapping[str, Any], value: Any) -> Message | None:
    if type(value) is not int:
        return Message("应是整数", "A whole number is expected")
    least = int(entry.get("min", 0))
    most = int(entry.get("max", LARGEST_NUMBER))
    if value < least:
        return Message(f"不能小于 {least}", f"It cannot be less than {least}")
    if value > most:
        return Message("数值太大", "The number is too large")
    return None


def _date_fault(entry: Mapping[str, Any], value: str, today: date | None) -> Message | None:
    wanted = Message("应是日期,如 2018-06-11", "A date such as 2018-06-11 is expected")
    if len(value) != 10:  # noqa: PLR2004  (YYYY-MM-DD)
        return wanted
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return wanted
    if day.year < 1900:  # noqa: PLR2004
        return wanted
    if today is not None and day > today and not entry.get("future"):
        return Message("不能晚于今天", "It cannot be later than today")
    return None


def _id_fault(value: str, today: date | None) -> Message | None:
    try:
        id_numbers.parse(value, today=today or date(9999, 12, 31))
    except Invalid as refusal:
        return refusal.message
    return None


def _entry_findings(path: str, name: str, entry: Any) -> list[Finding]:
    def found(rule: str, zh: str, en: str) -> Finding:
        return Finding(path, 0, name, rule, Message(f"“{name}”{zh}", f"{name}: {en}"))

    if not NAME.match(name) or keyword.iskeyword(name) or name in RESERVED:
        return [found("reserved-name", "不能作名称", "this name cannot be declared.")]
    if not isinstance(entry, dict):
        return [found("dictionary", "没有说明", "there is no entry.")]
    findings = []
    if entry.get("type") not in TYPES:
        findings.append(
            found("dictionary", f"的类型 {entry.get('type')!r} 不存在", f"there is no type {entry.get('type')!r}.")
        )
    if not entry.get("zh") or not entry.get("en"):
        findings.append(found("dictionary", "缺少中文或英文名称", "the Chinese or the English name is missing."))
    if entry.get("type") in {"choice", "choices"} and not entry.get("choices"):
        findings.append(found("dictionary", "没有选项", "there are no choices."))
    if entry.get("from") not in {"form", "register", "service", "decision", "engine"}:
        findings.append(found("dictionary", "没有来源", "it does not say where the value comes from."))
    return findings
