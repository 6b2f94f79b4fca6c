"""Cases for the demo: claims at every level, some in time, some late, one of every end; made by the public verbs and nothing else.

The people of the demo act on days of the past few weeks, in the order of time, with the clock of those days; what they sign is marked
as proved by "demo", because nobody typed a password. So the first look at the site shows inboxes that look like work: a reminder, a
yellow and a red card, a notice that is running, a claim that came back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine import model
from engine.deadlines.calendar import start_of_working_day
from engine.demonstration import TOWN, VILLAGE
from engine.instants import local_date
from engine.people.accounts import Proof
from engine.people.posts import holders
from engine.register.households import find_household

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from engine.people.actor import Actor
    from engine.process_engine import ProcessEngine

PROCESS = "medical_assistance"
PAPER = b"%PDF-1.4\n% a paper of the demo, made up\n"


@dataclass(frozen=True, slots=True)
class Plan:
    """One claim of the demo: for which category, how much it cost, and what is decided on which working day before today.

    `acts` are (working days ago, outcome, values, opinion); the first act hands the claim in.
    """

    category: str
    total_fen: int
    basic_fen: int
    acts: tuple[tuple[int, str, dict[str, Any], str], ...]
    hospital: str = "五华县人民医院"
    aid_type: str = "INPATIENT"
    ends_in_village: bool = False


_Said = tuple[str, dict[str, Any], str]

_SUBMIT: _Said = ("SUBMIT", {}, "")
_ACCEPT: _Said = ("ACCEPT", {"economic_finding": "NONE"}, "材料齐全。")
_AGREE: _Said = ("AGREE", {}, "情况属实，同意。")
_TO_VILLAGE: _Said = ("RETURN", {"return_to": "VILLAGE"}, "缺大病保险结算单，请补交。")

PLANS: tuple[Plan, ...] = (
    Plan("JD", 6_853_240, 4_879_193, ((13, *_SUBMIT), (12, *_ACCEPT), (8, *_AGREE))),
    Plan("DB", 5_420_000, 3_100_000, ((25, *_SUBMIT), (24, *_ACCEPT), (14, *_AGREE)), "梅州市人民医院"),
    Plan("JD", 3_186_500, 1_754_000, ((21, *_SUBMIT), (20, *_ACCEPT), (11, *_AGREE))),
    Plan("TK", 1_800_000, 700_000, ((5, *_SUBMIT), (4, *_ACCEPT), (2, *_AGREE))),
    Plan(
        "JD", 9_640_000, 4_200_000, ((12, *_SUBMIT), (11, *_ACCEPT), (9, *_AGREE), (4, *_AGREE)), "中山大学附属第一医院"
    ),
    Plan("DB", 2_310_000, 1_260_000, ((16, *_SUBMIT), (15, *_ACCEPT), (12, *_AGREE), (6, *_AGREE))),
    Plan(
        "JD",
        2_860_000,
        1_490_000,
        ((19, *_SUBMIT), (18, *_ACCEPT), (15, *_AGREE), (9, *_AGREE), (5, "SUBMIT", {"pay_voucher_no": "PZ-0117"}, "")),
    ),
    Plan(
        "TK",
        1_450_000,
        500_000,
        (
            (28, *_SUBMIT),
            (27, *_ACCEPT),
            (24, *_AGREE),
            (18, *_AGREE),
            (14, "SUBMIT", {"pay_voucher_no": "PZ-0098"}, ""),
            (7, "FILE", {}, "清单核对无误。"),
        ),
    ),
    Plan(
        "JD",
        1_996_000,
        1_010_000,
        (
            (30, *_SUBMIT),
            (29, *_ACCEPT),
            (26, *_AGREE),
            (22, *_AGREE),
            (18, "SUBMIT", {"pay_voucher_no": "PZ-0081"}, ""),
            (12, "FILE", {}, "清单核对无误。"),
            (6, "FILE", {}, "备案。"),
        ),
    ),
    Plan(
        "LOW",
        4_200_000,
        1_500_000,
        (
            (10, *_SUBMIT),
            (9, "ACCEPT", {"economic_finding": "LOW"}, "已核对家庭经济状况。"),
            (5, *_AGREE),
            (3, *_SUBMIT),
        ),
    ),
    Plan(
        "LOW",
        3_350_000,
        1_200_000,
        ((7, *_SUBMIT), (6, "ACCEPT", {"economic_finding": "LOW"}, "已核对家庭经济状况。"), (2, *_AGREE)),
        ends_in_village=True,
    ),
    Plan("DB", 1_750_000, 900_000, ((9, *_SUBMIT), (8, *_ACCEPT), (6, *_TO_VILLAGE)), ends_in_village=True),
    Plan(
        "JD",
        2_240_000,
        1_180_000,
        (
            (14, *_SUBMIT),
            (13, *_ACCEPT),
            (11, *_TO_VILLAGE),
            (8, "SUBMIT", {"correction_note": "已补交大病保险结算单。"}, ""),
            (7, *_ACCEPT),
        ),
    ),
    Plan("JD", 1_320_000, 640_000, ((2, *_SUBMIT),)),
    Plan("DB", 980_000, 410_000, ((0, *_SUBMIT),)),
    Plan(
        "JD",
        3_600_000,
        2_050_000,
        (
            (20, *_SUBMIT),
            (19, *_ACCEPT),
            (16, *_AGREE),
            (10, "REJECT", {}, "目录外费用，不属于救助范围，依据见通知书。"),
        ),
    ),
)


@dataclass
class PastClock:
    """The clock of the day on which the demo's people act."""

    now: datetime

    def __call__(self) -> datetime:
        """Return the moment at which the demo's people act."""
        return self.now


