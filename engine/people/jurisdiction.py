"""Who may do what: one table to read aloud, and the small predicates it is made of.

An action has alternatives; an alternative is a row of predicates that must all hold; an action that is not listed is refused
(DESIGN.md §3.2). The same function fills the button and guards the verb, so what the page shows is what the engine does, and the
predicate that refused is the reason shown. Only plain values come in: no database, no process, no web.

Separation of duties (DESIGN.md §3.3, DOMAIN.md B0.1): one natural person holds one duty of survey, review, approve, pay, file on a case,
over all posts and levels, and none on a case of their own household or of a declared relative.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.errors import Message, NotFound, NotPermitted
from engine.people.levels import within

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.people.actor import Actor

ADMINISTRATOR = "ADMIN"
AUDITOR = "AUDITOR"

DUTIES: Mapping[str, Message] = {
    "survey": Message("调查", "survey"),
    "review": Message("审核", "review"),
    "approve": Message("审批", "approval"),
    "pay": Message("拨付", "payment"),
    "file": Message("备案", "filing"),
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What is acted upon, as plain values; what does not apply stays empty."""

    case_region: str = ""
    case_open: bool = False
    decided: bool = False
    kin: frozenset[str] = frozenset()
    """Keyed hashes of the ID numbers of the household's members."""
    started_by: int | None = None
    task_region: str = ""
    task_role: str = ""
    task_title: Message = field(default_factory=lambda: Message("", ""))
    task_duty: str = ""
    task_open: bool = False
    claimed_by: int | None = None
    claimed_name: str = ""
    held_duty: str | None = None
    """The duty the actor already holds on this case."""
    leader_role: str = ""
    """The role that leads the body holding the task."""
    starter_roles: frozenset[str] = frozenset()
    """The roles that may open a case of this process."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an action is permitted; where not, which rule refused and why."""

    permitted: bool
    rule: str = ""
    reason: Message | None = None


@dataclass(frozen=True, slots=True)
class Predicate:
    """A named condition over an actor and a subject, with the sentence that is shown where it does not hold."""

    name: str
    holds: Callable[[Actor, Subject], bool]
    reason: Callable[[Actor, Subject], Message]


def _fixed(zh: str, en: str) -> Callable[[Actor, Subject], Message]:
    message = Message(zh, en)
    return lambda _actor, _subject: message


in_jurisdiction = Predicate(
    "in_jurisdiction",
    lambda actor, subject: within(subject.case_region, actor.region_code),
    _fixed("不在您的辖区内", "It lies outside your jurisdiction"),
)
handles_cases = Predicate(
    "handles_cases",
    lambda actor, _subject: actor.role != ADMINISTRATOR,
    _fixed("系统管理员不经办业务", "The system administrator does not handle cases"),
)
signs_cases = Predicate(
    "signs_cases",
    lambda actor, _subject: actor.role not in {ADMINISTRATOR, AUDITOR},
    _fixed("审计和管理岗位只看不办", "Auditors and administrators look, but do not act on cases"),
)
case_is_open = Predicate(
    "case_is_open", lambda _actor, subject: subject.case_open, _fixed("办件已办结", "The case is closed")
)
task_is_open = Predicate(
    "task_is_open", lambda _actor, subject: subject.task_open, _fixed("该任务已办理", "The task has been dealt with")
)
holds_the_post = Predicate(
    "holds_the_post",
    lambda actor, subject: actor.role == subject.task_role and actor.region_code == subject.task_region,
    lambda actor, subject: Message(
        f"需由{subject.task_title.zh}办理,您现在的岗位是{actor.body}{actor.title_zh}",
        f"This needs {subject.task_title.en}; your post is {actor.title_en}, {actor.body}",
    ),
)
not_claimed_by_another = Predicate(
    "not_claimed_by_another",
    lambda actor, subject: subject.claimed_by in {None, actor.person_id},
    lambda _actor, subject: Message(
        f"已由{subject.claimed_name or '他人'}领取", f"{subject.claimed_name or 'Somebody else'} has claimed it"
    ),
)
nobody_claimed = Predicate(
    "nobody_claimed",
    lambda _actor, subject: subject.claimed_by is None,
    lambda _actor, subject: Message(
        f"已由{subject.claimed_name or '他人'}领取", f"{subject.claimed_name or 'Somebody'} has claimed it"
    ),
)
claimed_by_me = Predicate(
    "claimed_by_me",
    lambda actor, subject: subject.claimed_by == actor.person_id,
    _fixed("您没有领取该任务", "You have not claimed this task"),
)
not_own_household = Predicate(
    "not_own_household",
    lambda actor, subject: actor.person_hash not in subject.kin,
    _fixed("这是您本人家庭的办件,须回避", "The case is of your own household; you must stand aside"),
)
not_a_relative = Predicate(
    "not_a_relative",
    lambda actor, subject: not (actor.relatives & subject.kin),
    _fixed("申请家庭中有您申报的亲属,须回避", "A relative you declared lives in the household; you must stand aside"),
)
one_duty = Predicate(
    "one_duty",
    lambda _actor, subject: subject.held_duty in {None, subject.task_duty},
    lambda _actor, subject: Message(
        f"您在本件中已负责{DUTIES[subject.held_duty or subject.task_duty].zh},不能再负责{DUTIES[subject.task_duty].zh}",
        f"You hold the duty of {DUTIES[subject.held_duty or subject.task_duty].en} on this case "
        f"and cannot also hold {DUTIES[subject.task_duty].en}",
    ),
)
leads_the_body = Predicate(
    "leads_the_body",
    lambda actor, subject: actor.role == subject.leader_role and actor.region_code == subject.task_region,
    _fixed("只有本单位负责人可以改派", "Only the leader of the body may reassign its tasks"),
)
leads_from_above = Predicate(
    "leads_from_above",
    lambda actor, subject: (
        actor.role.endswith("_LEADER")
        and actor.region_code != subject.task_region
        and within(subject.task_region, actor.region_code)
    ),
    _fixed(
        "只有本单位负责人或上级负责人可以改派", "Only the leader of the body or of one above may reassign its tasks"
    ),
)
not_yet_decided = Predicate(
    "not_yet_decided",
    lambda _actor, subject: not subject.decided,
    _fixed("县级已作出决定,不能撤回", "The county has decided; the case can no longer be withdrawn"),
)
receives_applications = Predicate(
    "receives_applications",
    lambda actor, subject: actor.role in subject.starter_roles,
    _fixed("您的岗位不受理这类申请", "Your post does not receive applications of this kind"),
)
speaks_for_the_household = Predicate(
    "speaks_for_the_household",
    lambda actor, subject: actor.role in subject.starter_roles or actor.person_id == subject.started_by,
    _fixed(
        "撤回由受理申请的村、镇岗位按户主要求办理",
        "The village or township that receives applications withdraws at the household's wish",
    ),
)
is_auditor = Predicate(
    "is_auditor",
    lambda actor, _subject: actor.role == AUDITOR,
    _fixed("只有审计岗位可以回放", "Only an auditor may replay a case"),
)
is_administrator = Predicate(
    "is_administrator",
    lambda actor, _subject: actor.role == ADMINISTRATOR,
    _fixed("只有系统管理员可以处理故障", "Only the system administrator may deal with incidents"),
)

