"""What a reader gets: frozen values that cross the engine's border, ready to be shown.

Words come in pairs (`Words`: Chinese and English), moments are aware UTC, money is fen; how they look is the template's business.
Nothing here can write, and nothing here holds more than its viewer may see: private values arrive masked, with the name under
which they can be revealed (which leaves a trace).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.errors import Message as Words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from engine.people.actor import Actor
    from engine.people.levels import Level

__all__ = [
    "ActionView",
    "AttachmentView",
    "BriefRow",
    "BriefView",
    "CaseView",
    "Choice",
    "FieldView",
    "FilterCount",
    "FrameView",
    "HistoryView",
    "InboxPage",
    "InboxRow",
    "LevelStep",
    "LimitView",
    "NoticeView",
    "OpinionView",
    "OutcomeView",
    "Receipt",
    "SectionView",
    "SigningView",
    "SlotView",
    "StartForm",
    "StepView",
    "TaskView",
    "TimelineEntry",
    "Words",
    "WorkingTerm",
]


@dataclass(frozen=True, slots=True)
class LimitView:
    """How a task stands in time. `state`: normal, near, today, yellow, red, paused, none (no limit)."""

    state: str
    days_left: int
    """Working days left (0: today is the last); negative: working days late."""
    due_at: datetime | None
    provisional: bool
    limit_days: int | None
    used_days: int
    stage: str
    reason: Words | None = None
    """Why the clock is paused, or why the task moved (re-assigned to the leader…)."""
    arithmetic: tuple[Words, ...] = ()
    """The calculation, a line a step; only on the case page."""


@dataclass(frozen=True, slots=True)
class OpinionView:
    """The last opinion a list shows: level, name, day and words."""

    level: Level
    name: str
    at: datetime
    outcome: Words
    text: str


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One open task, told so that one knows whether to open it."""

    task_id: str
    case_id: int
    case_no: str
    subject_name: str
    members: int
    category: Words
    place: str
    step: Words
    level: Level
    kind: Words
    amount_fen: int | None
    limit: LimitView
    last_opinion: OpinionView | None
    returns: int
    claimed_by: str | None
    claimed_by_me: bool
    list_name: str | None


@dataclass(frozen=True, slots=True)
class FilterCount:
    """A filter of the inbox and how many tasks it would show."""

    name: str
    words: Words
    count: int


@dataclass(frozen=True, slots=True)
class InboxPage:
    """A page of the inbox of one post; `total` counts the chosen filter within this post only."""

    rows: tuple[InboxRow, ...]
    filters: tuple[FilterCount, ...]
    chosen: str
    page: int
    pages: int
    total: int


@dataclass(frozen=True, slots=True)
class WorkingTerm:
    """One term of how the sum came about: an operator sign before it ("", "−", "×", "="), its name and value as text."""

    sign: str
    words: Words
    value: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class BriefRow:
    """A requirement with its evidence. `mark`: ok, attention, failed; failed and attention rows come first."""

    mark: str
    requirement: Words
    evidence: Words
    value: Words
    source: Words
    """Where the evidence or the rule stands: X01, 粤发〔2016〕13号 §9, 材料 4 …"""


@dataclass(frozen=True, slots=True)
class BriefView:
    """审批要点: the sum, how it came about, the rules hit and what to look at."""

    amount_fen: int | None
    amount_words_zh: str
    working: tuple[WorkingTerm, ...]
    rows: tuple[BriefRow, ...]
    comparison: tuple[Words, ...]
    """With last time, a sentence each."""

    def count(self, mark: str) -> int:
        """Count the rows with this mark."""
        return sum(1 for row in self.rows if row.mark == mark)


@dataclass(frozen=True, slots=True)
class LevelStep:
    """One of the five chevrons. `state`: done, current, returned, ahead."""

    level: Level
    state: str
    words: Words
    line: Words
    """Second line: date and outcome, or who is next."""


@dataclass(frozen=True, slots=True)
class FieldView:
    """A value as the form shows it; a private one is masked and can be revealed under `name`."""

    name: str
    words: Words
    text: Words
    masked: bool = False


@dataclass(frozen=True, slots=True)
class SectionView:
    """A titled group of values."""

    title: Words
    fields: tuple[FieldView, ...]


