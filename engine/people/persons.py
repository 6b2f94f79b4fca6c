"""People who work with the system: one row a natural person, told apart by the keyed hash of their ID number.

The ID number itself is never stored: what separation of duties and standing aside need is only whether two people are the same
(DESIGN.md §3.3). People are deactivated, never deleted, because what they signed stays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from engine.errors import Invalid, Message, NotFound
from engine.instants import to_text
from engine.model import person as person_table
from engine.model import relative as relative_table
from engine.model import session as session_table
from engine.people.passwords import UNUSABLE

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

STAFF_NO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", re.ASCII)
_LONGEST_NAME = 30


@dataclass(frozen=True, slots=True)
class Person:
    """A person as the system knows them."""

    id: int
    staff_no: str
    name: str
    id_hash: str
    active: bool
    must_change_password: bool
    last_login_at: str | None


def create_person(
    connection: Connection, *, staff_no: str, name: str, id_hash: str, now: datetime, password_hash: str = UNUSABLE
) -> int:
    """Enter a person and return their number; until a password is issued they cannot log in.

    Invalid when the staff number has another form, or when the number or the natural person is known already.
    """
    if not STAFF_NO.fullmatch(staff_no):
        raise Invalid(
            Message(
                f"工号只能用字母、数字和 . _ -，最长 32 位，现为“{staff_no}”",
                f"Expected a staff number of letters, digits and . _ - (at most 32), found {staff_no!r}",
            )
        )
    if not 1 < len(name) <= _LONGEST_NAME:
        raise Invalid(Message("姓名应为 2 至 30 字", f"Expected a name of 2 to 30 characters, found {len(name)}"))
    columns = person_table.c
    twin = connection.execute(
        select(columns.staff_no).where((columns.staff_no == staff_no) | (columns.id_hash == id_hash))
    ).scalar()
    if twin is not None:
        raise Invalid(
            Message(
                f"该人员或工号已登记（工号 {twin}）",
                f"Expected a new person, found them entered with the staff number {twin}",
            )
        )
    statement = person_table.insert().returning(columns.id)
    values = {
        "staff_no": staff_no,
        "name": name,
        "id_hash": id_hash,
        "password_hash": password_hash,
        "must_change_password": False,
        "created_at": to_text(now),
    }
    return int(connection.execute(statement, values).scalar_one())


def find_person(connection: Connection, person_id: int) -> Person:
    """Return a person by number; NotFound when there is none."""
    row = connection.execute(select(person_table).where(person_table.c.id == person_id)).one_or_none()
    if row is None:
        raise NotFound(Message("没有该人员", f"Expected person {person_id}, found none"))
    return Person(
        id=row.id,
        staff_no=row.staff_no,
        name=row.name,
        id_hash=row.id_hash,
        active=row.deactivated_at is None,
        must_change_password=bool(row.must_change_password),
        last_login_at=row.last_login_at,
    )


def deactivate(connection: Connection, person_id: int, *, now: datetime) -> None:
    """Take a person's access away at once: they cannot log in, and every open session of theirs is dead."""
    columns = person_table.c
    connection.execute(
        person_table.update()
        .where(columns.id == person_id, columns.deactivated_at.is_(None))
        .values(deactivated_at=to_text(now))
    )
    connection.execute(
        session_table.update()
        .where(session_table.c.person_id == person_id, session_table.c.revoked_at.is_(None))
        .values(revoked_at=to_text(now))
    )


def declare_relative(connection: Connection, person_id: int, *, id_hash: str, relation: str, now: datetime) -> None:
    """Note a relative by the keyed hash of their ID number, so that the person stands aside from that household's cases."""
    columns = relative_table.c
    known = connection.execute(
        select(columns.relation).where(columns.person_id == person_id, columns.id_hash == id_hash)
    ).scalar()
    if known is None:
        values = {"person_id": person_id, "id_hash": id_hash, "relation": relation, "declared_at": to_text(now)}
        connection.execute(relative_table.insert(), values)


def relatives_of(connection: Connection, person_id: int) -> frozenset[str]:
    """Return the keyed hashes of a person's declared relatives."""
    rows = connection.execute(select(relative_table.c.id_hash).where(relative_table.c.person_id == person_id))
    return frozenset(rows.scalars())
