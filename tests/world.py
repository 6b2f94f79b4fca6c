"""A county to tell stories in: real database, real engine, real drawings; only the clock is ours.

    world = World(database, clock, keyring)
    claim = world.claim()                    # the village clerk hands in an application for a household
    claim.accepts().agrees()                 # the township receives and reviews
    claim.at("T_approve")

Everything goes through the engine's front door; nothing here writes a row of a case itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from engine import ProcessEngine, Proof, model, open_engine
from engine.demonstration import County, build_county
from engine.instants import local_date
from engine.people.organisation import Organisation
from engine.people.regions import Regions
from engine.runtime import Bundle
from engine.settings import Settings
from engine.verbs.deploy import deploy, seed_calendar

if TYPE_CHECKING:
    from engine import Actor
    from engine.audit.keys import Keyring
    from engine.database import Database
    from engine.views import Receipt, TaskView
    from tests.clock import Clock

# DOMAIN.md C3, first row: registered poor, R 15,530.32, aid 10,871.22.
FIRST_EXAMPLE = {
    "aid_type": "INPATIENT",
    "insurance_kind": "RESIDENT",
    "hospital_name": "五华县人民医院",
    "hospital_level": "COUNTY",
    "hospital_designated": True,
    "admitted_on": "2018-06-11",
    "discharged_on": "2018-07-02",
    "disease_class": "ORDINARY",
    "diagnosis": "肺炎",
    "excluded_cause": "NONE",
    "settlement_no": "JS-2018-0001",
    "invoice_no": "FP-2018-0001",
    "total_fen": 6853240,
    "noncompliant_fen": 421015,
    "basic_paid_fen": 3891560,
    "serious_paid_fen": 987633,
    "other_paid_fen": 0,
    "payee_is_heir": False,
    "payee_name": "本人",
    "payee_relation": "SELF",
}
PAPER = b"%PDF-1.4 a paper of the tests"


class World:
    """A county with all its posts filled, some households, and the engine over them."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        keyring: Keyring,
        *,
        towns: int = 1,
        villages: int = 1,
        households: int = 12,
        seed: int = 7,
    ) -> None:
        self.database = database
        self.clock = clock
        self.keyring = keyring
        self.settings = Settings.from_environment(database_url=str(database.url), instance="unused-by-tests")
        organisation = Organisation.from_folder(self.settings.workflows)
        with database.transaction() as connection:
            self.county: County = build_county(
                connection,
                organisation=organisation,
                regions=Regions(),
                person_hash=keyring.person_hash,
                now=clock(),
                towns=towns,
                villages_per_town=villages,
                households=households,
                seed=seed,
            )
            seed_calendar(connection, self.settings.workflows)
            bundle = Bundle.from_folder(self.settings.workflows, "medical_assistance")
            deploy(connection, bundle, by="tests", now=clock())
        self.engine: ProcessEngine = open_engine(self.settings, clock=clock, keyring=keyring, database=database)
        self._settlements = 0

    # ---- people ----------------------------------------------------------------------------------------------------

    def actor(self, role: str, region: str = "", *, number: int = 0) -> Actor:
        """Return somebody in a post; `number` picks among several holders."""
        member = self.county.holders(role, region)[number]
        return self.engine.actor(member.person_id, member.post_id)

    def proof(self, actor: Actor) -> Proof:
        """Return what the password would give, without the time hashing takes."""
        return Proof(actor.person_id, "password", self.clock(), "tests")

    # ---- households ------------------------------------------------------------------------------------------------

    def household(self, category: str = "JD", *, village: str = "") -> tuple[str, str]:
        """Return a household (and its head's person number) set to a category, everybody alive, insured and registered since 2016."""
        place = village or self.county.villages[0]
        with self.database.transaction() as connection:
            running = select(model.process_case.c.household_no)
            row = connection.execute(
                select(model.household.c.household_no, model.household.c.head_name)
                .where(model.household.c.region_code == place, model.household.c.household_no.not_in(running))
                .order_by(model.household.c.household_no)
            ).first()
            assert row is not None, "the world has too few households for this story"
            connection.execute(
                update(model.household)
                .where(model.household.c.household_no == row.household_no)
                .values(category=category, registered_on="2016-05-20", details="{}")
            )
            connection.execute(
                update(model.member)
                .where(model.member.c.household_no == row.household_no)
                .values(insured=True, died_on=None, details="{}")
            )
            head = connection.execute(
                select(model.member.c.person_no)
                .where(model.member.c.household_no == row.household_no)
                .order_by(model.member.c.person_no)
            ).first()
        assert head is not None
        return str(row.household_no), str(head.person_no)

    # ---- claims ----------------------------------------------------------------------------------------------------

    def claim(
        self,
        category: str = "JD",
        *,
        by: Actor | None = None,
        household: tuple[str, str] | None = None,
        **values: Any,
    ) -> Claim:
        """Hand in an application through the village clerk (or `by`), with every required paper; values override the first example."""
        household_no, person_no = household or self.household(category)
        village = self._village_of(household_no)
        actor = by or self.actor("VIL_CLERK", village)
        self._settlements += 1
        typed = {**FIRST_EXAMPLE, "settlement_no": f"JS-{self._settlements:06d}", **values}
        form = self.engine.start_form("medical_assistance", household_no, person_no, actor)
        typed = {**form.values, **typed}
        typed = {name: value for name, value in typed.items() if value is not None}
        draft = self.engine.save_draft(actor, "start:medical_assistance", typed, household_no)
        for slot in form.slots:
            if slot.required:
                self.engine.attach(actor, draft, slot.slot, f"{slot.slot}.pdf", PAPER)
        receipt = self.engine.start(
            actor, "medical_assistance", household_no, person_no, typed, draft_id=draft, proof=self.proof(actor)
        )
        return Claim(self, receipt.case_id, receipt.case_no, village, [receipt])

    def _village_of(self, household_no: str) -> str:
        table = model.household
        with self.database.reading() as connection:
            return str(
                connection.execute(select(table.c.region_code).where(table.c.household_no == household_no)).scalar_one()
            )

    # ---- looking ---------------------------------------------------------------------------------------------------

    def rows(self, table: Any, *conditions: Any) -> list[Any]:
        """Return rows of a table, for asserting on facts."""
        with self.database.reading() as connection:
            return list(connection.execute(select(table).where(*conditions)).all())

    def events(self, case_id: int) -> list[dict[str, Any]]:
        """Return a case's events, in order."""
        table = model.audit_event
        with self.database.reading() as connection:
            found = connection.execute(
                select(table.c.body).where(table.c.stream == f"case:{case_id}").order_by(table.c.seq)
            )
            return [json.loads(row.body) for row in found]

    def messages(self, kind: str) -> list[Any]:
        """Return the owed or sent messages of a kind."""
        return self.rows(model.message, model.message.c.kind == kind)