_ACTING = (in_jurisdiction, signs_cases, task_is_open, holds_the_post, not_own_household, not_a_relative, one_duty)

PERMISSIONS: Mapping[str, tuple[tuple[Predicate, ...], ...]] = {
    "see": ((in_jurisdiction, handles_cases),),
    "start": ((in_jurisdiction, signs_cases, receives_applications, not_own_household, not_a_relative),),
    "claim": ((*_ACTING, nobody_claimed),),
    "release": ((in_jurisdiction, signs_cases, task_is_open, claimed_by_me),),
    "complete": ((*_ACTING, not_claimed_by_another),),
    "reassign": (
        (in_jurisdiction, signs_cases, task_is_open, leads_the_body),
        (in_jurisdiction, signs_cases, task_is_open, leads_from_above),
    ),
    "withdraw": ((in_jurisdiction, signs_cases, speaks_for_the_household, case_is_open, not_yet_decided),),
    "attach": ((*_ACTING, not_claimed_by_another),),
    "object": ((in_jurisdiction, signs_cases, case_is_open),),
    "reveal": ((in_jurisdiction, handles_cases),),
    "replay": ((in_jurisdiction, is_auditor),),
    "see_incidents": ((is_administrator,),),
    "retry": ((is_administrator,),),
}
"""Action → alternatives → predicates that must all hold. What is not listed is refused."""

# Outside one's jurisdiction a thing does not exist (DESIGN.md §3.10).
_HIDING = frozenset({in_jurisdiction.name})


def verdict(action: str, actor: Actor, subject: Subject) -> Verdict:
    """Say whether the actor may do this to the subject; an unlisted action is refused."""
    alternatives = PERMISSIONS.get(action)
    if not alternatives:
        return Verdict(permitted=False, rule="unlisted", reason=Message("没有这项操作", "There is no such action"))
    furthest = -1
    refused: Predicate | None = None
    for alternative in alternatives:
        for position, predicate in enumerate(alternative):
            if not predicate.holds(actor, subject):
                # The alternative that came furthest gives the most useful reason.
                if position > furthest:
                    furthest, refused = position, predicate
                break
        else:
            return Verdict(permitted=True)
    if refused is None:  # pragma: no cover - an alternative without predicates would be a hole in the table
        raise AssertionError(f"The table has an empty alternative for {action}")
    return Verdict(permitted=False, rule=refused.name, reason=refused.reason(actor, subject))


def require(action: str, actor: Actor, subject: Subject) -> None:
    """Let the actor pass or raise: NotFound where the subject is outside the jurisdiction, NotPermitted with the reason elsewhere."""
    found = verdict(action, actor, subject)
    if found.permitted:
        return
    if found.rule in _HIDING:
        raise NotFound(Message("没有找到", "There is no such case, or it is not in your jurisdiction"))
    raise NotPermitted(found.reason or Message("没有权限", "Not permitted"), rule=found.rule)


def visible_range(actor: Actor) -> tuple[str, str]:
    """Return the half-open range of region codes in the actor's jurisdiction: the one scope every query passes through."""
    return actor.region_code, actor.region_code[:-1] + chr(ord(actor.region_code[-1]) + 1)