@dataclass
class _Claim:
    plan: Plan
    number: int
    household_no: str
    person_no: str
    case_id: int | None = None
    done: int = 0


@dataclass
class CaseMaker:
    """Plays the plans through the engine, day by day, with the engine's own clock set to each day."""

    engine: ProcessEngine
    clock: PastClock
    today: date
    region_code: str = TOWN
    _claims: list[_Claim] = field(default_factory=list)

    def play(self) -> int:
        """Make the cases; return how many there are now."""
        end = self.clock.now
        self._claims = list(self._choose())
        days = sorted({act[0] for claim in self._claims for act in claim.plan.acts}, reverse=True)
        for ago in range(max(days), -1, -1):
            moment = self._working_day(ago)
            for claim in self._claims:
                if claim.done < len(claim.plan.acts) and claim.plan.acts[claim.done][0] == ago:
                    self.clock.now = moment = min(moment + timedelta(minutes=7), end)
                    self._act(claim)
            while self.engine.fire_due():
                pass
        self.clock.now = end
        while self.engine.fire_due():
            pass
        return len(self._claims)

    def _working_day(self, ago: int) -> datetime:
        """Return half past eight of the working day so many working days before today."""
        calendar = self.engine.ground.calendar(self.region_code)
        day = self.today
        while ago or not calendar.is_working_day(day):
            if calendar.is_working_day(day):
                ago -= 1
            day -= timedelta(days=1)
        moment = start_of_working_day(day) + timedelta(hours=8, minutes=30)
        return min(moment, self.clock.now) if day == self.today else moment

    def _choose(self) -> Iterator[_Claim]:
        """Choose a household for each plan: of the category, its head alive and insured, no two plans the same.

        The village whose clerk can log in comes first, and what waits in a village comes first of all, so that no inbox of
        the demo is empty.
        """
        taken: set[str] = set()
        admitted = self.today - timedelta(days=75)
        with self.engine.ground.database.reading() as connection:
            rows = self._households(connection)
            for number, plan in sorted(enumerate(PLANS, 1), key=lambda one: not one[1].ends_in_village):
                for row in rows:
                    if row.category != plan.category or row.household_no in taken:
                        continue
                    household = find_household(connection, row.household_no, scope=self.region_code)
                    head = household.head
                    fits = head.was_alive_on(self.today) and head.was_insured_on(admitted)
                    if fits and plan.category in household.categories_on(admitted, head.person_no):
                        taken.add(row.household_no)
                        yield _Claim(plan, number, row.household_no, head.person_no)
                        break

    def _households(self, connection: Connection) -> list[Any]:
        table = model.household
        found = connection.execute(
            select(table.c.household_no, table.c.category, table.c.region_code, table.c.member_count).where(
                table.c.region_code >= self.region_code, table.c.region_code < self.region_code + ":"
            )
        ).all()
        return sorted(found, key=lambda row: (row.region_code != VILLAGE, row.member_count < 2, row.household_no))  # noqa: PLR2004  (a household of one shows little)

    def _act(self, claim: _Claim) -> None:
        _, outcome, values, opinion = claim.plan.acts[claim.done]
        claim.done += 1
        if claim.case_id is None:
            claim.case_id = self._hand_in(claim)
            return
        task = self._open_task(claim.case_id)
        if task is None:
            return
        task_id = f"{claim.case_id}-{task.no}"
        actor = self._holder(task.role, task.region_code, task_id)
        for slot in self.engine.task(task_id, actor).slots:
            if slot.required and not slot.files:
                self.engine.attach(actor, task_id, slot.slot, f"{slot.words.zh}.pdf", PAPER)
        view = self.engine.task(task_id, actor)
        known = {name: view.values[name] for name in view.form["schema"]["properties"] if name in view.values}
        self.engine.complete(
            task_id,
            actor,
            outcome,
            {**known, **self._typed(view.form["schema"]["properties"]), **values},
            opinion,
            seen_revision=view.revision,
            proof=self._proof(actor),
        )

    def _typed(self, properties: dict[str, Any]) -> dict[str, Any]:
        day = local_date(self.clock.now).isoformat()
        known = {
            "paid_on": day,
            "notice_place": "村委会公示栏",
            "notice_posted_on": day,
            "visit_note": "已入户核对，情况属实。",
            "joint_held_on": day,
            "joint_present": 5,
            "joint_for": 5,
            "joint_against": 0,
        }
        return {name: value for name, value in known.items() if name in properties}

    def _hand_in(self, claim: _Claim) -> int:
        plan = claim.plan
        with self.engine.ground.database.reading() as connection:
            village = find_household(connection, claim.household_no, scope=self.region_code).region_code
        actor = self._first(village, "VIL_CLERK")
        form = self.engine.start_form(PROCESS, claim.household_no, claim.person_no, actor)
        values = {
            **form.values,
            "aid_type": plan.aid_type,
            "insurance_kind": "RESIDENT",
            "hospital_name": plan.hospital,
            "hospital_level": "COUNTY" if "县" in plan.hospital else "CITY",
            "hospital_designated": True,
            "admitted_on": (self.today - timedelta(days=75 - claim.number)).isoformat(),
            "discharged_on": (self.today - timedelta(days=55 - claim.number)).isoformat(),
            "disease_class": "ORDINARY",
            "diagnosis": "（演示）",
            "excluded_cause": "NONE",
            "settlement_no": f"YS-{self.today.year}-{claim.number:05d}",
            "invoice_no": f"FP-{self.today.year}-{claim.number:05d}",
            "total_fen": plan.total_fen,
            "noncompliant_fen": plan.total_fen // 100 * 6,
            "basic_paid_fen": plan.basic_fen,
            "serious_paid_fen": 0,
            "other_paid_fen": 0,
            "payee_is_heir": False,
        }
        draft = self.engine.save_draft(actor, f"start:{PROCESS}", values, claim.household_no)
        for slot in form.slots:
            if slot.required:
                self.engine.attach(actor, draft, slot.slot, f"{slot.words.zh}.pdf", PAPER)
        receipt = self.engine.start(
            actor, PROCESS, claim.household_no, claim.person_no, values, draft_id=draft, proof=self._proof(actor)
        )
        return receipt.case_id

    def _open_task(self, case_id: int) -> Any:
        table = model.task
        with self.engine.ground.database.reading() as connection:
            return connection.execute(
                select(table.c.no, table.c.role, table.c.region_code).where(
                    table.c.case_id == case_id, table.c.state == "OPEN"
                )
            ).first()

    def _first(self, region_code: str, role: str) -> Actor:
        with self.engine.ground.database.reading() as connection:
            found = holders(connection, role, region_code, local_date(self.clock.now))
        return self.engine.actor(found[0].person_id, found[0].post_id)

    def _holder(self, role: str, region_code: str, task_id: str) -> Actor:
        """Return the first holder of a post who may act on the case; somebody may have to stand aside."""
        with self.engine.ground.database.reading() as connection:
            found = holders(connection, role, region_code, local_date(self.clock.now))
        for one in found:
            actor = self.engine.actor(one.person_id, one.post_id)
            if self.engine.task(task_id, actor).action("complete").permitted:
                return actor
        raise AssertionError(f"Nobody in the post {role} of {region_code} may act on task {task_id}")

    def _proof(self, actor: Actor) -> Proof:
        return Proof(actor.person_id, "demo", self.clock.now, "demo")


def make_cases(open_engine: Callable[[PastClock], ProcessEngine], now: datetime) -> int:
    """Make the demo's cases up to `now` (aware UTC) with an engine opened over their clock; return how many."""
    clock = PastClock(now.astimezone(UTC))
    return CaseMaker(open_engine(clock), clock, local_date(now)).play()
