"""A small engine in memory, for tests of the pages alone: it answers with the samples and refuses when it is told to."""

# ruff: noqa: ARG002, A002  (the stand-in has the engine's own signatures)

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from engine.errors import Invalid, NotFound, NotPermitted
from engine.errors import Message as W
from engine.people.actor import Actor
from engine.people.levels import Level
from engine.views import NoticeView, Receipt, SigningView, SlotView, StartForm
from tests.web import samples

PASSWORD = "correct horse battery"


def post(number: int, role: str, title: str, region: str, body: str) -> Any:
    return SimpleNamespace(
        id=number,
        role=role,
        title=W(title, role.lower()),
        region_code=region,
        body=body,
        from_date="2017-03-01",
        to_date=None,
        level=Level.of_region(region),
    )


@dataclass
class Account:
    staff_no: str
    name: str
    posts: tuple[Any, ...]
    must_change_password: bool = False
    password: str = PASSWORD


class StandInAccounts:
    def __init__(self) -> None:
        approver = post(70, "CTY_CIVIL", "审批岗", "441424", "五华县民政局")
        self.people = {
            7: Account("lwh-441424-07", "李文辉", (approver,)),
            8: Account(
                "two-posts", "曾小梅", (post(80, "VIL_CLERK", "扶贫专干", "441424103205", "华城镇新亨村"), approver)
            ),
            9: Account("auditor", "周敏仪", (post(90, "AUDITOR", "审计员", "44", "广东省审计厅"),)),
            10: Account("admin", "赵管理", (post(100, "ADMIN", "系统管理员", "44", "广东省民政厅"),)),
            11: Account("first-day", "新来的", (approver,), must_change_password=True),
        }
        self.sessions_by_token: dict[str, list[Any]] = {}
        self.refusal: NotPermitted | None = None

    def log_in(self, staff_no: str, password: str, *, address: str, client: str = "") -> Any:
        if self.refusal is not None:
            raise self.refusal
        for number, account in self.people.items():
            if account.staff_no == staff_no and account.password == password:
                token = f"token-{number}-{len(self.sessions_by_token)}"
                only = account.posts[0].id if len(account.posts) == 1 else None
                self.sessions_by_token[token] = [number, only]
                return SimpleNamespace(
                    token=token,
                    person_id=number,
                    name=account.name,
                    posts=account.posts,
                    must_change_password=account.must_change_password,
                    last_login_at=None,
                )
        raise NotPermitted(
            W("工号或密码不正确", "The staff number and the password do not belong together"), rule="log_in"
        )

    def session(self, token: str) -> Any:
        if token not in self.sessions_by_token:
            return None
        number, chosen = self.sessions_by_token[token]
        account = self.people[number]
        return SimpleNamespace(
            token_hash=token[::-1],
            person_id=number,
            name=account.name,
            staff_no=account.staff_no,
            post_id=chosen,
            posts=account.posts,
            must_change_password=account.must_change_password,
            created_at=samples.NOW,
            last_seen_at=samples.NOW,
            expires_at=samples.NOW,
        )

    def choose_post(self, token: str, post_id: int) -> None:
        number = self.sessions_by_token[token][0]
        if post_id not in {one.id for one in self.people[number].posts}:
            raise NotFound(W("您没有这个岗位", "Not one of your posts"))
        self.sessions_by_token[token][1] = post_id

    def log_out(self, token: str) -> None:
        self.sessions_by_token.pop(token, None)

    def sessions(self, person_id: int) -> tuple[Any, ...]:
        return tuple(
            SimpleNamespace(
                token_hash=token[::-1],
                client="Firefox",
                created_at=samples.NOW,
                last_seen_at=samples.NOW,
                expires_at=samples.NOW + timedelta(hours=12),
            )
            for token, (number, _) in self.sessions_by_token.items()
            if number == person_id
        )

    def revoke(self, person_id: int, token_hash: str) -> None:
        self.sessions_by_token.pop(token_hash[::-1], None)

    def change_password(self, person_id: int, old: str, new: str, *, keep_token: str = "") -> None:
        if old != self.people[person_id].password:
            raise NotPermitted(W("密码不正确", "The password is not right"), rule="log_in")
        if len(new) < 12:
            message = W("新密码至少 12 位", "At least 12 characters")
            raise Invalid(message, fields={"new": message})
        self.people[person_id].password = new
        self.people[person_id].must_change_password = False

    def prove(self, person_id: int, password: str) -> Any:
        if password != self.people[person_id].password:
            raise NotPermitted(W("密码不正确", "The password is not right"), rule="log_in")
        return SimpleNamespace(person_id=person_id)


