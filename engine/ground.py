"""What every verb stands on: the database, the keys, the clock, the drawings, the calendars and the organisation.

One value, wired in one place (:func:`engine.open_engine`) and handed to the verbs, so that nothing in the engine reaches for a global
and a test can lend its own clock or calendar. It holds caches of what does not change under a running case: definitions are
immutable by digest, calendars are read again when somebody changes them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from engine import model
from engine.deadlines.calendar import WorkingCalendar, end_of_day
from engine.errors import EngineError, Message, NotFound
from engine.instants import from_text, local_date
from engine.people.regions import Regions
from engine.runtime import SERVICE_OPERATORS, Bundle, Definition, Surroundings
from engine.texts import can_be_kept
from engine.verbs.services import services_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, datetime

    from sqlalchemy import Connection

    from engine.audit.keys import Keyring
    from engine.batch import Batch
    from engine.database import Database
    from engine.deadlines.stages import Thresholds
    from engine.people.organisation import Organisation
    from engine.reading.briefing import Briefing
    from engine.runtime import ServiceCall
    from engine.settings import Settings
    from engine.verbs.rows import CaseRow


@dataclass(slots=True)
class Ground:
    """The installation a verb runs in."""

    settings: Settings
    database: Database
    keyring: Keyring
    clock: Callable[[], datetime]
    organisation: Organisation
    thresholds: Thresholds
    _definitions: dict[str, Definition] = field(default_factory=dict)
    _versions: dict[str, int] = field(default_factory=dict)
    _briefings: dict[str, Briefing] = field(default_factory=dict)
    _calendars: dict[str, WorkingCalendar] = field(default_factory=dict)
    regions: Regions = field(default_factory=Regions)
    _lock: Lock = field(default_factory=Lock)

    # ---- definitions -----------------------------------------------------------------------------------------------

    def definition(self, digest: str) -> Definition:
        """Return a deployed definition by its digest, read once and kept."""
        found = self._definitions.get(digest)
        return found if found is not None else self._load(digest)

    def version(self, digest: str) -> int:
        """Return the version number of a deployed definition."""
        if digest not in self._versions:
            self._load(digest)
        return self._versions[digest]

    def latest(self, connection: Connection, process_id: str) -> Definition:
        """Return the newest deployed version of a process: what a case that starts now will run by."""
        table = model.definition
        digest = (
            can_be_kept(process_id)
            and connection.execute(
                select(table.c.digest).where(table.c.process_id == process_id).order_by(table.c.version.desc()).limit(1)
            ).scalar()
        )
        if not digest:
            raise NotFound(
                Message(
                    f"没有已发布的流程“{process_id[:64]}”", f"No process named {process_id[:64]!r} has been deployed"
                )
            )
        return self.definition(str(digest))

    def _load(self, digest: str) -> Definition:
        table = model.definition
        with self._lock:
            if digest in self._definitions:
                return self._definitions[digest]
            with self.database.reading() as connection:
                row = connection.execute(
                    select(table.c.bundle, table.c.version).where(table.c.digest == digest)
                ).one_or_none()
            if row is None:
                raise EngineError("", f"The definition {digest[:12]} of a case is not in the database")
            bundle = Bundle.from_bytes(bytes(row.bundle))
            if bundle.digest != digest:
                raise EngineError("", f"The definition {digest[:12]} does not match its digest any more")
            definition = Definition.read(bundle)
            self._definitions[digest] = definition
            self._versions[digest] = int(row.version)
            return definition

    def briefing(self, definition: Definition) -> Briefing:
        """Return how a process tells its cases in lists and briefs."""
        found = self._briefings.get(definition.digest)
        if found is None:
            from engine.reading.briefing import Briefing  # it reads definitions, which this module caches

            found = self._briefings[definition.digest] = Briefing.of(definition)
        return found

    def starter_roles(self, definition: Definition) -> frozenset[str]:
        """Return the posts that may open a case of a process: those its drawing's start event names."""
        return self.briefing(definition).starter_roles

    def body_name(self, connection: Connection, role: str, region_code: str) -> str:
        """Return the name of the body that a post of this role in this place belongs to."""
        found = self.organisation.roles.get(role)
        place = self.regions.find(connection, region_code).short_name
        return place if found is None else found.body_in(place).zh

    # ---- time ------------------------------------------------------------------------------------------------------

    def calendar(self, region_code: str) -> WorkingCalendar:
        """Return the working days that hold in a place: the country's, with its county's additions."""
        county = region_code[:6]
        found = self._calendars.get(county)
        return found if found is not None else self._read_calendar(county)

    def forget_calendars(self) -> None:
        """Read the calendars again at the next question; called when one has changed."""
        self._calendars.clear()

    def _read_calendar(self, county: str) -> WorkingCalendar:
        from datetime import date as day_type

        table = model.calendar_day
        with self.database.reading() as connection:
            rows = connection.execute(
                select(table.c.day, table.c.working)
                .where(table.c.region_code.in_(["", county]))
                .order_by(func.length(table.c.region_code))
            ).all()
        days: dict[date, bool] = {day_type.fromisoformat(row.day): bool(row.working) for row in rows}
        calendar = self._calendars[county] = WorkingCalendar(days)
        return calendar

    def working_days_left(self, region_code: str, now: datetime, due: str) -> int:
        """Return how many working days remain after today until a stored due moment."""
        return self.calendar(region_code).working_days_between(local_date(now), local_date(from_text(due)))

    # ---- one step --------------------------------------------------------------------------------------------------

    def surroundings(self, case: CaseRow, definition: Definition, now: datetime, batch: Batch) -> Surroundings:
        """Return what one step of this case may ask for."""
        return self._lend(case, definition, now, services_for(case, now, batch))

    def imagined(self, case: CaseRow, definition: Definition, now: datetime) -> Surroundings:
        """Return what a case may ask for while it is only looked at: services answer nothing and write nothing."""
        return self._lend(case, definition, now, dict.fromkeys(SERVICE_OPERATORS, _nothing))

    def _lend(self, case: CaseRow, definition: Definition, now: datetime, services: Mapping[str, Any]) -> Surroundings:
        calendar = self.calendar(case.region_code)
        today = local_date(now)

        def workdays(count: int) -> datetime:
            return end_of_day(calendar.add_working_days(today, count).day)

        def parameter(name: str, *keys: Any) -> int | str | bool:
            return definition.parameters.lookup(name, *keys, year=today.year, county=case.region_code[:6])

        def notice_end(count: int) -> datetime:
            # An objection that proved unfounded lets the notice go on for its rest, and for some days at least.
            left = rest_of_notice(case)
            return workdays(count if left is None else max(left, int(parameter("notice_least_rest_days"))))

        return Surroundings(
            now=now,
            workdays=workdays,
            notice_end=notice_end,
            parameter=parameter,
            services=services,
        )


def _nothing(_call: ServiceCall) -> Mapping[str, Any]:
    """Answer for a service when the process is only imagined: nothing is asked, nothing is written."""
    return {}


def rest_of_notice(case: CaseRow) -> int | None:
    """Return the working days left of a notice that an objection interrupted; None where none was."""
    rest = json.loads(case.summary).get("rest") if '"rest"' in case.summary else None
    return next(iter(rest.values())) if rest else None