@dataclass
class Claim:
    """One claim on its way; each method is what a person says, done by whoever holds the post."""

    world: World
    case_id: int
    case_no: str
    village: str
    receipts: list[Receipt] = field(default_factory=list)

    # ---- what people do --------------------------------------------------------------------------------------------

    def does(
        self,
        outcome: str = "",
        *,
        opinion: str = "情况属实,同意。",
        number: int = 0,
        by: Actor | None = None,
        **values: Any,
    ) -> Claim:
        """Complete the open task with an outcome, as a holder of its post who may (`number` picks among them)."""
        task = self.task
        actor = by or self.holder(number)
        self.brings_papers(task, actor)
        view = self.world.engine.task(task, actor)
        receipt = self.world.engine.complete(
            task,
            actor,
            outcome or view.outcomes[0].value,
            {**self.filled(view), **values},
            opinion,
            seen_revision=view.revision,
            proof=self.world.proof(actor),
        )
        self.receipts.append(receipt)
        return self

    def brings_papers(self, task: str, actor: Actor) -> None:
        """Put a paper into every slot the step must have filled."""
        for slot in self.world.engine.task(task, actor).slots:
            if slot.required and not slot.files:
                self.world.engine.attach(actor, task, slot.slot, f"{slot.slot}.pdf", PAPER)

    def filled(self, view: TaskView) -> dict[str, Any]:
        """Return what the form needs beyond what the case knows, by the names the drawings use."""
        today = local_date(self.world.clock()).isoformat()
        known = {
            "notice_place": "村委会公示栏",
            "notice_posted_on": today,
            "joint_present": 7,
            "joint_for": 7,
            "joint_against": 0,
            "joint_held_on": today,
            "pay_voucher_no": "PZ-0001",
            "paid_on": today,
            "answer_text": "材料齐全,金额无误。",
            "objection_finding": "入户核查,情况属实。",
            "verifiers": "镇民政办两名工作人员",
            "correction_note": "已补齐。",
            "economic_finding": "NONE",
            "missing_papers": "缺大病保险结算单",
            "visit_note": "已入户核实。",
            "return_to": "VILLAGE",
        }
        wanted = view.form["schema"]["properties"]
        required = set(view.form["schema"].get("required", ()))
        values = {name: view.values[name] for name in wanted if name in view.values}
        values.update(
            {name: known[name] for name in wanted if name in known and (name in required or name not in values)}
        )
        return values

    def goes_to(self, element: str) -> Claim:
        """Let everybody say the first thing their form offers until a step is open."""
        for _ in range(20):
            if self.step == element:
                return self
            if not self.step:
                self.world.clock.advance(days=16)
                self.world.engine.fire_due()
                continue
            self.does()
        raise AssertionError(f"{element} was not reached; the claim is at {self.step}")

    # ---- what can be seen ------------------------------------------------------------------------------------------

    def holder(self, number: int = 0) -> Actor:
        """Return somebody who holds the post of the open task and may still act on this case."""
        row = self.open_tasks[0]
        members = self.world.county.holders(row.role, row.region_code)
        actors = [self.world.engine.actor(one.person_id, one.post_id) for one in members]
        able = [one for one in actors if self.world.engine.task(self.task, one).action("complete").permitted]
        assert able, f"nobody may do {row.name}"
        return able[number]

    @property
    def open_tasks(self) -> list[Any]:
        """The open task rows."""
        return self.world.rows(model.task, model.task.c.case_id == self.case_id, model.task.c.state == "OPEN")

    @property
    def task(self) -> str:
        """The id of the open task."""
        return f"{self.case_id}-{self.open_tasks[0].no}"

    @property
    def step(self) -> str:
        """The element id of the open task; empty while nothing but time is awaited."""
        found = self.open_tasks
        return str(found[0].element_id) if found else ""

    @property
    def row(self) -> Any:
        """The case's row."""
        return self.world.rows(model.process_case, model.process_case.c.id == self.case_id)[0]

    @property
    def status(self) -> str:
        """The case's status."""
        return str(self.row.status)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The case's events."""
        return self.world.events(self.case_id)
