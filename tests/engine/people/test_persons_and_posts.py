"""Persons and posts: one row a natural person, posts that begin and end, and the actor they lead to."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from engine.errors import Invalid, NotFound
from engine.model import person
from engine.people.levels import Level
from engine.people.organisation import Organisation
from engine.people.persons import create_person, deactivate, declare_relative, find_person, relatives_of
from engine.people.posts import actor, end_post, give_post, holders, posts_of
from engine.people.regions import Regions, RegionTable, load_regions, read_table
from engine.settings import Settings

TODAY = date(2018, 11, 29)


@pytest.fixture(scope="module")
def organisation():
    return Organisation.from_folder(Settings.from_environment().workflows)


@pytest.fixture
def office(database, organisation, clock, keyring):
    """Return a way to employ people in 华城镇 and above, on an open transaction."""
    table = read_table()
    wanted = {"44", "4414", "441424", "441424104", "441424104233", "4419"}
    rows = tuple(place for place in table.rows if place.code in wanted)

    class Office:
        def __init__(self, connection):
            self.connection = connection
            self.regions = Regions()

        def person(self, staff_no, name="张明华", id_no=None):
            id_hash = keyring.person_hash(id_no or staff_no)
            return create_person(self.connection, staff_no=staff_no, name=name, id_hash=id_hash, now=clock())

        def post(self, person_id, role, region_code, from_date=date(2018, 1, 1)):
            return give_post(
                self.connection,
                organisation=organisation,
                regions=self.regions,
                person_id=person_id,
                role=role,
                region_code=region_code,
                from_date=from_date,
            )

        def actor(self, person_id, post_id, today=TODAY):
            return actor(self.connection, person_id, post_id, today, organisation=organisation)

    with database.transaction() as connection:
        load_regions(connection, RegionTable(rows, table.source, table.licence, table.as_of))
        yield Office(connection)


def test_a_new_person_cannot_log_in_until_a_password_is_issued(office):
    number = office.person("zmh-01")
    row = office.connection.execute(select(person).where(person.c.id == number)).one()
    assert row.password_hash == "!"
    assert find_person(office.connection, number).active


def test_one_natural_person_is_entered_once_even_under_another_staff_number(office):
    office.person("zmh-01", id_no="440229195503150317")
    with pytest.raises(Invalid, match="zmh-01"):
        office.person("zmh-02", id_no="440229195503150317")


def test_a_staff_number_is_given_once(office):
    office.person("zmh-01")
    with pytest.raises(Invalid):
        office.person("zmh-01", name="李明华", id_no="other")


def test_a_staff_number_has_a_plain_form(office):
    for staff_no in ("", "-a", "a b", "a" * 33, "工号", "a\x00", "a\n"):
        with pytest.raises(Invalid):
            office.person(staff_no)


def test_a_name_has_2_to_30_characters(office):
    for name in ("", "张", "张" * 31):
        with pytest.raises(Invalid):
            office.person("zmh-01", name=name)


def test_a_post_carries_the_name_its_body_had_when_it_was_given(office, organisation):
    number = office.person("zmh-01")
    office.post(number, "VIL_CLERK", "441424104233")
    post = posts_of(office.connection, organisation, number, TODAY)[0]
    assert (post.body, post.title.zh, post.level) == ("新亨村民委员会", "村扶贫专干", Level.VILLAGE)


def test_a_post_is_given_only_at_its_own_level(office):
    number = office.person("zmh-01")
    wrong = [("TWN_CIVIL", "441424"), ("VIL_CLERK", "441424104"), ("PRV_DEPT", "4414"), ("NO_SUCH_ROLE", "441424")]
    for role, region_code in wrong:
        with pytest.raises(Invalid):
            office.post(number, role, region_code)


def test_a_post_in_a_place_that_does_not_exist_is_refused(office):
    with pytest.raises(NotFound):
        office.post(office.person("zmh-01"), "CTY_CIVIL", "441499")


def test_a_county_post_may_be_given_in_a_city_without_counties(office):
    number = office.person("zmh-01")
    office.post(number, "CTY_CIVIL", "441900")
    assert holders(office.connection, "CTY_CIVIL", "441900", TODAY)[0].body == "东莞市民政局"


def test_a_post_holds_from_its_first_day_to_its_last_and_not_beyond(office, organisation):
    number = office.person("zmh-01")
    post_id = office.post(number, "TWN_CIVIL", "441424104", from_date=date(2018, 3, 1))
    end_post(office.connection, post_id, last_day=date(2018, 9, 30))

    def held(day):
        return [holder.post_id for holder in holders(office.connection, "TWN_CIVIL", "441424104", day)]

    assert [held(day) for day in (date(2018, 2, 28), date(2018, 3, 1), date(2018, 9, 30), date(2018, 10, 1))] == [
        [],
        [post_id],
        [post_id],
        [],
    ]
    assert posts_of(office.connection, organisation, number, date(2018, 10, 1)) == ()


def test_holders_are_those_of_exactly_this_body(office):
    number = office.person("zmh-01")
    office.post(number, "TWN_CIVIL", "441424104")
    assert [holder.person_id for holder in holders(office.connection, "TWN_CIVIL", "441424104", TODAY)] == [number]
    assert holders(office.connection, "TWN_CIVIL", "441424", TODAY) == ()
    assert holders(office.connection, "TWN_POV", "441424104", TODAY) == ()


def test_an_actor_is_the_person_the_post_and_the_declared_relatives(office, keyring):
    number = office.person("zmh-01", id_no="440229195503150317")
    post_id = office.post(number, "TWN_CIVIL", "441424104")
    for _ in range(2):
        declare_relative(office.connection, number, id_hash="a" * 64, relation="叔侄", now=date_time())
    found = office.actor(number, post_id)
    assert (found.name, found.role, found.region_code, found.body) == (
        "张明华",
        "TWN_CIVIL",
        "441424104",
        "华城镇民政办",
    )
    assert (found.title_zh, found.title_en, found.level) == ("镇民政办经办人", "Civil affairs officer", Level.TOWNSHIP)
    assert found.person_hash == keyring.person_hash("440229195503150317")
    assert found.relatives == relatives_of(office.connection, number) == {"a" * 64}


def test_nobody_acts_in_another_persons_post(office):
    mine, other = office.person("zmh-01"), office.person("lmh-02")
    post_id = office.post(other, "TWN_CIVIL", "441424104")
    with pytest.raises(NotFound):
        office.actor(mine, post_id)


def test_nobody_acts_in_a_post_that_has_not_begun_or_has_ended(office):
    number = office.person("zmh-01")
    post_id = office.post(number, "TWN_CIVIL", "441424104", from_date=TODAY)
    with pytest.raises(NotFound):
        office.actor(number, post_id, date(2018, 11, 28))
    end_post(office.connection, post_id, last_day=TODAY)
    assert office.actor(number, post_id).post_id == post_id
    with pytest.raises(NotFound):
        office.actor(number, post_id, date(2018, 11, 30))


def test_a_deactivated_person_holds_no_post_and_is_not_deleted(office, clock):
    number = office.person("zmh-01")
    post_id = office.post(number, "TWN_CIVIL", "441424104")
    deactivate(office.connection, number, now=clock())
    assert holders(office.connection, "TWN_CIVIL", "441424104", TODAY) == ()
    with pytest.raises(NotFound):
        office.actor(number, post_id)
    assert not find_person(office.connection, number).active


def test_an_unknown_person_is_not_found(office):
    with pytest.raises(NotFound):
        find_person(office.connection, 99)


def date_time():
    from datetime import UTC, datetime

    return datetime(2018, 11, 29, tzinfo=UTC)
