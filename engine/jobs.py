"""What is to be done later, as rows: put in the transaction of the deed, done once, and never lost silently.

A worker claims a job with a lease, then opens one transaction in which it locks the row again, sees that the lease is still its own,
lets the handler write its effect and marks the job done (DESIGN.md §3.8). A worker that dies leaves the lease to run out, and the
next one takes the job up; one that was only slow finds its lease gone and writes nothing. What fails is tried again after growing pauses;
what failed too often stands as FAILED where an administrator sees it, with an incident to its name. Job kinds and their handlers
are brought by whoever wires the engine (:mod:`engine.housekeeping`); this module knows only rows and leases.
"""

from __future__ import annotations

import json
import logging
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import and_, func, insert, or_, select, update

from engine.audit.canonical import canonical
from engine.audit.writing import append
from engine.database import is_duplicate
from engine.errors import EngineError, Message, NotFound, NotOpen
from engine.instants import from_text, to_text
from engine.model import job as table
from engine.verbs.incidents import raise_incident

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from engine.database import Database

_LOG = logging.getLogger(__name__)

READY, LEASED, DONE, FAILED = "READY", "LEASED", "DONE", "FAILED"
_LONGEST_ERROR = 500


@dataclass(frozen=True, slots=True)
class Job:
    """A job in hand: what its handler gets to see. `attempts` counts this one."""

    id: int
    kind: str
    payload: Mapping[str, Any]
    case_id: int | None
    run_at: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as a list shows it. `status` is due, waiting, running, failing, failed or done."""

    id: int
    kind: str
    key: str
    status: str
    case_id: int | None
    run_at: datetime
    attempts: int
    lease_owner: str | None
    lease_until: datetime | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a handler ends: done for good, or to come round `again_at` with a `payload`.

    `then` is called after the commit, for what lies outside the database. A crash may swallow it, so it must be something that
    the next run makes good.
    """

    again_at: datetime | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    then: Callable[[], None] | None = None


class Handler(Protocol):
    """Does a job within the given transaction, which also marks it done; an exception of any kind undoes both."""

    def __call__(self, connection: Connection, job: Job, now: datetime, /) -> Outcome:
        """Do it; may be called again for a job whose earlier transaction did not commit."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a lease runs, how long to wait after a failed attempt (doubling up to the longest), and how often to try."""

    lease_seconds: int = 300
    first_seconds: int = 30
    longest_seconds: int = 60 * 60
    most_attempts: int = 8

    def pause(self, attempts: int) -> timedelta:
        """Return the pause after so many attempts."""
        return timedelta(seconds=min(self.first_seconds << min(attempts - 1, 30), self.longest_seconds))


def put(
    connection: Connection,
    kind: str,
    dedupe_key: str,
    payload: Mapping[str, Any],
    run_at: datetime,
    *,
    case_id: int | None = None,
) -> bool:
    """Owe a job in the caller's transaction; False where this key has been owed before, whatever became of it."""
    if connection.execute(select(table.c.id).where(table.c.dedupe_key == dedupe_key)).first() is not None:
        return False
    connection.execute(
        insert(table).values(
            kind=kind,
            dedupe_key=dedupe_key,
            case_id=case_id,
            payload=canonical(dict(payload)),
            run_at=to_text(run_at),
            state=READY,
            attempts=0,
        )
    )
    return True


