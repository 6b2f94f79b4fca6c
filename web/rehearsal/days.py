"""Day by day: households come, people work their inboxes, the clock acts, notices go out, an auditor looks.

Only the engine's verbs and looks are used. Every refusal is an answer and is counted; an accident of ours is counted too, and found again
among the incidents at the end. Everything else that goes wrong ends the rehearsal, loudly.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from engine import Accident, Invalid, NotPermitted, Proof, Rejected
from engine.rehearsing import PROCESS, checkpoint
from notifications import Postman, RetryPauses
from web.rehearsal.answers import PAPER
from web.rehearsal.bills import bill
from web.rehearsal.cast import Cast, Player
from web.rehearsal.whims import Whims
from web.rehearsal.work import Desk

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from engine.rehearsing import Stage
    from engine.views import Receipt, StartForm
    from web.rehearsal.virtual_clock import VirtualClock

Result = TypeVar("Result")

CLAIMS_PER_HOUSEHOLD_AND_DAY = 0.016
_FORGOTTEN_PAPER, _SECOND_START, _UNDECLARED, _STRANGER = 0.04, 0.03, 0.03, 0.02
_AT_THE_TOWN, _SAYS_NO_TO_RUNNING = 0.15, 0.2
_WITHDRAWS, _OBJECTS, _REVEALS = 0.004, 0.2, 0.01
_FRIDAY = 4


@dataclass
class OpenCase:
    """What the village remembers of a case that is on its way."""

    case_id: int
    case_no: str
    village: str
    category: str
    started_by: Player
    corrections: int = 0
    noticed: bool = False


@dataclass
class Met:
    """What people met: acts done by verb, and refusals by verb, kind and rule."""

    acts: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    notices: int = 0


class Life:
    """A county's life from one day to the next."""

    def __init__(self, stage: Stage, clock: VirtualClock, *, seed: int) -> None:
        self.stage = stage
        self.engine = stage.engine
        self.clock = clock
        self.whims = Whims(seed)
        self.cast = Cast.of(stage, self.whims)
        self.met = Met()
        self.cases: dict[str, OpenCase] = {}
        self._used: list[str] = []
        self._desk = Desk(self)
        # Pauses without chance: a rehearsal is the same every time.
        self._postman = Postman(pauses=RetryPauses(jitter=lambda: 0.0))

    # ---- a day -----------------------------------------------------------------------------------------------------

    def live(self, days: int, tell: Callable[[int], None]) -> None:
        """Live so many calendar days; `tell` hears the number of each that is over."""
        for number in range(1, days + 1):
            self.day()
            tell(number)
            self.clock.until(8, 30, days=1)

    def day(self) -> None:
        """Live one day: what has come due at night, then office hours where offices are open."""
        self.run_due()
        if not self.stage.is_working_day(self.clock()):
            return
        self._receive()
        players = list(self.cast.players)
        self.whims.about("who comes first", self.clock.today).shuffle(players)
        for player in players:
            self._desk.work(player)
        self._withdraw_and_object()
        self.clock.until(17, 30)
        self.run_due()
        if self.clock.today.weekday() == _FRIDAY:
            self._audit()
            checkpoint(self.stage, self.clock())

    def run_due(self) -> None:
        """Do what the runner does: let due moments act, deliver what is owed."""
        while fired := self.engine.fire_due():
            self.met.acts["fire"] += fired
        if not hasattr(self.engine, "outbox"):
            return
        while (report := self._postman(self.engine, self.clock())).taken > report.postponed:
            self.met.notices += report.sent

    # ---- trying things ---------------------------------------------------------------------------------------------

    def attempt(self, verb: str, act: Callable[[], Result]) -> Result | None:
        """Try something; a refusal is counted and answered with None."""
        self.clock.take(self.whims.about(verb, self.clock()).randint(20, 90))
        try:
            result = act()
        except Rejected as refusal:
            rule = refusal.rule if isinstance(refusal, NotPermitted) else ""
            rule = "+".join(sorted(refusal.fields)) if isinstance(refusal, Invalid) else rule
            self.met.refusals[" ".join(filter(None, (verb, type(refusal).__name__, rule)))] += 1
            return None
        except Accident:
            self.met.refusals[f"{verb} Accident"] += 1
            return None
        self.met.acts[verb] += 1
        return result

    def proof(self, player: Player) -> Proof:
        """Return what entering the password gives; hashing thousands of them would only test the hash."""
        return Proof(player.actor.person_id, "password", self.clock(), "rehearsal")

    def close(self, receipt: Receipt) -> None:
        """Forget a case that has ended."""
        if receipt.status != "OPEN":
            self.cases.pop(receipt.case_no, None)

    # ---- households ------------------------------------------------------------------------------------------------

    def _receive(self) -> None:
        """Let every household that has a bill today bring it to the village or to the township's window."""
        county, today = self.stage.county, self.clock.today
        for number, village in zip(county.household_nos, county.villages_of_households, strict=True):
            whim = self.whims.about("claim", today, number)
            if whim.random() >= CLAIMS_PER_HOUSEHOLD_AND_DAY:
                continue
            at_the_town = whim.random() < _AT_THE_TOWN
            place = ("TWN_CIVIL", village[:9]) if at_the_town else ("VIL_CLERK", village)
            clerk = whim.choice(self.cast.holders(*place))
            if whim.random() < _STRANGER:
                self._look_up(whim.choice([one for one in self.cast.of_role("VIL_CLERK") if one is not clerk]), number)
            form = self._look_up(clerk, number)
            if form is not None:
                self._start(clerk, number, village, form)

    def _look_up(self, clerk: Player, number: str) -> StartForm | None:
        return self.attempt("start_form", lambda: self.engine.start_form(PROCESS, number, None, clerk.actor))

    def _start(self, clerk: Player, number: str, village: str, form: StartForm) -> None:
        engine, today = self.engine, self.clock.today
        whim = self.whims.about("start", today, number)
        patient = whim.choice(form.household["members"])
        person_no = patient["person_no"]
        if patient["running"] and whim.random() > _SAYS_NO_TO_RUNNING:
            return
        form = engine.start_form(PROCESS, number, person_no, clerk.actor)
        typed = {**form.values, **bill(whim, household=form.household, patient=patient, today=today, used=self._used)}
        draft = self.attempt("save_draft", lambda: engine.save_draft(clerk.actor, f"start:{PROCESS}", typed, number))
        if draft is None:
            return
        slots = [slot.slot for slot in form.slots if slot.required and not slot.files]

        def hand_in(values: dict[str, Any]) -> Receipt | None:
            return self.attempt(
                "start",
                lambda: engine.start(
                    clerk.actor, PROCESS, number, person_no, values, draft_id=draft, proof=self.proof(clerk)
                ),
            )

        forgets = whim.random() < _FORGOTTEN_PAPER
        for place, slot in enumerate(slots):
            if forgets and place == len(slots) - 1:
                hand_in(typed)
            self.attempt("attach", lambda slot=slot: engine.attach(clerk.actor, draft, slot, f"{slot}.pdf", PAPER))  # type: ignore[misc]
        if whim.random() < _UNDECLARED:
            hand_in({**typed, "approved": True})
        receipt = hand_in(typed)
        if receipt is None:
            return
        self._used.append(typed["settlement_no"].strip().upper())
        self.cases[receipt.case_no] = OpenCase(
            receipt.case_id, receipt.case_no, village, str(form.household["category"]), clerk
        )
        if whim.random() < _SECOND_START:
            hand_in(typed)

    def _withdraw_and_object(self) -> None:
        """Let some households change their mind, and some neighbours speak up."""
        for case_no in sorted(self.cases):
            case = self.cases[case_no]
            whim = self.whims.about("afterthought", self.clock.today, case_no)
            if whim.random() < _WITHDRAWS:
                self._withdraw(case)
            elif case.noticed and whim.random() < _OBJECTS:
                officer = whim.choice(self.cast.holders("TWN_CIVIL", case.village[:9]))
                received = self.attempt(
                    "register_objection",
                    lambda: self.engine.register_objection(case.case_id, officer.actor, "听说他家有小轿车,请核查。"),  # noqa: B023
                )
                case.noticed = received is not None
            if whim.random() < _REVEALS:
                officer = whim.choice(self.cast.holders("TWN_CIVIL", case.village[:9]))
                self.attempt("reveal", lambda: self.engine.reveal(case.case_id, "bank_card", officer.actor))  # noqa: B023

    def _withdraw(self, case: OpenCase) -> None:
        clerk = case.started_by
        view = self.attempt("case", lambda: self.engine.case(case.case_id, clerk.actor))
        if view is None:
            return
        receipt = self.attempt(
            "withdraw",
            lambda: self.engine.withdraw(
                case.case_id, clerk.actor, "户主要求撤回申请", seen_revision=view.revision, proof=self.proof(clerk)
            ),
        )
        if receipt is not None:
            self.close(receipt)

    # ---- the auditor -----------------------------------------------------------------------------------------------

    def _audit(self) -> None:
        """Let an auditor replay a case; a proof that does not hold ends the rehearsal."""
        auditor = next(iter(self.cast.of_role("AUDITOR")), None)
        if auditor is None or not self.cases:
            return
        case = self.cases[self.whims.about("audit", self.clock.today).choice(sorted(self.cases))]
        history = self.attempt("history", lambda: self.engine.history(case.case_id, auditor.actor))
        if history is not None and not history.verified:
            raise AssertionError(f"The replay of {case.case_no} does not prove itself: {history.first_bad}")
