"""The made-up county: every post filled by people of their own, so that a case can walk from the village to the province."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from engine.demonstration import COUNTY, TOWN, VILLAGE, build_county
from engine.instants import local_date
from engine.model import household, member, person, post, region, relative
from engine.people.levels import Level
from engine.people.organisation import Organisation
from engine.people.posts import actor, holders
from engine.people.regions import Regions
from engine.register.households import kin_of
from engine.settings import Settings


@pytest.fixture(scope="module")
def organisation():
    return Organisation.from_folder(Settings.from_environment().workflows)


@pytest.fixture
def build(organisation, keyring, clock):
    def make(connection, **more):
        sizes = {"towns": 2, "villages_per_town": 2, "households": 40} | more
        return build_county(
            connection,
            organisation=organisation,
            regions=Regions(),
            person_hash=keyring.person_hash,
            now=clock(),
            **sizes,
        )

    return make


def test_a_small_county_has_the_places_asked_for_with_the_known_village_first(database, build):
    with database.transaction() as connection:
        county = build(connection)
        assert county.towns[0] == TOWN
        assert county.villages[0] == VILLAGE
        assert (len(county.towns), len(county.villages), len(county.household_nos)) == (2, 4, 40)
        codes = set(connection.execute(select(region.c.code)).scalars())
        assert codes == {"44", "4414", COUNTY, *county.towns, *county.villages}
        assert connection.execute(select(func.count()).select_from(household)).scalar_one() == 40


def test_every_post_a_process_may_name_is_filled_at_every_body(database, build, organisation, clock):
    with database.transaction() as connection:
        county = build(connection)
        today = local_date(clock())
        for role in organisation.roles.values():
            if role.level is Level.VILLAGE and role.code not in {"VIL_CLERK", "VIL_SECRETARY"}:
                continue
            places = {
                Level.PROVINCE: ("44",),
                Level.CITY: ("4414",),
                Level.COUNTY: (COUNTY,),
                Level.TOWNSHIP: county.towns,
                Level.VILLAGE: county.villages,
            }[role.level]
            for place in places:
                expected = 1 if role.level is Level.VILLAGE else 2
                found = holders(connection, role.code, place, today)
                assert len(found) == expected, (role.code, place)
                assert found[0].person_id == county.holder(role.code, place).person_id


def test_nobody_holds_two_posts_and_no_two_people_are_one_person(database, build):
    with database.transaction() as connection:
        county = build(connection)
        assert len({one.person_id for one in county.staff}) == len(county.staff)
        assert len({one.id_hash for one in county.staff}) == len(county.staff)
        assert connection.execute(select(func.count()).select_from(post)).scalar_one() == len(county.staff)
        staff = {one.id_hash for one in county.staff}
        assert staff.isdisjoint(connection.execute(select(member.c.id_hash)).scalars())


def test_every_one_of_them_can_act_and_none_can_log_in(database, build, organisation, clock):
    with database.transaction() as connection:
        county = build(connection)
        for one in county.staff:
            acting = actor(connection, one.person_id, one.post_id, local_date(clock()), organisation=organisation)
            assert (acting.role, acting.region_code, acting.name) == (one.role, one.region_code, one.name)
        assert set(connection.execute(select(person.c.password_hash)).scalars()) == {"!"}


def test_in_each_town_the_second_officer_must_stand_aside_from_one_household_and_the_first_from_none(database, build):
    with database.transaction() as connection:
        county = build(connection)
        for town in county.towns:
            first, second = county.holders("TWN_CIVIL", town)
            kin = kin_of(connection, county.households_in(town)[0])
            rows = connection.execute(select(relative.c.person_id, relative.c.id_hash))
            declared = {row.person_id: row.id_hash for row in rows}
            assert declared[second.person_id] in kin
            assert first.person_id not in declared


def test_one_seed_makes_the_same_county_in_either_database(sqlite_database, postgresql_database, build):
    made = []
    for database in (sqlite_database, postgresql_database):
        with database.transaction() as connection:
            made.append(build(connection))
    assert made[0] == made[1]


def test_who_is_asked_for_and_not_there_is_told(sqlite_database, build):
    with sqlite_database.transaction() as connection:
        county = build(connection, towns=1, villages_per_town=1, households=3)
    with pytest.raises(KeyError):
        county.holder("TWN_CIVIL", "441424100")
    assert county.holders("NO_SUCH_ROLE") == ()
    assert set(county.households_in(TOWN)) == set(county.household_nos)
