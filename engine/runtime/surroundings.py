"""What a case may ask while it takes one step: the time, the calendar, policy numbers and the services of the house.

The process itself owns none of this. Whoever runs a step lends it, for that step only, so that the same step can be run again
later with the recorded clock and the recorded answers and must give the same result (DESIGN.md §3.9, *prove*). Nothing here
reads a clock, a file or a database; the functions lent by the engine's verbs do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.errors import EngineError, Message

if TYPE_CHECKING:
    from datetime import datetime

JSON = Any
"""A value a case may carry: None, bool, int, str, or lists and dictionaries of these."""


@dataclass(frozen=True, slots=True)
class ServiceCall:
    """One automatic step asks the house for something: which operator, from which shape, with which parameters and data."""

    operator: str
    element_id: str
    parameters: Mapping[str, JSON]
    data: Mapping[str, JSON]


Service = Callable[[ServiceCall], Mapping[str, JSON]]

SERVICE_OPERATORS: dict[str, Message] = {
    "cross_check": Message("与外部门数据比对", "Compare with other departments' data"),
    "write_ledger": Message("登记台账", "Write the ledger"),
}
"""Every operator a service task may name; a drawing that names another one cannot be deployed."""


def _no_days(_count: int) -> datetime:
    raise EngineError("", "A clock was asked for, but no calendar was lent to this step")


def _no_parameter(name: str, *_keys: object) -> int | str | bool:
    raise EngineError("", f"The policy number {name!r} was asked for, but no parameters were lent to this step")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What one step may ask for.

    `now` is aware UTC. `workdays(n)` is the end of the n-th working day from now, `notice_end(n)` the end of a public notice of
    n working days, both aware. `parameter(name, *keys)` is a number set by policy. `services` answers service tasks by operator;
    what it returns is merged into the case's data.
    """

    now: datetime
    workdays: Callable[[int], datetime] = _no_days
    notice_end: Callable[[int], datetime] = _no_days
    parameter: Callable[..., int | str | bool] = _no_parameter
    services: Mapping[str, Service] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.now.tzinfo is None:
            raise ValueError(f"Expected an aware moment as now, found the naive {self.now.isoformat()}")
