"""Withdrawing a case at the household's wish, until the county has decided (DOMAIN.md B0.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.batch import Batch
from engine.errors import Conflict, EngineError, Invalid, Message, NotFound, NotOpen
from engine.instants import local_date
from engine.people.jurisdiction import require
from engine.texts import can_be_kept
from engine.verbs import rows
from engine.verbs.case_work import CaseWork
from engine.verbs.complete import LONGEST_OPINION, SHORTEST_REASON, receipt
from engine.verbs.signing import require_proof
from engine.verbs.subjects import OPEN

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from engine.ground import Ground
    from engine.people.accounts import Proof
    from engine.people.actor import Actor
    from engine.views import Receipt

MESSAGE = "withdrawal"


def withdraw(
    ground: Ground,
    connection: Connection,
    *,
    case_id: int,
    actor: Actor,
    reason: str,
    seen_revision: int,
    proof: Proof | None,
) -> Receipt:
    """End a case because the household takes its application back; see ProcessEngine.withdraw."""
    batch = Batch(connection)
    found = rows.lock_case(batch, case_id, actor, local_date(ground.clock()))
    if found is None:
        raise NotFound(Message("没有找到这件办件", "There is no such case, or it is not in your jurisdiction"))
    case, held = found
    work = CaseWork(ground, batch, case, ground.clock())
    require("see", actor, work.subject(held_duty=held))
    if case.status == "WITHDRAWN":
        raise NotOpen(Message("办件已经撤回", "The case has been withdrawn already"))
    if case.status != OPEN:
        raise NotOpen(Message("办件已办结,不能撤回", "The case is closed and cannot be withdrawn"))
    require("withdraw", actor, work.subject(held_duty=held))
    reason = reason.strip()
    if not SHORTEST_REASON <= len(reason) <= LONGEST_OPINION or not can_be_kept(reason):
        wanted = Message(
            f"请写明撤回原因,{SHORTEST_REASON} 至 {LONGEST_OPINION} 个字",
            f"Say why, in {SHORTEST_REASON} to {LONGEST_OPINION} characters",
        )
        raise Invalid(wanted, fields={"reason": wanted})
    if seen_revision != case.revision:
        raise Conflict(
            Message(
                "您打开页面之后,这件办件已有变化,请核对后再撤回",
                "The case has moved on since you opened it; please look again",
            )
        )
    require_proof(actor, proof, work.now)
    if not any(wait.kind == "message" and wait.message == MESSAGE for wait in work.execution.waits):
        raise EngineError("", "The drawing of this process waits for no withdrawal")
    work.step(lambda execution: execution.send(MESSAGE, {}))
    work.finish("case_withdrawn", actor, {"reason": reason})
    return receipt(work, Message("已撤回", "Withdrawn"), actor)
