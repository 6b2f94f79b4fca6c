"""Refusals and accidents, and nothing else.

A refusal is an answer (DESIGN.md §3.10): it says what was wanted and what was found, in Chinese and in English, and the
web maps each kind to one page in one file. An accident (:class:`EngineError`) is ours: it rolls the verb back and becomes an
incident that an administrator sees and can retry. The two never mix: nobody is refused because of our mistake.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence for a person, in Chinese and in English."""

    zh: str
    en: str

    def __str__(self) -> str:
        return self.zh

    def in_language(self, language: str) -> str:
        """Return the sentence in `language`: English for "en…", Chinese for everything else."""
        return self.en if language.startswith("en") else self.zh


class Rejected(Exception):  # noqa: N818  (a refusal is an answer, not an error)
    """The engine answers no; `message` says what was wanted, then what was found."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.en)
        self.message = message


class NotFound(Rejected):
    """There is no such thing, or it lies outside the asker's jurisdiction: the two look the same."""


class NotPermitted(Rejected):
    """The asker may see the thing but not do this; `rule` names the predicate that refused."""

    def __init__(self, message: Message, *, rule: str = "") -> None:
        super().__init__(message)
        self.rule = rule


class NotOpen(Rejected):
    """The task, timer or message is no longer waiting for anybody."""


class Conflict(Rejected):
    """Somebody was faster: the case has moved on since the asker looked at it."""


class Invalid(Rejected):
    """What was typed cannot be accepted; `fields` has one sentence for each field concerned."""

    def __init__(self, message: Message, *, fields: Mapping[str, Message] | None = None) -> None:
        super().__init__(message)
        self.fields: dict[str, Message] = dict(fields or {})

    def __str__(self) -> str:
        return "; ".join([self.message.en, *(f"{name}: {fault.en}" for name, fault in self.fields.items())])


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a drawing, table or form would not run as it says: where it is, what is wrong, and the remedy.

    `line` counts from 1 (0 where the whole file is meant); `rule` is a short stable name such as "gateway-default".
    """

    file: str
    line: int
    element: str
    rule: str
    reason: Message
    remedy: Message = field(default_factory=lambda: Message("", ""))

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason.en}" + (f" {self.remedy.en}" if self.remedy.en else "")


class BadDefinition(Rejected):
    """The definition would not run as it says; `findings` lists everything found, not only the first."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(
            Message(
                f"流程定义不能发布:发现 {len(findings)} 处问题",
                f"The definition cannot be deployed: {len(findings)} findings",
            )
        )
        self.findings = tuple(findings)

    def __str__(self) -> str:
        return "\n".join(str(finding) for finding in self.findings)


class EngineError(Exception):
    """An accident inside a running process: which element, and what went wrong; the verb is rolled back."""

    def __init__(self, element_id: str, message: str) -> None:
        super().__init__(f"{element_id}: {message}" if element_id else message)
        self.element_id = element_id
        self.reason = message