class Jobs:
    """Claims jobs and does them; as many workers as one likes, on any number of machines.

    `handlers` knows what to do for each kind; the kinds in `standing` come round by themselves and are put when they are missing.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        handlers: Mapping[str, Handler],
        *,
        standing: frozenset[str] = frozenset(),
        patience: Patience = Patience(),  # noqa: B008  (frozen)
    ) -> None:
        self._database = database
        self._clock = clock
        self._handlers = dict(handlers)
        self._standing = standing
        self._patience = patience
        self._arranged = False
        self.owner = uuid.uuid4().hex

    # ---- doing -----------------------------------------------------------------------------------------------------

    def run_due(self, limit: int = 50) -> int:
        """Do what is due, oldest first, at most so many; return how many were done. Failures are written down, not raised."""
        self.arrange()
        done = 0
        for _ in range(limit):
            job = self._claim()
            if job is None:
                break
            done += self._do(job)
        return done

    def arrange(self) -> None:
        """Put the jobs that come round by themselves, where they are not there yet."""
        if self._arranged:
            return
        with self._database.reading() as connection:
            known = set(
                connection.execute(select(table.c.dedupe_key).where(table.c.dedupe_key.in_(self._standing))).scalars()
            )
        for kind in sorted(self._standing - known):
            try:
                with self._database.transaction() as connection:
                    put(connection, kind, kind, {}, self._clock())
            except Exception as error:
                # Another worker that started at the same moment has put it.
                if not is_duplicate(error):
                    raise
        self._arranged = True

    def _claim(self) -> Job | None:
        """Lease the oldest job that is due or whose worker let its lease run out; None where there is none."""
        now = self._clock()
        at = to_text(now)
        due = or_(
            and_(table.c.state == READY, table.c.run_at <= at), and_(table.c.state == LEASED, table.c.lease_until <= at)
        )
        statement = (
            select(table).where(due).order_by(table.c.run_at, table.c.id).limit(1).with_for_update(skip_locked=True)
        )
        with self._database.transaction() as connection:
            while (row := connection.execute(statement).one_or_none()) is not None:
                if row.state == LEASED and row.attempts >= self._patience.most_attempts:
                    # Its workers died over it, every time: that is no reason to kill another one.
                    self._give_up_or_wait(connection, row, f"Its worker died in the middle, attempt {row.attempts}")
                    continue
                connection.execute(
                    update(table)
                    .where(table.c.id == row.id)
                    .values(
                        state=LEASED,
                        attempts=table.c.attempts + 1,
                        lease_owner=self.owner,
                        lease_until=to_text(now + timedelta(seconds=self._patience.lease_seconds)),
                    )
                )
                return Job(
                    id=row.id,
                    kind=row.kind,
                    payload=json.loads(row.payload),
                    case_id=row.case_id,
                    run_at=from_text(row.run_at),
                    attempts=row.attempts + 1,
                )
        return None

    def _do(self, job: Job) -> bool:
        try:
            with self._database.transaction() as connection:
                if self._locked(connection, job) is None:
                    return False
                outcome = self._handler(job.kind)(connection, job, self._clock())
                self._note_done(connection, job, outcome)
        except Exception as error:  # noqa: BLE001
            # The edge of a worker: whatever it was, it is undone, written down, and the next job has its turn.
            _LOG.exception("Job %s (%s) failed at attempt %s", job.id, job.kind, job.attempts)
            self._note_failure(job, error)
            return False
        if outcome.then is not None:
            try:
                outcome.then()
            except Exception:  # noqa: BLE001
                _LOG.exception(
                    "Job %s (%s) is done, but not what follows it; its next run makes it good", job.id, job.kind
                )
        return True

    def _handler(self, kind: str) -> Handler:
        found = self._handlers.get(kind)
        if found is None:
            raise EngineError("", f"This worker knows no job of the kind {kind!r}")
        return found

    def _locked(self, connection: Connection, job: Job) -> Any:
        """Lock the job's row again; None where the lease is no longer ours."""
        return connection.execute(
            select(table)
            .where(
                table.c.id == job.id,
                table.c.state == LEASED,
                table.c.lease_owner == self.owner,
                table.c.attempts == job.attempts,
            )
            .with_for_update()
        ).one_or_none()

    @staticmethod
    def _note_done(connection: Connection, job: Job, outcome: Outcome) -> None:
        values: dict[str, Any] = {"state": DONE, "lease_owner": None, "lease_until": None, "last_error": None}
        if outcome.again_at is not None:
            values |= {
                "state": READY,
                "attempts": 0,
                "run_at": to_text(outcome.again_at),
                "payload": canonical(dict(outcome.payload)),
            }
        connection.execute(update(table).where(table.c.id == job.id).values(values))

    def _note_failure(self, job: Job, error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}"[:_LONGEST_ERROR]
        with self._database.transaction() as connection:
            row = self._locked(connection, job)
            if row is not None:
                self._give_up_or_wait(connection, row, reason)

    def _give_up_or_wait(self, connection: Connection, row: Any, reason: str) -> None:
        """Let a job wait for its next attempt; after the last one it has failed, and an incident says so.

        A job that comes round by itself is never given up: it goes on at the longest pause, so that a disk that was full for a night
        does not end the checkpoints, and is listed as failing meanwhile.
        """
        now = self._clock()
        exhausted = row.attempts >= self._patience.most_attempts
        gives_up = exhausted and row.kind not in self._standing
        connection.execute(
            update(table)
            .where(table.c.id == row.id)
            .values(
                state=FAILED if gives_up else READY,
                run_at=row.run_at if gives_up else to_text(now + self._patience.pause(max(row.attempts, 1))),
                lease_owner=None,
                lease_until=None,
                last_error=reason,
            )
        )
        if exhausted:
            raise_incident(
                connection,
                verb="job",
                subject={"job": row.id, "kind": row.kind},
                case_id=row.case_id,
                error=EngineError("", reason),
                actor=None,
                now=now,
            )

    # ---- looking and mending ---------------------------------------------------------------------------------------

    def list(self, *, limit: int = 200) -> tuple[JobView, ...]:
        """Return what is not done, the failed first, then by the moment it is due."""
        statement = (
            select(table)
            .where(table.c.state != DONE)
            .order_by((table.c.state == FAILED).desc(), table.c.run_at, table.c.id)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return tuple(self._view(row) for row in connection.execute(statement))

    def count_done(self) -> int:
        """Return how many jobs are done for good."""
        with self._database.reading() as connection:
            counted = select(func.count()).select_from(table).where(table.c.state == DONE)
            return int(connection.execute(counted).scalar_one())

    def retry(self, job_id: int) -> None:
        """Let a job that failed, or that waits after a failure, run at once with all its attempts; an event tells of it.

        NotFound where there is no such job, NotOpen where it has nothing to be retried for.
        """
        with self._database.transaction() as connection:
            row = connection.execute(select(table).where(table.c.id == job_id).with_for_update()).one_or_none()
            now = self._clock()
            if row is None:
                raise NotFound(Message(f"没有编号为 {job_id} 的后台任务", f"There is no job {job_id}"))
            if row.state != FAILED and not (row.state == READY and row.last_error):
                raise NotOpen(
                    Message(
                        f"只有失败的后台任务可以重试，任务 {job_id} 现为 {row.state}",
                        f"Only a job that failed can be retried; job {job_id} is {row.state}",
                    )
                )
            connection.execute(
                update(table).where(table.c.id == job_id).values(state=READY, attempts=0, run_at=to_text(now))
            )
            append(connection, "system", "job_retried", now, None, job=job_id, job_kind=row.kind)

    def _view(self, row: Any) -> JobView:
        at = to_text(self._clock())
        if row.state == READY and row.attempts >= self._patience.most_attempts:
            status = "failing"
        elif row.state == READY:
            status = "due" if row.run_at <= at else "waiting"
        else:
            status = {LEASED: "running", FAILED: "failed"}.get(row.state, "done")
        return JobView(
            id=row.id,
            kind=row.kind,
            key=row.dedupe_key,
            status=status,
            case_id=row.case_id,
            run_at=from_text(row.run_at),
            attempts=row.attempts,
            lease_owner=row.lease_owner,
            lease_until=None if row.lease_until is None else from_text(row.lease_until),
            last_error=row.last_error,
        )
