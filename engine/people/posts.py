"""Posts: who holds which role where, from which day to which day; and the actor that a person in a post becomes.

A post is never changed, it ends: what somebody signed in it must still be explained years later. Its body's name is written into the
row when it is given, since bodies get renamed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, select

from engine.errors import Invalid, Message, NotFound
from engine.model import person as person_table
from engine.model import post as post_table
from engine.people.actor import Actor
from engine.people.levels import Level
from engine.people.persons import relatives_of

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from engine.people.organisation import Organisation
    from engine.people.regions import Regions


@dataclass(frozen=True, slots=True)
class Post:
    """One of a person's posts."""

    id: int
    role: str
    title: Message
    region_code: str
    body: str
    from_date: str
    to_date: str | None

    @property
    def level(self) -> Level:
        """The level of government of the post's jurisdiction."""
        return Level.of_region(self.region_code)


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who holds a role in a place."""

    person_id: int
    post_id: int
    name: str
    staff_no: str
    body: str


def give_post(
    connection: Connection,
    *,
    organisation: Organisation,
    regions: Regions,
    person_id: int,
    role: str,
    region_code: str,
    from_date: date,
) -> int:
    """Give a person a post and return its number; Invalid when the role is none or does not exist at that place's level."""
    known = organisation.roles.get(role)
    if known is None:
        raise Invalid(
            Message(f"没有岗位 {role}", f"Expected a role of {len(organisation.roles)} known ones, found {role!r}")
        )
    if len(region_code) != known.level.digits:
        raise Invalid(
            Message(
                f"{known.title.zh}是{known.level.lane}岗位，地区代码 {region_code} 不是{known.level.lane}",
                f"Expected a {known.level.name.lower()} for {known.title.en}, found region {region_code}",
            )
        )
    place = regions.find(connection, region_code)
    values = {
        "person_id": person_id,
        "role": role,
        "region_code": region_code,
        "body": known.body_in(place.short_name).zh,
        "from_date": from_date.isoformat(),
    }
    return int(connection.execute(post_table.insert().returning(post_table.c.id), values).scalar_one())


def end_post(connection: Connection, post_id: int, *, last_day: date) -> None:
    """Let a post end with a day; it keeps explaining what was done in it before."""
    connection.execute(post_table.update().where(post_table.c.id == post_id).values(to_date=last_day.isoformat()))


def posts_of(connection: Connection, organisation: Organisation, person_id: int, on_day: date) -> tuple[Post, ...]:
    """Return the posts a person holds on a day, in the order they were given."""
    statement = select(post_table).where(post_table.c.person_id == person_id, _runs(on_day)).order_by(post_table.c.id)
    return tuple(
        Post(row.id, row.role, organisation.title(row.role), row.region_code, row.body, row.from_date, row.to_date)
        for row in connection.execute(statement)
    )


def holders(connection: Connection, role: str, region_code: str, on_day: date) -> tuple[Holder, ...]:
    """Return who holds a role in exactly this place on a day, and is not deactivated."""
    columns = post_table.c
    statement = (
        select(
            person_table.c.id, columns.id.label("post_id"), person_table.c.name, person_table.c.staff_no, columns.body
        )
        .join(person_table, person_table.c.id == columns.person_id)
        .where(
            columns.role == role,
            columns.region_code == region_code,
            _runs(on_day),
            person_table.c.deactivated_at.is_(None),
        )
        .order_by(columns.id)
    )
    return tuple(Holder(*row) for row in connection.execute(statement))


def actor(connection: Connection, person_id: int, post_id: int, today: date, *, organisation: Organisation) -> Actor:
    """Return a person acting in one of their posts today; NotFound when the post is not theirs, has ended or they were deactivated."""
    columns = post_table.c
    statement = (
        select(
            person_table.c.id_hash,
            person_table.c.name,
            person_table.c.staff_no,
            columns.role,
            columns.region_code,
            columns.body,
        )
        .join(person_table, person_table.c.id == columns.person_id)
        .where(
            columns.id == post_id, columns.person_id == person_id, _runs(today), person_table.c.deactivated_at.is_(None)
        )
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise NotFound(
            Message("您没有这个岗位，或任期已结束", "Expected one of your current posts, found none of that number")
        )
    title = organisation.title(row.role)
    return Actor(
        person_id=person_id,
        person_hash=row.id_hash,
        name=row.name,
        staff_no=row.staff_no,
        post_id=post_id,
        role=row.role,
        title_zh=title.zh,
        title_en=title.en,
        region_code=row.region_code,
        body=row.body,
        relatives=relatives_of(connection, person_id),
    )


def _runs(on_day: date) -> ColumnElement[bool]:
    day = on_day.isoformat()
    columns = post_table.c
    return (columns.from_date <= day) & (columns.to_date.is_(None) | (columns.to_date >= day))
