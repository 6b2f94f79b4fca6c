"""How a task's form is filled and which decision is taken: what people of the medical assistance process usually write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping
    from datetime import date

    from engine.views import OutcomeView, TaskView

PAPER = b"%PDF-1.4 a made-up paper of a rehearsal"
POSITIVE, RETURN, REFUSAL = "positive", "return", "refusal"
_MOODS: Mapping[str, tuple[int, int, int]] = {
    "T_receive": (90, 7, 3),
    "T_review": (86, 9, 5),
    "T_approve": (85, 10, 5),
    "T_joint": (84, 10, 6),
    "T_city": (88, 12, 0),
    "T_province": (93, 7, 0),
    "T_verify": (55, 45, 0),
}
"""Step → how often it is agreed to, returned, refused; of a hundred."""
_TIRED_OF_RETURNS = 2
_REASONS = {
    POSITIVE: ("情况属实,同意。", "材料齐全,同意。", ""),
    RETURN: ("缺转诊证明,请补交。", "费用与结算单不符,请核对。", "请核实身份类别。"),
    REFUSAL: ("不属于合规费用,依据见通知书。", "重复报销,不予受理。", "不符合救助条件。"),
}


def decide(
    view: TaskView, whim: random.Random, *, corrections: int, is_awkward: bool = False, only_positive: bool = False
) -> OutcomeView:
    """Choose one of the decisions a task offers; after several corrections people rather refuse than return once more.

    An awkward case is one that everybody would rather give back than decide.
    """
    agree, give_back, refuse = _MOODS.get(view.element_id, (100, 0, 0))
    if is_awkward and give_back:
        agree, give_back, refuse = 30, 65, 5
    elif corrections >= _TIRED_OF_RETURNS:
        agree, give_back, refuse = agree // 3, give_back // 3, refuse + 60
    if only_positive:
        give_back = refuse = 0
    weights = {POSITIVE: agree, RETURN: give_back, REFUSAL: refuse}
    return whim.choices(view.outcomes, [weights[one.tone] + 0.001 for one in view.outcomes])[0]


def opinion(outcome: OutcomeView, whim: random.Random) -> str:
    """Write a few words with a decision."""
    return whim.choice(_REASONS[outcome.tone])


def fill(view: TaskView, outcome: OutcomeView, whim: random.Random, *, today: date, category: str) -> dict[str, Any]:
    """Fill a task's form: what the case knows already, and what its step asks anew. KeyError for a field nobody here knows."""
    schema = view.form["schema"]
    names = schema["properties"]
    values = {name: view.values[name] for name in names if name in view.values}
    answers = _answers(view, whim, today, category)
    for name in schema.get("required", ()):
        if name not in values and not _is_outcome(view, name):
            values[name] = answers[name]
    if outcome.return_targets:
        values["return_to"] = whim.choice(outcome.return_targets).value
    else:
        values.pop("return_to", None)
    if "settlement_no" in names and whim.random() < 0.6:  # noqa: PLR2004
        # Whoever corrects an application looks the number up again.
        values["settlement_no"] = answers["settlement_no"]
    if "total_fen" in names and whim.random() < 0.3:  # noqa: PLR2004
        values["total_fen"] = values["total_fen"] + whim.choice((-1, 1, 10000))
    return values


def _is_outcome(view: TaskView, name: str) -> bool:
    outcome = view.form.get("outcome")
    return outcome is not None and outcome["field"] == name


def _answers(view: TaskView, whim: random.Random, today: date, category: str) -> dict[str, Any]:
    against = whim.choice((0, 0, 1, 2))
    finding = category if category in {"LOW", "ILL"} and whim.random() < 0.85 else "NONE"  # noqa: PLR2004
    return {
        "economic_finding": finding,
        "notice_place": "村委会公示栏",
        "notice_posted_on": today.isoformat(),
        "joint_held_on": today.isoformat(),
        "joint_present": 7,
        "joint_for": 7 - against,
        "joint_against": against,
        "pay_voucher_no": f"PZ-{view.case_no}",
        "paid_on": today.isoformat(),
        "answer_text": "材料齐全,金额无误,附明细。",
        "objection_finding": "入户核查并走访邻居,结论如上。",
        "verifiers": "镇民政办两名工作人员",
        "correction_note": "已按要求补正。",
        "settlement_no": f"JS-{view.case_no}",
    }
