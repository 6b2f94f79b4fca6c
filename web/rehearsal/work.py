"""At the desk: a person works through their inbox, well or badly."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from engine import Proof
from web.rehearsal import answers

if TYPE_CHECKING:
    import random

    from engine.views import InboxRow, OutcomeView, Receipt, TaskView
    from web.rehearsal.cast import Player
    from web.rehearsal.days import Life

_NEVER = datetime(9999, 1, 1, tzinfo=UTC)
_ABSENT, _CLAIMS, _LEAVES_CLAIMED, _RELEASES = 0.06, 0.12, 0.4, 0.3
_AWKWARD = 0.05
_READS_CASE, _ASKS_LEADER, _USES_SIGN_PAGE, _TRIES_ANYWAY = 0.1, 0.15, 0.25, 0.1


@dataclass(frozen=True, slots=True)
class _Act:
    """What a player is about to sign."""

    row: InboxRow
    view: TaskView
    outcome: OutcomeView
    values: dict[str, Any]
    opinion: str


class Desk:
    """How everybody deals with what lies in their inbox."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.engine = life.engine

    def work(self, player: Player) -> None:
        """Work through one person's inbox for a day: the most urgent first, as many as they manage."""
        life = self.life
        today = life.clock.today
        if life.whims.about("absent", today, player.key).random() < _ABSENT or not self.engine.waiting(player.actor):
            return
        done = 0
        for row in self._inbox(player):
            if done >= player.strength:
                break
            no = row.task_id.partition("-")[2]
            if self._is_forgotten(player, row, no):
                self._ask_leader(player, row, no)
                continue
            whim = life.whims.about("work", today, player.key, row.case_no, no)
            if whim.random() < player.pace:
                self._deal(player, row, whim)
                done += 1

    def _inbox(self, player: Player) -> list[InboxRow]:
        page = self.engine.inbox(player.actor)
        rows = list(page.rows)
        for number in range(2, page.pages + 1):
            rows += self.engine.inbox(player.actor, page=number).rows
        return sorted(
            rows, key=lambda row: (row.limit.due_at or _NEVER, row.case_no, int(row.task_id.partition("-")[2]))
        )

    def _is_forgotten(self, player: Player, row: InboxRow, no: str) -> bool:
        """Some tasks lie at the bottom of a pile until a leader has them; what was given to oneself by name is not forgotten."""
        if row.claimed_by_me:
            return False
        return self.life.whims.about("forgotten", row.case_no, no, player.actor.role).random() < player.forgets

    def _ask_leader(self, player: Player, row: InboxRow, no: str) -> None:
        """A leader walks through the office and gives what lies there to a colleague by name."""
        life = self.life
        whim = life.whims.about("leader", life.clock.today, row.case_no, no)
        leader = life.cast.leader(player.actor.region_code)
        colleagues = [
            one for one in life.cast.holders(player.actor.role, player.actor.region_code) if one is not player
        ]
        if leader is None or whim.random() > _ASKS_LEADER:
            return
        chosen = whim.choice(colleagues or [player])
        life.attempt(
            "reassign",
            lambda: self.engine.reassign(
                row.task_id, leader.actor, chosen.actor.person_id, "任务临近期限,改派他人办理"
            ),
        )

    # ---- one task --------------------------------------------------------------------------------------------------

    def _deal(self, player: Player, row: InboxRow, whim: random.Random) -> None:
        life = self.life
        view = life.attempt("task", lambda: self.engine.task(row.task_id, player.actor))
        if view is None:
            return
        action = view.action("complete")
        if not action.permitted:
            life.met.refusals[f"stands aside {action.rule}"] += 1
            if whim.random() > _TRIES_ANYWAY:
                return
        if whim.random() < _READS_CASE:
            life.attempt("case", lambda: self.engine.case(row.case_id, player.actor))
        if view.action("claim").permitted and whim.random() < _CLAIMS and not self._claim(player, row, whim):
            return
        if (action.permitted and self._attach(player, row, view)) or row.claimed_by is None:
            view = self.engine.task(row.task_id, player.actor)
        case = life.cases.get(row.case_no)
        is_awkward = life.whims.about("awkward", row.case_no).random() < _AWKWARD
        outcome = answers.decide(view, whim, corrections=case.corrections if case else 0, is_awkward=is_awkward)
        act = self._act(row, view, outcome, whim)
        receipt = self._sign(player, act, whim)
        if receipt is None and action.permitted and outcome.tone == answers.RETURN:
            # A case is returned three times at the most; then it must be decided.
            outcome = answers.decide(view, whim, corrections=0, only_positive=True)
            receipt = self._complete(player, self._act(row, view, outcome, whim))
        if receipt is not None:
            self._remember(player, row, view, receipt)

    def _act(self, row: InboxRow, view: TaskView, outcome: OutcomeView, whim: random.Random) -> _Act:
        case = self.life.cases.get(row.case_no)
        values = answers.fill(
            view, outcome, whim, today=self.life.clock.today, category=case.category if case else "JD"
        )
        return _Act(row, view, outcome, values, answers.opinion(outcome, whim))

    def _claim(self, player: Player, row: InboxRow, whim: random.Random) -> bool:
        """Claim the task first; say whether it is dealt with now."""
        life = self.life
        if life.attempt("claim", lambda: self.engine.claim(row.task_id, player.actor)) is None:
            return False
        colleague = next(
            (one for one in life.cast.holders(player.actor.role, player.actor.region_code) if one is not player), None
        )
        if colleague is not None and whim.random() < player.careless:
            life.attempt("claim", lambda: self.engine.claim(row.task_id, colleague.actor))
        if whim.random() < _RELEASES:
            life.attempt("release", lambda: self.engine.release(row.task_id, player.actor))
        return whim.random() > _LEAVES_CLAIMED

    def _attach(self, player: Player, row: InboxRow, view: TaskView) -> bool:
        missing = [slot.slot for slot in view.slots if slot.required and not slot.files]
        for slot in missing:
            self.life.attempt(
                "attach",
                lambda slot=slot: self.engine.attach(player.actor, row.task_id, slot, f"{slot}.pdf", answers.PAPER),  # type: ignore[misc]
            )
        return bool(missing)

    # ---- signing ---------------------------------------------------------------------------------------------------

    def _sign(self, player: Player, act: _Act, whim: random.Random) -> Receipt | None:
        """Sign, with the slips of careless people on the way."""
        life = self.life
        careless = player.careless
        if whim.random() < careless:
            self._complete(player, act, seen_revision=act.view.revision - 1)
        if whim.random() < careless and act.outcome.needs_opinion:
            self._complete(player, act, opinion="同")
        if whim.random() < careless / 2:
            self._complete(player, act, values={**act.values, "LIMIT": 10**9})
        if whim.random() < careless / 2:
            late = Proof(player.actor.person_id, "password", life.clock() - timedelta(minutes=9), "rehearsal")
            self._complete(player, act, proof=late)
        if whim.random() < careless / 4:
            self._complete(whim.choice(life.cast.players), act)
        if whim.random() < _USES_SIGN_PAGE:
            page = life.attempt(
                "signing",
                lambda: self.engine.signing(act.row.task_id, player.actor, act.outcome.value, act.values, act.opinion),
            )
            receipt = None if page is None else self._complete(player, act, seen_digest=page.digest)
        else:
            receipt = self._complete(player, act)
        if receipt is not None:
            self._press_again(player, act, whim)
        return receipt

    def _press_again(self, player: Player, act: _Act, whim: random.Random) -> None:
        """Double clicks, and the colleague who had the same page open."""
        if whim.random() < player.careless:
            again = self._complete(player, act, verb="complete again")
            if again is not None and not again.repeated:
                raise AssertionError(
                    f"{act.row.case_no}: a second press of {act.view.element_id} was carried out again"
                )
        if whim.random() < player.careless:
            holders = self.life.cast.holders(player.actor.role, player.actor.region_code)
            for colleague in holders:
                if colleague is not player and self._complete(colleague, act, verb="complete late") is not None:
                    raise AssertionError(f"{act.row.case_no}: {act.view.element_id} was completed by two people")

    def _complete(self, player: Player, act: _Act, *, verb: str = "complete", **changed: Any) -> Receipt | None:
        given: dict[str, Any] = {
            "values": act.values,
            "opinion": act.opinion,
            "seen_revision": act.view.revision,
            "proof": self.life.proof(player),
            **changed,
        }
        values, opinion = given.pop("values"), given.pop("opinion")
        return self.life.attempt(
            verb,
            lambda: self.engine.complete(act.row.task_id, player.actor, act.outcome.value, values, opinion, **given),
        )

    def _remember(self, _player: Player, row: InboxRow, view: TaskView, receipt: Receipt) -> None:
        case = self.life.cases.get(row.case_no)
        if case is not None:
            case.corrections += view.element_id == "T_correct"
            case.noticed = case.noticed or view.element_id == "T_post"
        self.life.close(receipt)
