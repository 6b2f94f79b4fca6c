"""Registering an objection against a public notice: on paper, by telephone or at the window, with a name or without (DOMAIN.md B0.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.batch import Batch
from engine.errors import Invalid, Message, NotFound, NotOpen
from engine.instants import local_date
from engine.people.jurisdiction import require
from engine.texts import can_be_kept
from engine.verbs import rows
from engine.verbs.case_work import CaseWork
from engine.verbs.complete import SHORTEST_REASON, receipt

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from engine.ground import Ground
    from engine.people.actor import Actor
    from engine.views import Receipt

MESSAGE = "objection"
LONGEST = 2000


def register_objection(ground: Ground, connection: Connection, *, case_id: int, actor: Actor, text: str) -> Receipt:
    """Let an objection stop a running notice; see ProcessEngine.register_objection."""
    batch = Batch(connection)
    found = rows.lock_case(batch, case_id, actor, local_date(ground.clock()))
    if found is None:
        raise NotFound(Message("没有找到这件办件", "There is no such case, or it is not in your jurisdiction"))
    case, held = found
    work = CaseWork(ground, batch, case, ground.clock())
    require("object", actor, work.subject(held_duty=held))
    text = text.strip()
    if not SHORTEST_REASON <= len(text) <= LONGEST or not can_be_kept(text):
        wanted = Message(
            f"请写明异议内容,{SHORTEST_REASON} 至 {LONGEST} 个字",
            f"Write down the objection in {SHORTEST_REASON} to {LONGEST} characters",
        )
        raise Invalid(wanted, fields={"text": wanted})
    if not any(wait.kind == "message" and wait.message == MESSAGE for wait in work.execution.waits):
        raise NotOpen(
            Message(
                "现在没有正在进行的公示,不能登记异议", "No public notice is running, so no objection can be registered"
            )
        )
    work.step(lambda execution: execution.send(MESSAGE, {}))
    # The text belongs to the audit event and to whoever verifies it, not to the data every later step sees.
    work.finish("message_received", actor, {"message": MESSAGE, "text": text})
    return receipt(work, Message("异议已登记,公示中止", "The objection is registered; the notice stands still"), actor)