@dataclass(frozen=True, slots=True)
class AttachmentView:
    """A paper in the case; `short_digest` is the beginning of its SHA-256."""

    id: str
    slot: str
    slot_words: Words
    file_name: str
    media_type: str
    size: int
    short_digest: str
    uploaded_by: str
    uploaded_at: datetime
    level: Level | None = None


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened, as it was then. `tone`: ok, returned, refused, system, waiting, current, next."""

    seq: int
    at: datetime | None
    tone: str
    title: Words
    name: str
    post: Words
    body: str
    lines: tuple[Words, ...] = ()
    opinion: str = ""
    signature_digest: str = ""
    used_days: int | None = None


@dataclass(frozen=True, slots=True)
class ActionView:
    """Something one may or may not do here; where not, `reason` says why and `rule` names the rule."""

    name: str
    words: Words
    permitted: bool
    reason: Words | None = None
    rule: str = ""


@dataclass(frozen=True, slots=True)
class StepView:
    """A line of the diagram's text twin. `state`: done, current, returned, cancelled, overdue, ahead."""

    element_id: str
    name: str
    level: Level | None
    state: str
    holder: Words
    at: datetime | None
    limit: LimitView | None = None


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case as one document: brief, form, papers, opinion, timeline, diagram and its twin."""

    case_id: int
    case_no: str
    process_id: str
    title: Words
    subject_name: str
    members: int
    category: Words
    place: str
    status: str
    status_words: Words
    revision: int
    version: int
    opened_at: datetime
    ended_at: datetime | None
    limit: LimitView | None
    levels: tuple[LevelStep, ...]
    brief: BriefView
    sections: tuple[SectionView, ...]
    attachments: tuple[AttachmentView, ...]
    timeline: tuple[TimelineEntry, ...]
    steps: tuple[StepView, ...]
    diagram_xml: str
    element_states: Mapping[str, str]
    tasks: tuple[TaskView, ...]
    """The open tasks; those the viewer may act on have permitted actions."""
    actions: tuple[ActionView, ...]
    """Actions on the case itself: withdraw, …"""


@dataclass(frozen=True, slots=True)
class Choice:
    """A value one can choose and its words."""

    value: str
    words: Words
    line: Words = field(default_factory=lambda: Words("", ""))


@dataclass(frozen=True, slots=True)
class OutcomeView:
    """A decision one can take. `button` says its consequence: 同意并签字，报市级备案. `tone`: positive, return, refusal."""

    value: str
    words: Words
    line: Words
    button: Words
    tone: str
    needs_opinion: bool
    return_targets: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class SlotView:
    """A place for a paper: what it is, whether it is required, and what lies in it."""

    slot: str
    words: Words
    required: bool
    files: tuple[AttachmentView, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskView:
    """An open task and all its page needs: the form, the outcomes, the slots and what may be done."""

    task_id: str
    case_id: int
    case_no: str
    element_id: str
    name: Words
    level: Level
    role_words: Words
    body: str
    limit: LimitView
    claimed_by: str | None
    claimed_by_me: bool
    form: Mapping[str, Any]
    """The form's file: schema, ui, title, instructions, attachments, outcome (see engine/runtime/forms.py)."""
    fields: Mapping[str, Mapping[str, Any]]
    """The dictionary entries of the form's fields."""
    values: Mapping[str, Any]
    """Typed values to start from: what the case knows, or the saved draft."""
    outcomes: tuple[OutcomeView, ...]
    slots: tuple[SlotView, ...]
    actions: tuple[ActionView, ...]
    revision: int
    signed: bool
    draft: Mapping[str, Any] | None = None

    def action(self, name: str) -> ActionView:
        """Return what is known of one action; KeyError when there is none of that name."""
        for action in self.actions:
            if action.name == name:
                return action
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class StartForm:
    """The form that opens a case for a household: pre-filled from the register, with its slots."""

    process_id: str
    title: Words
    household: Mapping[str, Any]
    form: Mapping[str, Any]
    fields: Mapping[str, Mapping[str, Any]]
    values: Mapping[str, Any]
    slots: tuple[SlotView, ...]
    running_case: tuple[int, str] | None
    draft_id: str
    after: tuple[Words, ...]
    """What happens after handing in, with the limits."""


@dataclass(frozen=True, slots=True)
class SigningView:
    """What the sign page shows: in which post, which case, which outcome and words, and the digest of it all."""

    task: TaskView
    actor: Actor
    case: CaseView
    outcome: OutcomeView
    opinion: str
    values: Mapping[str, Any]
    digest: str
    after: tuple[Words, ...]
    """What happens after signing, a sentence each."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a verb answers: the case as it stands now, what opened, and what the actor may do next."""

    case_id: int
    case_no: str
    revision: int
    status: str
    event_seq: int
    words: Words
    opened: tuple[str, ...] = ()
    """Ids of tasks that opened."""
    next_task_id: str | None = None
    digest: str = ""
    repeated: bool = False
    """True when this very act had been recorded before (double click): nothing was done again."""


@dataclass(frozen=True, slots=True)
class NoticeView:
    """A notice to a person, and why it reached them."""

    id: int
    kind: str
    title: Words
    reason: str
    case_id: int | None
    at: datetime
    is_read: bool


@dataclass(frozen=True, slots=True)
class FrameView:
    """The case after one event: the diagram's states, the data, and what this step changed."""

    n: int
    seq: int
    kind: str
    at: datetime
    title: Words
    actor: Words
    opinion: str
    states: Mapping[str, str]
    flows: tuple[str, ...]
    changes: tuple[tuple[Words, Words, Words], ...]
    """Name, before, after."""
    decisions: tuple[Words, ...]
    form: tuple[SectionView, ...]
    signature_digest: str
    hash: str
    prev_hash: str
    raw: str


@dataclass(frozen=True, slots=True)
class HistoryView:
    """An auditor's replay: all frames, the diagram they are drawn on, and whether the proof holds."""

    case_id: int
    case_no: str
    subject_name: str
    diagram_xml: str
    frames: tuple[FrameView, ...]
    verified: bool
    checks: tuple[tuple[Words, bool], ...]
    """The five things the verdict consists of."""
    first_bad: Words | None = None
