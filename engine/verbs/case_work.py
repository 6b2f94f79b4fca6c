"""A case in hand: locked, restored, moved on, and written back whole.

Every verb that moves a case goes the same way (DESIGN.md §5): lock the case row, restore the execution from its hot state, let it
take one step, compare which tasks and waits are there before and after, and write tasks, timers, event, signature and owed messages
together. This module is that way; what a verb permits and what it says about itself stands in the verb's own file.

SpiffWorkflow would accept a second completion silently, so our task row is the guard: a task is closed by exactly one UPDATE that
expects to find it open.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.audit.canonical import canonical
from engine.audit.chain import seal
from engine.audit.writing import actor_words
from engine.errors import EngineError
from engine.instants import local_date, to_text
from engine.people.jurisdiction import Subject
from engine.people.levels import Level
from engine.people.posts import holders
from engine.runtime import Execution
from engine.verbs import rows
from engine.verbs.limits import Limit, open_limit
from engine.verbs.services import free_settlements
from engine.verbs.step_words import step_words
from engine.verbs.subjects import OPEN, task_subject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from engine.batch import Batch
    from engine.ground import Ground
    from engine.people.actor import Actor
    from engine.runtime import Definition, OpenTask

JSON = Any

_DECIDED_AGAINST = frozenset({"REJECTED", "NOTHING_TO_PAY"})


@dataclass(frozen=True, slots=True)
class SignedAct:
    """A signature ready to be written, and the digest of what it covers."""

    payload: str
    payload_digest: str
    algorithm: str
    key_id: str
    value: str


class CaseWork:
    """One case under lock within one verb."""

    def __init__(self, ground: Ground, batch: Batch, case: rows.CaseRow, now: datetime) -> None:
        self.ground = ground
        self.batch = batch
        self.case = case
        self.now = now
        self.at = to_text(now)
        self.definition: Definition = ground.definition(case.definition_digest)
        self.seq = case.event_seq + 1
        self.revision = case.revision + 1
        self.opened: list[OpenTask] = []
        self._arrivals: dict[int, tuple[dict[str, JSON], str, str]] = {}
        self.event_hash = case.event_hash
        self._summary: dict[str, JSON] = json.loads(case.summary)
        self._body: dict[str, JSON] = {}
        self.surroundings = ground.surroundings(case, self.definition, now, batch)
        self._execution: Execution | None = None
        self._state_key = ground.keyring.state_key_of(case.id)
        self._before: dict[int, OpenTask] = {}
        self._data_before: dict[str, JSON] = {}
        self._done: dict[int, tuple[str, int]] = {}
        self._returns = case.returns
        self._decided = case.decided
        self._level = case.level
        self._status = case.status

    # ---- looking ---------------------------------------------------------------------------------------------------

    @property
    def execution(self) -> Execution:
        """The case's process, restored on first use."""
        if self._execution is None:
            self._execution = Execution.restore(
                self.definition,
                self.case.state,
                self.surroundings,
                key=self._state_key,
            )
            self._before = {int(task.ref): task for task in self._execution.tasks}
            self._data_before = dict(self._execution.data)
        return self._execution

    @property
    def data(self) -> Mapping[str, JSON]:
        """The case's data as they were before this verb took its step."""
        if self._execution is None:
            _ = self.execution
        return self._data_before

    @property
    def status(self) -> str:
        """The case's status after this verb."""
        return self._status

    @property
    def kin(self) -> frozenset[str]:
        """Keyed hashes of the household members' ID numbers."""
        return frozenset(json.loads(self.case.kin))

    def subject(self, task: rows.TaskRow | None = None, held_duty: str | None = None) -> Subject:
        """Return what jurisdiction needs to know of this case, and of one of its tasks."""
        plain = Subject(
            case_region=self.case.region_code,
            case_open=self.case.status == OPEN,
            decided=self.case.decided,
            kin=self.kin,
            started_by=self.case.started_by,
            held_duty=held_duty,
            starter_roles=self.ground.starter_roles(self.definition),
        )
        if task is None:
            return plain
        return task_subject(self.ground, plain, task)

    # ---- moving ----------------------------------------------------------------------------------------------------

    def begin(self, data: Mapping[str, JSON]) -> None:
        """Let a new case's process begin with these data."""
        self._execution = Execution.start(self.definition, data, self.surroundings)

    def step(self, act: Callable[[Execution], None]) -> None:
        """Let the process take one step; any accident inside it rolls the whole verb back."""
        execution = self.execution
        act(execution)

    def close_task(self, no: int, *, outcome: str, by: int) -> None:
        """Note that the step closes this task with an outcome, by a person."""
        self._done[no] = (outcome, by)

    def count_return(self) -> None:
        """Count one return for correction (DOMAIN.md B0.5: at most three)."""
        self._returns += 1

    def summarise(self, **values: JSON) -> None:
        """Change what a row of a list tells of this case."""
        self._summary.update(values)

    def sign(self, task_no: int, actor: Actor, duty: str, signed: SignedAct) -> None:
        """Write the actor's signature and the duty they now hold on this case."""
        self.batch.put(
            rows.INSERT_SIGNATURE,
            {
                "case_id": self.case.id,
                "event_seq": self.seq,
                "task_no": task_no,
                "person_id": actor.person_id,
                "person_hash": actor.person_hash,
                "duty": duty,
                "payload": signed.payload,
                "payload_digest": signed.payload_digest,
                "algorithm": signed.algorithm,
                "key_id": signed.key_id,
                "value": signed.value,
                "signed_at": self.at,
            },
        )
        self._body["signature"] = signed.payload_digest

    def hold_duty(self, actor: Actor, duty: str) -> None:
        """Record the one duty this natural person holds on the case; the table's key refuses a second one."""
        self.batch.put(
            rows.HOLD_DUTY, {"case_id": self.case.id, "person_hash": actor.person_hash, "duty": duty}, expect=1
        )

    def owe(self, kind: str, content: Mapping[str, JSON], *, suffix: str = "", **addressee: JSON) -> None:
        """Owe a message: to the holders of a post (`role`, `region_code`) or to one person (`person_id`)."""
        self.batch.put(
            rows.INSERT_MESSAGE,
            {
                "dedupe_key": f"{self.case.id}-{self.seq}-{kind}{suffix}",
                "kind": kind,
                "case_id": self.case.id,
                "task_no": addressee.get("task_no"),
                "role": addressee.get("role"),
                "region_code": addressee.get("region_code"),
                "person_id": addressee.get("person_id"),
                "content": canonical({"case_no": self.case.case_no, **content}),
                "created_at": self.at,
                "next_at": self.at,
            },
        )

    # ---- writing back ----------------------------------------------------------------------------------------------

    def finish(self, kind: str, actor: Actor | str, body: Mapping[str, JSON]) -> None:
        """Write everything this verb did: tasks, timers, messages, the event and the case row, then send it."""
        self._body.update(body)
        state = self.case.state
        ended: str | None = None
        if self._execution is not None:
            self.settle()
            self._settle_event_timers(self._execution)
            self._note_steps(self._execution)
            self._tell_arrivals()
            state = self._execution.store(self._state_key)
            ended = self._execution.ended_by if self._execution.is_finished else None
        if ended is not None:
            self._end(ended)
        self._record(kind, actor)
        self.batch.put(
            rows.UPDATE_CASE,
            {
                "id": self.case.id,
                "seen_revision": self.case.revision,
                "revision": self.revision,
                "state": state,
                "status": self._status,
                "level": self._level,
                "summary": canonical(self._summary),
                "event_seq": self.seq,
                "event_hash": self.event_hash,
                "returns": self._returns,
                "decided": self._decided,
                "ended_at": self.at if ended is not None else None,
                "ended_by": ended,
            },
            expect=1,
        )
        self.batch.send()

    def settle(self) -> None:
        """Bring the task rows in step with the process: close what is gone, open what is new."""
        execution = self.execution
        after = {int(task.ref): task for task in execution.tasks}
        closed = [no for no in self._before if no not in after]
        limits = {int(wait.attached_ref): wait for wait in execution.waits if wait.attached_ref is not None}
        for no in closed:
            self._close(no)
        if closed:
            for no in closed:
                self.batch.put(rows.CANCEL_TIMERS_OF_TASK, {"case_id": self.case.id, "task_no": no})
        for no, task in after.items():
            if no not in self._before:
                self._open(task, limits.get(no))
        self._before = after

    def _close(self, no: int) -> None:
        outcome, by = self._done.get(no, ("", None))
        self.batch.put(
            rows.CLOSE_TASK,
            {
                "case_id": self.case.id,
                "no": no,
                "state": "DONE" if no in self._done else "CANCELLED",
                "outcome": outcome or None,
                "closed_by": by,
                "closed_at": self.at,
            },
            expect=1,
        )
        self._body.setdefault("closed" if no in self._done else "cancelled", []).append(no)

    def _open(self, task: OpenTask, wait: Any) -> None:
        no = int(task.ref)
        level = task.level
        if level is None:
            raise EngineError(task.element_id, "The task has no lane, neither its own nor its caller's")
        properties = task.properties
        region = level.region_of(self.case.region_code)
        role = properties["post"]
        limit: Limit | None = None
        if wait is not None:
            limit = open_limit(self.ground, self.batch, self.case, task.element_id, wait, self.now)
        self.opened.append(task)
        self._level = level.digits
        told = {
            "no": no,
            "element": task.element_id,
            "name": task.name,
            "level": level.digits,
            "role": role,
            "region": region,
        }
        if limit is not None:
            told["due_at"] = to_text(limit.due_at)
            told["limit_days"] = limit.days
        self._body.setdefault("opened", []).append(told)
        self.batch.put(
            rows.INSERT_TASK,
            {
                "case_id": self.case.id,
                "no": no,
                "element_id": task.element_id,
                "name": task.name,
                "level": level.digits,
                "region_code": region,
                "role": role,
                "duty": properties["duty"],
                "form": properties["form"],
                "list_name": properties.get("list"),
                "opened_at": self.at,
                "limit_days": limit.days if limit else None,
                "due_at": to_text(limit.due_at) if limit else None,
                "provisional": limit.provisional if limit else False,
                "clock": limit.clock if limit else "{}",
            },
        )
        if limit is not None and limit.first_stage is not None and limit.first_at is not None:
            self.batch.put(
                rows.INSERT_TIMER,
                {
                    "case_id": self.case.id,
                    "no": int(wait.ref),
                    "task_no": no,
                    "element_id": wait.element_id,
                    "stage": limit.first_stage,
                    "due_at": to_text(limit.first_at),
                    "provisional": limit.provisional,
                },
            )
        arrived: dict[str, JSON] = {"step": task.name, "level": level.digits}
        if limit is not None:
            arrived["due_at"] = to_text(limit.due_at)
        self._arrivals[no] = (arrived, role, region)

    def _tell_arrivals(self) -> None:
        """Owe a message to whoever holds the post of a task that opened and is still open; one sent back is told as such."""
        for no, (arrived, role, region) in self._arrivals.items():
            if no not in self._before:
                continue
            if self._returns > self.case.returns:
                self.owe("task_returned", arrived, suffix=f"-{no}", role=role, region_code=region, task_no=no)
            else:
                self.owe("task_arrived", arrived, suffix=f"-{no}", role=role, region_code=region, task_no=no)

    def _settle_event_timers(self, execution: Execution) -> None:
        """Arm what the drawing waits for besides limits (the end of a public notice), and disarm what no longer waits.

        A notice that an objection interrupts goes on for the rest of its period (DOMAIN.md B0.4), so what was left is
        remembered as long as the called process is open.
        """
        waiting = {
            int(wait.ref): wait for wait in execution.waits if wait.kind == "timer" and wait.attached_ref is None
        }
        known: dict[str, list[str]] = self._summary.get("waits", {})
        rest: dict[str, int] = self._summary.get("rest", {})
        for text in [text for text in known if int(text) not in waiting]:
            element_id, due = known.pop(text)
            if due > self.at:
                rest[element_id] = self.ground.working_days_left(self.case.region_code, self.now, due)
            self.batch.put(rows.CANCEL_TIMER, {"case_id": self.case.id, "no": int(text)})
            self._body.setdefault("disarmed", []).append(int(text))
        for no, wait in waiting.items():
            if str(no) in known or wait.due_at is None:
                continue
            due = to_text(wait.due_at)
            known[str(no)] = [wait.element_id, due]
            rest.pop(wait.element_id, None)
            self.batch.put(
                rows.INSERT_TIMER,
                {
                    "case_id": self.case.id,
                    "no": no,
                    "task_no": None,
                    "element_id": wait.element_id,
                    "stage": "EVENT",
                    "due_at": due,
                    "provisional": False,
                },
            )
            self._body.setdefault("armed", []).append({"no": no, "element": wait.element_id, "due_at": due})
        elements = self.definition.elements
        alive = {elements[task.element_id].process_id for task in execution.tasks}
        rest = {element_id: days for element_id, days in rest.items() if elements[element_id].process_id in alive}
        for name, value in (("waits", known), ("rest", rest)):
            if value:
                self._summary[name] = value
            else:
                self._summary.pop(name, None)

    def _note_steps(self, execution: Execution) -> None:
        data, before = execution.data, self._data_before
        changed = {name for name, value in data.items() if before.get(name) != value}
        changed.update(name for name, value in before.items() if value is not None and name not in data)
        if changed:
            self._body["changes"] = {name: [before.get(name), data.get(name)] for name in sorted(changed)}
        steps = [step_words(step, self.definition) for step in execution.steps]
        if steps:
            self._body["steps"] = steps
        if not self._decided:
            decision = self.ground.briefing(self.definition).decision
            self._decided = decision is not None and any(
                step.element_id == decision[0] and decision[1] in step.taken for step in execution.steps
            )
        self._body["marking"] = execution.marking()
        brief = self.ground.briefing(self.definition)
        self._summary.update(brief.summary(data))

    def _end(self, element_id: str) -> None:
        element = self.definition.elements[element_id]
        self._status = element.properties.get("status", "COMPLETED")
        self._body["ended"] = {"status": self._status, "by": element_id}
        if self._status != "COMPLETED":
            free_settlements(self.batch, self.case.id)
        self._tell_end({"status": self._status, "step": element.name})

    def _tell_end(self, told: Mapping[str, JSON]) -> None:
        """Owe a message to whoever opened the case; a refusal is a decision that the village hands to the household, too.

        Whoever opened it and holds the village's post is told once.
        """
        starter = self.case.started_by
        if self._status not in _DECIDED_AGAINST:
            self.owe("case_closed", told, person_id=starter)
            return
        organisation, village = self.ground.organisation, self.case.region_code
        today = local_date(self.now)
        reached: set[int] = set()
        for role in sorted(self.ground.starter_roles(self.definition)):
            known = organisation.roles.get(role)
            if known is not None and known.level is Level.VILLAGE:
                reached.update(one.person_id for one in holders(self.batch.connection, role, village, today))
                self.owe("decision_letter", told, suffix=f"-{role}", role=role, region_code=village)
        if starter not in reached:
            self.owe("decision_letter", told, person_id=starter)

    def _record(self, kind: str, actor: Actor | str) -> None:
        stream = f"case:{self.case.id}"
        body: dict[str, JSON] = {
            "v": 1,
            "stream": stream,
            "seq": self.seq,
            "kind": kind,
            "at": self.at,
            "case": self.case.case_no,
            "actor": actor_words(actor),
            "region": self.case.region_code,
            "revision": self.revision,
            **self._body,
        }
        text = canonical(body)
        self.event_hash = seal(self.case.event_hash, text)
        self.batch.put(
            rows.INSERT_EVENT,
            {
                "stream": stream,
                "seq": self.seq,
                "case_id": self.case.id,
                "kind": kind,
                "at": self.at,
                "actor_id": None if isinstance(actor, str) else actor.person_id,
                "region_code": self.case.region_code,
                "body": text,
                "prev_hash": self.case.event_hash,
                "hash": self.event_hash,
            },
        )
