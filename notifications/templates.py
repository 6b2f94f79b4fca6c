"""What a message says, in Chinese and in English, for everything the engine owes.

A template may name the case's number, the step, the level, the due day and the outcome, and nothing else: whatever else is in a
message's content does not reach a text, because the blanks are filled from this short list. So no personal data can leave by a
notice or a mail (DOMAIN.md §0, privacy rule); the link asks for a log-in first. This is also the place where UTC becomes a day in China.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from string import Formatter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
_LONGEST_NAME = 60
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]

LEVELS = {
    12: ("村级", "village"),
    9: ("镇级", "township"),
    6: ("县级", "county"),
    4: ("市级", "city"),
    2: ("省级", "province"),
}
STATUSES = {
    "COMPLETED": ("已办结", "completed"),
    "REJECTED": ("不予救助", "refused"),
    "WITHDRAWN": ("已撤回", "withdrawn"),
    "NOTHING_TO_PAY": ("无可救助金额", "nothing to pay"),
}


@dataclass(frozen=True, slots=True)
class Template:
    """Title and sentences of one kind of message; a sentence whose blank cannot be filled is left out.

    `group` is the heading under which the notice centre lists it (UX.md §2.11), `rank` orders the stages of one delay: of
    several that are owed at once to the same person about the same task, only the highest is current.
    """

    group: str
    title: tuple[str, str]
    sentences: tuple[tuple[str, str], ...]
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Text:
    """A rendered message: a title and a body in both languages; neither holds personal data or a link."""

    title_zh: str
    title_en: str
    body_zh: str
    body_en: str


_TODO, _LATE, _RESULT, _SYSTEM = "待办", "催办督办", "结果", "系统"
_DUE = ("期限：{due_zh}。", "Due: {due_en}.")
_AT = ("{level_zh}环节“{step}”。", "Step “{step}”, {level_en} level.")

TEMPLATES: dict[str, Template] = {
    "task_arrived": Template(_TODO, ("待办：{case_no} {step}", "To do: {case_no} {step}"), (_AT, _DUE)),
    "task_reassigned": Template(
        _TODO,
        ("改派给您：{case_no} {step}", "Reassigned to you: {case_no} {step}"),
        (("该任务已改派给您办理。", "This task has been given to you."), _AT, _DUE),
    ),
    "task_returned": Template(
        _TODO,
        ("退回补正：{case_no} {step}", "Returned for correction: {case_no} {step}"),
        (
            (
                "办件已退回补正，理由见办件页面；补正期间中止计时。",
                "Returned for correction; the case page says why. The clock is stopped meanwhile.",
            ),
            _AT,
            _DUE,
        ),
    ),
    "reminder": Template(
        _LATE,
        ("临期提醒：{case_no} {step}", "Reminder: {case_no} {step}"),
        (("办理期限临近，请尽快办理。", "The limit is near; please act soon."), _AT, _DUE),
        rank=1,
    ),
    "yellow_card": Template(
        _LATE,
        ("黄牌：{case_no} {step} 已超期", "Yellow card: {case_no} {step} is late"),
        (
            (
                "任务已超过办理期限，请立即办理。超期不会自动通过。",
                "The limit has passed; please act now. A lapse never approves by itself.",
            ),
            _AT,
            _DUE,
        ),
        rank=2,
    ),
    "red_card": Template(
        _LATE,
        ("红牌：{case_no} {step} 已转本级负责人", "Red card: {case_no} {step} moved to the leader"),
        (
            (
                "任务严重超期，已转由本级负责人办理，并告知上级。办理时须写明超期原因。",
                "Seriously late: now with the leader of the level, the level above is told. The reason for the delay must be written.",
            ),
            _AT,
            _DUE,
        ),
        rank=3,
    ),
    "takeover": Template(
        _LATE,
        ("督办：{case_no} {step}", "Supervised: {case_no} {step}"),
        (
            (
                "上级已对该任务督办；本级的签署不被取代。",
                "The level above now supervises this task; no level loses its signature.",
            ),
            _AT,
            _DUE,
        ),
        rank=4,
    ),
    "upper_level": Template(
        _LATE,
        ("上报督办：{case_no} {step}", "Reported two levels up: {case_no} {step}"),
        (
            (
                "任务长期超期，已上报并计入季度通报。",
                "Long overdue: reported upwards and counted in the quarterly bulletin.",
            ),
            _AT,
            _DUE,
        ),
        rank=5,
    ),
    "decision_letter": Template(
        _RESULT,
        ("决定：{case_no} {status_zh}", "Decision: {case_no} {status_en}"),
        (
            ("办件结果：{status_zh}。", "Outcome: {status_en}."),
            (
                "依据和理由见办件页面，请登录查看并告知申请人。",
                "The case page gives the grounds; log in to read them and tell the applicant.",
            ),
        ),
    ),
    "case_closed": Template(
        _RESULT,
        ("办结：{case_no} {status_zh}", "Closed: {case_no} {status_en}"),
        (("办件结果：{status_zh}。", "Outcome: {status_en}."),),
    ),
    "incident": Template(
        _SYSTEM,
        ("系统事件：{case_no}", "Incident: {case_no}"),
        (
            (
                "办件的一次操作未能完成，已全部撤销并记录，请管理员处理。",
                "An action on the case failed and was rolled back whole; an administrator should look at it.",
            ),
            _AT,
        ),
    ),
}
GENERAL = Template(_SYSTEM, ("办件有更新：{case_no}", "Case updated: {case_no}"), (_AT,))
"""For a kind that has no words of its own yet: nobody is left untold because a template is missing."""


def template_of(kind: str) -> Template:
    """Return the template of a kind of message."""
    return TEMPLATES.get(kind, GENERAL)


def render(kind: str, content: Mapping[str, Any]) -> Text:
    """Return the text of a message: its template with the few blanks that may be filled."""
    template, blanks = template_of(kind), _blanks(content)
    sentences = [pair for pair in template.sentences if _needs(pair) <= blanks.keys()]
    shown = {"case_no": "", "step": "", "status_zh": "", "status_en": "", **blanks}
    title_zh, title_en = (" ".join(part.format_map(shown).split()) for part in template.title)
    return Text(
        title_zh=title_zh,
        title_en=title_en,
        body_zh="".join(zh.format_map(blanks) for zh, _ in sentences),
        body_en=" ".join(en.format_map(blanks) for _, en in sentences),
    )


def _needs(pair: tuple[str, str]) -> set[str]:
    return {name for part in pair for _, name, _, _ in Formatter().parse(part) if name}


def _blanks(content: Mapping[str, Any]) -> dict[str, str]:
    blanks = {name: _clean(content[name]) for name in ("case_no", "step") if content.get(name)}
    for name, words in (
        ("level", LEVELS.get(content.get("level", 0))),
        ("status", STATUSES.get(content.get("status", ""))),
    ):
        if words:
            blanks[f"{name}_zh"], blanks[f"{name}_en"] = words
    if content.get("due_at"):
        due = datetime.fromisoformat(content["due_at"]).astimezone(_CHINA)
        blanks["due_zh"] = f"{due.year}年{due.month}月{due.day}日"
        blanks["due_en"] = f"{due.day} {_MONTHS[due.month - 1]} {due.year}"
    return blanks


def _clean(value: object) -> str:
    """One line of bounded length: a name from a drawing must not become a second mail header."""
    return _CONTROLS.sub(" ", str(value)).strip()[:_LONGEST_NAME]


# ---- the last look before a text leaves the house ------------------------------------------------------------------------

_PERSONAL = (
    (
        "identity number",
        re.compile(r"(?<!\d)\d{6}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![\dA-Za-z])"),
    ),
    # Sixteen to nineteen digits in one run or in fours; a case number has as many, but in other groups.
    ("bank card", re.compile(r"(?<![\d-])(?:\d{16,19}|\d{4}(?:[ -]\d{4}){3}(?:[ -]?\d{1,3})?)(?![\d-])")),
    ("telephone", re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")),
    ("amount", re.compile(r"\d(?:[\d,]*\d)?(?:\.\d{1,2})?\s*(?:元|万元|yuan|CNY|RMB)|[\u00a5\uffe5]\s*\d")),
)


def personal_data_in(text: str) -> str | None:
    """Name what personal data a text seems to carry (identity number, bank card, telephone, amount); empty if none."""
    return next((name for name, pattern in _PERSONAL if pattern.search(text)), None)
