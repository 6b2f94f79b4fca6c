"""Publishing a process and the calendars: what an installation needs before the first case.

A definition is deployed whole, after the gate has looked through it, under the digest of its files; deploying the same files again changes
nothing. Running cases keep their version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select

from engine import model
from engine.audit.writing import append
from engine.deadlines.seed import seed_days
from engine.errors import BadDefinition
from engine.instants import to_text
from engine.runtime import Definition
from engine.runtime.gate import check_bundle

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from engine.runtime import Bundle


def deploy(connection: Connection, bundle: Bundle, *, by: str, now: datetime) -> int:
    """Deploy a bundle and return its version; BadDefinition where it would not run as it says."""
    table = model.definition
    known = connection.execute(select(table.c.version).where(table.c.digest == bundle.digest)).scalar()
    if known is not None:
        return int(known)
    findings = check_bundle(bundle)
    if findings:
        raise BadDefinition(findings)
    definition = Definition.read(bundle)
    last = connection.execute(select(func.max(table.c.version)).where(table.c.process_id == bundle.process_id)).scalar()
    version = int(last or 0) + 1
    connection.execute(
        insert(table).values(
            digest=bundle.digest,
            process_id=bundle.process_id,
            version=version,
            title=definition.title,
            bundle=bundle.to_bytes(),
            deployed_at=to_text(now),
            deployed_by=by,
        )
    )
    append(
        connection,
        "system",
        "definition_deployed",
        now,
        None,
        process=bundle.process_id,
        version=version,
        digest=bundle.digest,
        by=by,
    )
    return version


def seed_calendar(connection: Connection, workflows: Path) -> int:
    """Write the published holidays and make-up days that are not there yet; return how many were added."""
    table = model.calendar_day
    known = {row.day for row in connection.execute(select(table.c.day).where(table.c.region_code == ""))}
    fresh = [
        {"region_code": "", "day": day.isoformat(), "working": working, "source": source}
        for day, working, source in seed_days(workflows)
        if day.isoformat() not in known
    ]
    if fresh:
        connection.execute(insert(table), fresh)
    return len(fresh)
