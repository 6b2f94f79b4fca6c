"""The jobs that come round by themselves: checkpoints over new events, and the sweep of what no longer matters.

A checkpoint is due five minutes after the last look, or as soon as a thousand events wait (RELIABILITY.md §3); whether they do is asked
every half minute by an index, so that a quiet night costs nothing. Both handlers write through the job's own transaction, so
two workers cannot cover an event twice, and a worker that dies has done nothing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from engine.audit.checkpoints import MOST_AT_ONCE, copy_out, cover, newer_than
from engine.instants import from_text, to_text
from engine.jobs import Jobs, Outcome
from engine.people import throttle

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from engine.ground import Ground
    from engine.jobs import Handler, Job

CHECKPOINT, SWEEP = "checkpoint", "session_sweep"
EVERY = timedelta(minutes=5)
LOOK_EVERY = timedelta(seconds=30)
MANY_EVENTS = 1_000
SWEEP_EVERY = timedelta(hours=1)
STANDING = frozenset({CHECKPOINT, SWEEP})


def handlers(ground: Ground) -> dict[str, Handler]:
    """Return what an installation's worker knows to do, by kind."""

    def checkpoint(connection: Connection, job: Job, now: datetime) -> Outcome:
        covered = job.payload.get("covered_at")
        # Events of the very moment of the last look count too: one of them may have been written after it.
        if (
            covered is not None
            and now - from_text(covered) < EVERY
            and newer_than(connection, from_text(covered)) < MANY_EVENTS
        ):
            return Outcome(again_at=now + LOOK_EVERY, payload=job.payload)
        folder = ground.settings.instance
        made = cover(connection, ground.keyring, folder, now)
        if made is None:
            return Outcome(again_at=now + LOOK_EVERY, payload={"covered_at": to_text(now)})
        all_covered = made.added < MOST_AT_ONCE
        return Outcome(
            again_at=now + LOOK_EVERY if all_covered else now,
            payload={"covered_at": to_text(now)} if all_covered else {},
            then=lambda: copy_out(folder, made),
        )

    def sweep(connection: Connection, _job: Job, now: datetime) -> Outcome:
        throttle.sweep(connection, now)
        return Outcome(again_at=now + SWEEP_EVERY)

    return {CHECKPOINT: checkpoint, SWEEP: sweep}


def jobs_of(ground: Ground) -> Jobs:
    """Return the jobs of an installation, ready to be done by a worker."""
    return Jobs(ground.database, ground.clock, handlers(ground), standing=STANDING)
