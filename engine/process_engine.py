"""Every verb of the engine, one transaction each.

A verb opens one transaction, locks the case row first, asks jurisdiction after the lock, lets the process advance, and writes
tasks, due moments, the audit event, the signature and owed messages together (DESIGN.md §3.1). An exception of any kind rolls
all of it back. What a verb does stands in :mod:`engine.verbs`, what a reader gets in :mod:`engine.reading`; here stands only
that each of them happens whole or not at all, that a refusal leaves a trace, and that an accident becomes an incident.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import update

from engine import model
from engine.audit.writing import append
from engine.batch import Batch
from engine.database import is_busy, is_duplicate, is_lost
from engine.errors import Conflict, EngineError, Message, NotFound, NotOpen, NotPermitted, Rejected
from engine.housekeeping import jobs_of
from engine.instants import to_text
from engine.outbox import Outbox
from engine.people.jurisdiction import Subject, require
from engine.reading.desk import Desk
from engine.texts import can_be_kept
from engine.verbs import claiming, fire, incidents, objection, papers, rows, withdraw
from engine.verbs import complete as completing
from engine.verbs import start as starting
from engine.verbs.incidents import Accident
from engine.verbs.task_ids import parse_task_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from engine.jobs import Jobs
    from engine.people.accounts import Proof
    from engine.people.actor import Actor
    from engine.views import Receipt

Result = TypeVar("Result")

LONGEST_REASON = 500
TRIES = 5
"""How often a verb that only met a busy database is tried again before the person is asked to."""


class ProcessEngine(Desk):
    """The front door for everything that happens to a case.

    Every verb takes the actor, answers with a frozen value, and raises a :class:`engine.errors.Rejected` kind when the answer is no. An
    :class:`engine.verbs.incidents.Accident` means that we failed: nothing has happened, and an administrator has been told.
    """

    @property
    def outbox(self) -> Outbox:
        """The door to what is owed, for those who deliver it."""
        return Outbox(self.ground.database)

    @cached_property
    def jobs(self) -> Jobs:
        """What is to be done later and what comes round by itself, for the worker that does it."""
        return jobs_of(self.ground)

    # ---- verbs of a case -------------------------------------------------------------------------------------------

    def start(
        self,
        actor: Actor,
        process_id: str,
        household_no: str,
        person_no: str,
        values: Mapping[str, Any],
        *,
        draft_id: str | None = None,
        proof: Proof | None = None,
    ) -> Receipt:
        """Receive an application: open a case for a member of a household.

        `values` are the typed values of the first form (money in fen, days as ISO text); papers lie in the draft. Where the actor
        holds the post of the first step, it is completed and signed at once, which needs `proof`. Raises Invalid with every
        fault at once, Conflict where a case is running already, NotFound outside the jurisdiction.
        """
        return self._verb(
            "start",
            {"process": process_id, "household": household_no, "person_no": person_no, "draft": draft_id},
            actor,
            lambda connection: starting.start(
                self.ground,
                connection,
                actor=actor,
                process_id=process_id,
                household_no=household_no,
                person_no=person_no,
                values=values,
                draft_id=draft_id,
                proof=proof,
            ),
        )

    def claim(self, task_id: str, actor: Actor) -> Receipt:
        """Take a task of one's post for oneself."""
        return self._verb(
            "claim",
            {"task": task_id},
            actor,
            lambda connection: claiming.claim(self.ground, connection, task_id=task_id, actor=actor),
        )

    def release(self, task_id: str, actor: Actor) -> Receipt:
        """Give a claimed task back to all holders of its post."""
        return self._verb(
            "release",
            {"task": task_id},
            actor,
            lambda connection: claiming.release(self.ground, connection, task_id=task_id, actor=actor),
        )

    def reassign(self, task_id: str, actor: Actor, to_person_id: int, reason: str) -> Receipt:
        """Give a task to a named holder of its post, as the leader of the body or of one above."""
        return self._verb(
            "reassign",
            {"task": task_id, "to": to_person_id},
            actor,
            lambda connection: claiming.reassign(
                self.ground, connection, task_id=task_id, actor=actor, to_person_id=to_person_id, reason=reason
            ),
        )

    def complete(
        self,
        task_id: str,
        actor: Actor,
        outcome: str,
        values: Mapping[str, Any],
        opinion: str = "",
        *,
        seen_revision: int,
        seen_digest: str | None = None,
        proof: Proof | None = None,
    ) -> Receipt:
        """Complete a task with an outcome and sign it: agree, return for correction, refuse, hand in.

        `seen_digest` is what the sign page showed; when anything of it has changed since, nothing is signed and Conflict says so.
        Without it the whole case must stand at `seen_revision` still. A second press of the same person with the same outcome is
        answered with the first one's result (`repeated`).
        """
        return self._verb(
            "complete",
            {"task": task_id, "outcome": outcome},
            actor,
            lambda connection: completing.complete(
                self.ground,
                connection,
                task_id=task_id,
                actor=actor,
                outcome=outcome,
                values=values,
                opinion=opinion,
                seen_revision=seen_revision,
                seen_digest=seen_digest,
                proof=proof,
            ),
        )

    def withdraw(
        self, case_id: int, actor: Actor, reason: str, *, seen_revision: int, proof: Proof | None = None
    ) -> Receipt:
        """Take an application back at the household's wish, until the county has decided (DOMAIN.md B0.5)."""
        return self._verb(
            "withdraw",
            {"case": case_id},
            actor,
            lambda connection: withdraw.withdraw(
                self.ground,
                connection,
                case_id=case_id,
                actor=actor,
                reason=reason,
                seen_revision=seen_revision,
                proof=proof,
            ),
        )

    def register_objection(self, case_id: int, actor: Actor, text: str) -> Receipt:
        """Write down an objection against a running public notice; the notice stands still until it is verified."""
        return self._verb(
            "register_objection",
            {"case": case_id},
            actor,
            lambda connection: objection.register_objection(
                self.ground, connection, case_id=case_id, actor=actor, text=text
            ),
        )

    # ---- drafts and papers -----------------------------------------------------------------------------------------

    def save_draft(
        self, actor: Actor, subject: str, content: Mapping[str, Any], household_no: str | None = None
    ) -> str:
        """Keep what a person has typed, exactly as typed; return the draft's id."""
        return self._verb(
            "save_draft",
            {"subject": subject},
            actor,
            lambda connection: papers.save_draft(
                connection,
                actor=actor,
                subject=subject,
                content=content,
                household_no=household_no,
                now=self.ground.clock(),
            ),
        )

    def attach(self, actor: Actor, where: str, slot: str, file_name: str, content: bytes) -> str:
        """Put a paper into a slot of a draft (`where` is its id) or of a case (`where` is a task's id); return the paper's id.

        PDF, JPEG and PNG up to 5 MB, recognised by content; Invalid says what is wrong with anything else.
        """
        if "-" in where:
            return self._verb(
                "attach",
                {"task": where, "slot": slot},
                actor,
                lambda connection: papers.attach_to_task(
                    self.ground,
                    connection,
                    actor=actor,
                    task_id=where,
                    slot=slot,
                    file_name=file_name,
                    content=content,
                ),
            )
        return self._verb(
            "attach",
            {"draft": where, "slot": slot},
            actor,
            lambda connection: papers.attach_to_draft(
                connection,
                actor=actor,
                draft_id=where,
                slot=slot,
                file_name=file_name,
                content=content,
                now=self.ground.clock(),
            ),
        )

    def remove_paper(self, actor: Actor, paper_id: str) -> None:
        """Take a paper out of a draft of one's own."""
        self._verb(
            "remove_paper",
            {"paper": paper_id},
            actor,
            lambda connection: papers.remove_from_draft(
                connection, actor=actor, paper_id=paper_id, now=self.ground.clock()
            ),
        )

    def reveal(self, case_id: int, name: str, actor: Actor) -> str:
        """Return a masked value in full; who looked, when and at what is written down."""
        return self._verb(
            "reveal",
            {"case": case_id, "field": name},
            actor,
            lambda connection: papers.reveal(self.ground, connection, case_id=case_id, name=name, actor=actor),
        )

    # ---- the clock -------------------------------------------------------------------------------------------------

    def fire(self, case_id: int, no: int) -> str | None:
        """Let one due moment act, in a transaction of its own; return the stage it brought, None where it was not due."""
        return self._verb(
            "fire",
            {"case": case_id, "timer": no},
            None,
            lambda connection: fire.fire(self.ground, connection, case_id=case_id, no=no),
        )

    def fire_due(self, limit: int = 200) -> int:
        """Let everything act that is due now, oldest first; return how many moments did.

        One that fails becomes an incident and does not hold up the rest; it is tried again when the incident is retried.
        """
        now = to_text(self.ground.clock())
        with self.ground.database.reading() as connection:
            due = connection.exec_driver_sql(*self._due(now, limit)).all()
        fired = 0
        for case_id, no in due:
            try:
                fired += self.fire(int(case_id), int(no)) is not None
            except Accident:
                self._shelve(int(case_id), int(no))
        return fired

    def _due(self, now: str, limit: int) -> tuple[str, Any]:
        text = (
            "SELECT case_id, no FROM timer WHERE state = 'ARMED' AND due_at <= {} ORDER BY due_at, case_id, no LIMIT {}"
        )
        mark = "?" if self.ground.database.is_sqlite else "%s"
        return text.format(mark, mark), (now, limit)

    def _shelve(self, case_id: int, no: int) -> None:
        """Take a due moment that failed out of the sweep; retrying its incident puts it back."""
        with self.ground.database.transaction() as connection:
            batch = Batch(connection)
            batch.put(rows.SHELVE_TIMER, {"case_id": case_id, "no": no})
            batch.send()

    # ---- notices -----------------------------------------------------------------------------------

    def mark_read(self, person_id: int, notice_id: int | None = None) -> None:
        """Mark one notice of a person as read, or all of them."""
        table = model.notice
        statement = update(table).where(table.c.person_id == person_id, table.c.read_at.is_(None))
        if notice_id is not None:
            if not 0 < notice_id <= rows.LARGEST_KEY:
                return
            statement = statement.where(table.c.id == notice_id)
        with self.ground.database.transaction() as connection:
            connection.execute(statement.values(read_at=to_text(self.ground.clock())))

    # ---- incidents -------------------------------------------------------------------------------------------------

    def retry(self, incident_id: int, actor: Actor) -> Receipt | None:
        """Deal with an incident: what the clock failed to do is tried again now; what a person asked for, that person asks for again.

        A signature cannot be repeated in somebody's absence; their task is open as it was before the accident.
        """
        require("retry", actor, Subject(case_region=actor.region_code))
        with self.ground.database.reading() as connection:
            incident = incidents.find_incident(connection, incident_id, actor)
        subject = json.loads(incident.subject)
        if incident.verb == "fire":
            with self.ground.database.transaction() as connection:
                batch = Batch(connection)
                batch.put(rows.UNSHELVE_TIMER, {"case_id": subject["case"], "no": subject["timer"]})
                batch.send()
            try:
                self.fire(subject["case"], subject["timer"])
            except Accident:
                self._shelve(subject["case"], subject["timer"])
                raise
        if incident.verb == "job":
            # It may have come right by itself in the meantime.
            with suppress(NotFound, NotOpen):
                self.jobs.retry(subject["job"])
        with self.ground.database.transaction() as connection:
            incidents.resolve_incident(connection, incident_id, actor, self.ground.clock())
        return None

    # ---- how a verb happens ----------------------------------------------------------------------------------------

    def _verb(
        self, name: str, subject: Mapping[str, Any], actor: Actor | None, act: Callable[[Connection], Result]
    ) -> Result:
        for attempt in range(1, TRIES + 1):
            acted = False
            try:
                with self.ground.database.transaction() as connection:
                    result = act(connection)
                    acted = True
            except NotPermitted as refusal:
                self._note_refusal(name, subject, actor, refusal)
                raise
            except EngineError as error:
                raise self._incident(name, subject, actor, error) from error
            except Exception as error:
                if actor is not None and isinstance(error, Rejected):
                    raise
                if actor is not None and is_duplicate(error):
                    raise Conflict(
                        Message(
                            "有人同时办理了同一件事,请刷新后核对",
                            "Somebody did the same thing at the same moment; please look again",
                        )
                    ) from error
                if not is_busy(error) and not is_lost(error):
                    # Whatever it was, it was ours: it is told, the person gets its number, and it holds up nobody else.
                    accident = EngineError("", f"{type(error).__name__}: {error}"[:LONGEST_REASON])
                    raise self._incident(name, subject, actor, accident) from error
                # A connection that dies while it commits leaves open whether it did; only the person can look.
                again = is_busy(error) or (is_lost(error) and not acted)
                if not again or attempt == TRIES:
                    raise
                time.sleep(0.02 * attempt)
            else:
                return result
        raise AssertionError("unreachable")

    def _note_refusal(self, name: str, subject: Mapping[str, Any], actor: Actor | None, refusal: NotPermitted) -> None:
        if actor is None:
            return
        with self.ground.database.transaction() as connection:
            append(
                connection,
                f"person:{actor.person_id}",
                "refused",
                self.ground.clock(),
                actor,
                actor.region_code,
                verb=name,
                # Told in plain characters: what was asked for may be anything.
                subject={
                    name: value.encode("ascii", "backslashreplace").decode()[:LONGEST_REASON]
                    if isinstance(value, str) and not can_be_kept(value)
                    else value
                    for name, value in subject.items()
                },
                rule=refusal.rule,
            )

    def _incident(self, name: str, subject: Mapping[str, Any], actor: Actor | None, error: EngineError) -> Accident:
        case_id: int | None = None
        if "case" in subject:
            case_id = int(subject["case"])
        elif "task" in subject:
            case_id = parse_task_id(str(subject["task"]))[0]
        with self.ground.database.transaction() as connection:
            number = incidents.raise_incident(
                connection,
                verb=name,
                subject=subject,
                case_id=case_id,
                error=error,
                actor=actor,
                now=self.ground.clock(),
            )
        return Accident(error, number)