@dataclass
class StandIn:
    """What the routes ask of the engine, with everything they told it in `told`."""

    accounts: StandInAccounts = field(default_factory=StandInAccounts)
    told: list[tuple[Any, ...]] = field(default_factory=list)
    refuse: dict[str, Exception] = field(default_factory=dict)
    drafts: dict[str, dict[str, Any]] = field(default_factory=dict)
    papers: list[Any] = field(default_factory=list)
    gone: bool = False
    form_errors: dict[str, Any] = field(default_factory=dict)

    def _maybe(self, name: str) -> None:
        if name in self.refuse:
            raise self.refuse[name]

    def actor(self, person_id: int, post_id: int) -> Actor:
        account = self.accounts.people[person_id]
        one = next(one for one in account.posts if one.id == post_id)
        return Actor(
            person_id,
            "ab" * 32,
            account.name,
            account.staff_no,
            one.id,
            one.role,
            one.title.zh,
            one.title.en,
            one.region_code,
            one.body,
        )

    def unread(self, person_id: int) -> int:
        return 3

    def waiting(self, actor: Actor) -> int:
        return 12

    def inbox(self, actor: Actor, *, filter: str = "all", page: int = 1, search: str = "") -> Any:
        self._maybe("inbox")
        if filter in {"paused", "done", "started"}:
            return replace(
                samples.INBOX,
                rows=(),
                chosen=filter,
                total=0,
                filters=() if filter != "paused" else samples.INBOX.filters,
            )
        return replace(samples.INBOX, chosen=filter, page=page)

    def search_cases(self, actor: Actor, query: str, page: int) -> Any:
        return replace(samples.INBOX, rows=samples.ROWS if query != "nobody" else (), pages=1)

    def case(self, case_id: int, actor: Actor) -> Any:
        if case_id != 381:
            raise NotFound(W("没有找到这件办件", "There is no such case, or it is not in your jurisdiction"))
        self._maybe("case")
        return replace(samples.CASE, tasks=()) if self.gone else samples.CASE

    def brief(self, task_id: str, actor: Actor) -> Any:
        return samples.CASE

    def task(self, task_id: str, actor: Actor) -> Any:
        if task_id != "381-4" or self.gone:
            raise NotFound(W("没有找到这项任务", "There is no such task"))
        return replace(samples.TASK, draft=self.drafts.get(f"task:{task_id}"))

    def diagram(self, case_id: int, actor: Actor) -> str:
        return self.case(case_id, actor).diagram_xml

    def signing(self, task_id: str, actor: Actor, outcome: str, values: dict[str, Any], opinion: str) -> SigningView:
        self._maybe("signing")
        chosen = next((one for one in samples.TASK.outcomes if one.value == outcome), None)
        if chosen is None or (chosen.needs_opinion and len(opinion) < 5):
            message = W("请写明理由，至少 5 个字", "Say why, in at least 5 characters")
            raise Invalid(
                W("有 1 处需要改正", "1 place needs correcting"), fields={"opinion" if chosen else "outcome": message}
            )
        return SigningView(
            samples.TASK,
            actor,
            samples.CASE,
            chosen,
            opinion,
            {},
            "7f3a91c2e04b" + "0" * 48 + "5d18",
            (W("签署后报市级备案", "on to the city"), W("签署后本人不能再修改", "no change afterwards")),
        )

    def save_draft(self, actor: Actor, subject: str, content: dict[str, Any], household_no: str | None = None) -> str:
        self.told.append(("save_draft", subject))
        self.drafts[subject + (f"/{household_no}" if household_no else "")] = dict(content)
        return "d" * 32

    def attach(self, actor: Actor, subject: str, slot: str, file_name: str, content: bytes) -> Any:
        self._maybe("attach")
        self.told.append(("attach", slot, file_name, len(content)))
        paper = replace(samples.PAPERS[0], slot=slot, file_name=file_name, size=len(content))
        self.papers.append(paper)
        return paper

    def attachment(self, attachment_id: str, actor: Actor) -> Any:
        if attachment_id != samples.PAPERS[0].id:
            raise NotFound(W("没有找到", "Not found"))
        return samples.PAPERS[0], b"%PDF-1.4"

    def complete(
        self, task_id: str, actor: Actor, outcome: str, values: dict[str, Any], opinion: str = "", **seen: Any
    ) -> Receipt:
        self._maybe("complete")
        self.told.append(("complete", task_id, outcome, opinion, seen["seen_revision"]))
        return Receipt(381, samples.CASE.case_no, 6, "OPEN", 15, W("同意", "Agreed"))

    def claim(self, task_id: str, actor: Actor) -> Receipt:
        self._maybe("claim")
        self.told.append(("claim", task_id))
        return Receipt(381, samples.CASE.case_no, 6, "OPEN", 15, W("已领取", "Claimed"))

    release = claim

    def colleagues(self, task_id: str, actor: Actor) -> Any:
        return ((12, "陈国栋"),)

    def read_task_form(self, task_id: str, actor: Actor, raw: dict[str, Any]) -> Any:
        return SimpleNamespace(
            values={name: value for name, value in raw.items() if value}, errors=dict(self.form_errors)
        )

    def read_start_form(self, process_id: str, raw: dict[str, Any]) -> Any:
        missing = W("请填写", "Please fill this in")
        return SimpleNamespace(
            values=raw, errors={name: missing for name in START_FORM["schema"]["required"] if not raw.get(name)}
        )

    def remove_paper(self, actor: Actor, paper_id: str) -> None:
        self.papers.clear()

    def start(
        self,
        actor: Actor,
        process_id: str,
        household_no: str,
        person_no: str,
        values: dict[str, Any],
        *,
        draft_id: str | None,
        proof: Any,
    ) -> Receipt:
        self._maybe("start")
        self.told.append(("start", household_no, person_no, values))
        return Receipt(381, samples.CASE.case_no, 1, "OPEN", 1, W("已受理", "Received"))

    def reassign(self, task_id: str, actor: Actor, to_person_id: int, reason: str) -> Receipt:
        if len(reason) < 5:
            raise Invalid(W("请写明原因", "Say why"), fields={"reason": W("请写明原因", "Say why")})
        return self.claim(task_id, actor)

    def withdraw(self, case_id: int, actor: Actor, reason: str, *, seen_revision: int, proof: Any) -> Receipt:
        self._maybe("withdraw")
        self.told.append(("withdraw", reason))
        return Receipt(381, samples.CASE.case_no, 6, "WITHDRAWN", 15, W("已撤回", "Withdrawn"))

    def register_objection(self, case_id: int, actor: Actor, text: str) -> Receipt:
        if len(text) < 5:
            message = W("请写明异议内容", "Write the objection down")
            raise Invalid(message, fields={"text": message})
        self.told.append(("objection", text))
        return Receipt(381, samples.CASE.case_no, 6, "OPEN", 15, W("已登记", "Registered"))

    def reveal(self, case_id: int, name: str, actor: Actor) -> str:
        self.told.append(("reveal", name))
        return "441424196601011220"

    def history(self, case_id: int, actor: Actor) -> Any:
        return samples.HISTORY

    def notices(self, person_id: int) -> Any:
        return (
            NoticeView(
                1,
                "task_opened",
                W("…000381 待您审批", "…000381 waits for you"),
                "您的岗位",
                381,
                samples.NOW,
                is_read=False,
            ),
        )

    def mark_read(self, person_id: int, notice_id: int | None = None) -> None:
        self.told.append(("mark_read", notice_id))

    def incidents(self, actor: Actor) -> Any:
        return (
            SimpleNamespace(
                id=1,
                occurred_at="2018-11-29T02:42:00.000000Z",
                verb="complete",
                element_id="route",
                reason="undeclared name",
                attempts=1,
                resolved_at=None,
            ),
        )

    def retry(self, incident_id: int, actor: Actor) -> None:
        self.told.append(("retry", incident_id))

    # ---- starting ----

    def processes(self, actor: Actor) -> Any:
        return (
            SimpleNamespace(
                process_id="medical_assistance",
                title=W("医疗救助", "Medical assistance"),
                permitted=actor.role == "VIL_CLERK",
                reason=W("您的岗位不受理", "Not your post"),
            ),
        )

    def households(self, actor: Actor, query: str) -> Any:
        if query == "123456789012345678":
            raise Invalid(W("第 18 位应为 X", "The check digit should be X"))
        if query == "nobody":
            return ()
        return tuple(
            SimpleNamespace(
                household_no=no,
                head_name=name,
                member_count=4,
                village_group="三组",
                head_id_masked="4414**********122X",
                category="JD",
                matched_member="",
            )
            for no, name in (("441424103-0217", "曾桂兰"), ("441424103-0188", "曾桂明"), ("441424103-0240", "曾桂英"))
        )

    def start_form(self, process_id: str, household_no: str, person_no: str | None, actor: Actor) -> StartForm:
        self._maybe("start_form")
        names = {"441424103-0217": "曾桂兰", "441424103-0188": "曾桂明", "441424103-0240": "曾桂英"}
        if household_no not in names:
            raise NotFound(W("没有找到这一户", "There is no such household in your jurisdiction"))
        running = (419, "YL-441424-2018-000419") if household_no == "441424103-0188" else None
        members = [
            {
                "person_no": f"P{n}",
                "name": name,
                "relation": relation,
                "id_masked": f"4414**********{n:04d}",
                "died_on": None,
                "running": running,
            }
            for n, (name, relation) in enumerate(
                ((names[household_no], "户主"), ("李志强", "之子"), ("李晓琳", "之孙女"), ("黄秀金", "之母")), 1
            )
        ]
        household = {
            "household_no": household_no,
            "head_name": names[household_no],
            "place": "五华县 华城镇 新亨村",
            "village_group": "三组",
            "category": "JD",
            "category_words": W("建档立卡", "registered poor"),
            "person_no": person_no or "P1",
            "person_name": names[household_no],
            "members": members,
        }
        draft = self.drafts.get(f"start:{process_id}/{household_no}")
        return StartForm(
            process_id,
            W("医疗救助", "Medical assistance"),
            household,
            START_FORM,
            START_FIELDS,
            dict(draft or {}),
            (
                SlotView("application", W("申请书", "Application"), True, tuple(self.papers)),
                SlotView("referral", W("转诊证明", "Referral"), False, ()),
            ),
            running,
            "d" * 32 if draft is not None else "",
            (),
        )


START_FORM: dict[str, Any] = {
    "title": {"zh": "医疗救助申请", "en": "Application"},
    "schema": {
        "properties": {"aid_type": {}, "total_fen": {}, "admitted_on": {}},
        "required": ["aid_type", "total_fen", "admitted_on"],
    },
    "ui": {
        "sections": [
            {"title": {"zh": "就医情况", "en": "Treatment"}, "fields": ["aid_type", "admitted_on"]},
            {"title": {"zh": "费用", "en": "Costs"}, "fields": ["total_fen"]},
        ]
    },
    "outcome": None,
}
START_FIELDS: dict[str, dict[str, Any]] = {
    "aid_type": {
        "type": "choice",
        "zh": "救助类别",
        "en": "Kind",
        "choices": [
            {"value": "INPATIENT", "zh": "住院", "en": "inpatient"},
            {"value": "SPECIAL", "zh": "门诊特定病种", "en": "special"},
        ],
    },
    "admitted_on": {"type": "date", "zh": "入院日期", "en": "Admitted on"},
    "total_fen": {"type": "money", "zh": "医疗总费用", "en": "Total cost"},
}
