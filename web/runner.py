"""What a worker does in a round, again and again: let what is due act, deliver what is owed, do the jobs.

The same rounds run in a thread beside the site (`bangfu serve`) or in a process of their own (`bangfu worker`), on as many
machines as one likes: due moments, messages and jobs are rows, locked or leased by whoever has them in hand. A round that fails is
logged and tried again in a moment.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine import ProcessEngine

log = logging.getLogger("bangfu.runner")

EVERY_SECONDS = 5.0
MOST_SWEEPS = 50
"""How often one round asks for due moments again: after an outage messages go out between the stages of a delay, too."""


class Runner:
    """One thread that does again and again whatever has come due; `stop` waits for the round that is under way."""

    def __init__(self, rounds: Sequence[Callable[[], int]], *, every_seconds: float = EVERY_SECONDS) -> None:
        self._rounds = tuple(rounds)
        self._every = every_seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self.run, name="bangfu-runner", daemon=True)

    def start(self) -> None:
        """Begin in a thread; the first round comes at once."""
        self._thread.start()

    def stop(self) -> None:
        """End after the round that is under way."""
        self.ask_to_stop()
        if self._thread.is_alive():
            self._thread.join(timeout=30)

    def ask_to_stop(self) -> None:
        """Let the round that is under way be the last; do not wait for it."""
        self._stopped.set()

    def run_once(self) -> int:
        """Do one round of everything; a round that fails is logged and does not keep the others from theirs."""
        done = 0
        for one in self._rounds:
            try:
                done += one()
            except Exception:
                # The edge of a sweep: whatever it was, the next round tries again, and the log says what.
                log.exception("A round of the runner failed")
        return done

    def run(self) -> None:
        """Go round until asked to stop, in the calling thread."""
        while not self._stopped.is_set():
            # While there is much to do, the next round follows at once.
            self._stopped.wait(0.0 if self.run_once() else self._every)


def rounds_of(engine: ProcessEngine) -> list[Callable[[], int]]:
    """Return what a worker does in a round: let what is due act until nothing is, deliver what is owed, do the jobs."""
    from notifications import postman_from_environment

    def fire_what_is_due() -> int:
        fired = 0
        for _ in range(MOST_SWEEPS):
            if not (more := engine.fire_due()):
                break
            fired += more
        return fired

    return [
        fire_what_is_due,
        postman_from_environment().round_for(engine, engine.ground.clock),
        engine.jobs.run_due,
    ]
