"""Finding households: by whatever one knows of them, within one's jurisdiction and never beyond."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import insert, select

from engine.demonstration import build_county
from engine.errors import Invalid, NotFound
from engine.model import household, ledger_entry, member
from engine.people.organisation import Organisation
from engine.people.regions import Regions
from engine.register.households import find_household, find_households, kin_of, paid_in_year
from engine.settings import Settings

COUNTY, TOWN, OTHER_TOWN, VILLAGE = "441424", "441424104", "441424100", "441424104233"


@pytest.fixture
def county(database, keyring):
    """Return a connection to a county of two towns and 60 households, and what was made."""
    with database.transaction() as connection:
        made = build_county(
            connection,
            organisation=Organisation.from_folder(Settings.from_environment().workflows),
            regions=Regions(),
            person_hash=keyring.person_hash,
            now=datetime(2018, 11, 29, 2, 42, tzinfo=UTC),
            towns=2,
            villages_per_town=2,
            households=60,
        )
        yield connection, made


def numbers(rows):
    return [row.household_no for row in rows]


def someone(connection, **more):
    """Return the rows of a household with several members in 新亨村."""
    statement = select(household).where(household.c.region_code == VILLAGE, household.c.member_count > 2)
    row = connection.execute(statement.order_by(household.c.household_no)).first()
    people = connection.execute(select(member).where(member.c.household_no == row.household_no)).all()
    return row, people


def test_everything_that_one_may_know_of_a_household_finds_it(county):
    connection, _ = county
    row, people = someone(connection)
    queries = [
        row.head_name,
        row.head_name[1:],
        row.head_initials,
        row.head_initials.upper(),
        row.head_initials[:2],
        row.household_no,
        row.household_no[:11],
        row.phone,
        row.phone[-4:],
        people[1].name,
        people[1].id_no,
        people[1].id_no.lower(),
        people[1].id_last4,
        "新亨",
        VILLAGE,
        "",
        f"  {row.head_name} ",
    ]
    for query in queries:
        assert row.household_no in numbers(find_households(connection, query, scope=VILLAGE, limit=100)), query


def test_the_best_fit_comes_first_and_tells_by_whom_it_was_found(county):
    connection, _ = county
    row, people = someone(connection)
    first = find_households(connection, row.head_name, scope=COUNTY)[0]
    assert (first.head_name, first.matched_member) == (row.head_name, "")
    other = next(one for one in people if one.relation != "户主")
    found = next(
        one for one in find_households(connection, other.id_no, scope=COUNTY) if one.household_no == row.household_no
    )
    assert found.matched_member == other.name


def test_a_list_never_shows_a_whole_id_number(county):
    connection, made = county
    rows = find_households(connection, "", scope=COUNTY, limit=100)
    assert len(rows) == len(made.household_nos)
    ids = set(connection.execute(select(member.c.id_no)).scalars())
    for row in rows:
        assert row.head_id_masked.count("*") == 10
        assert not any(number in repr(row) for number in ids)


def test_nothing_outside_the_jurisdiction_is_found_by_any_means(county):
    connection, made = county
    row, people = someone(connection)
    for query in (
        "",
        row.head_name,
        row.head_initials,
        row.household_no,
        row.phone,
        people[0].id_no,
        people[0].id_last4,
        "新亨",
        VILLAGE,
        "%",
        "44",
    ):
        found = find_households(connection, query, scope=OTHER_TOWN, limit=1000)
        assert row.household_no not in numbers(found), query
        assert all(one.region_code.startswith(OTHER_TOWN) for one in found)
    with pytest.raises(NotFound):
        find_household(connection, row.household_no, scope=OTHER_TOWN)
    assert set(numbers(find_households(connection, "", scope=TOWN, limit=1000))) == set(made.households_in(TOWN))


def test_a_page_follows_the_other_without_gap_or_repetition(county):
    connection, made = county
    pages = [find_households(connection, "", scope=COUNTY, limit=25, offset=offset) for offset in (0, 25, 50)]
    assert [len(page) for page in pages] == [25, 25, 10]
    assert sorted(number for page in pages for number in numbers(page)) == sorted(made.household_nos)


def test_a_mistyped_id_number_is_answered_with_what_is_wrong(county):
    connection, _ = county
    _, people = someone(connection)
    wrong = people[0].id_no[:-1] + ("1" if people[0].id_no[-1] != "1" else "2")
    with pytest.raises(Invalid) as refusal:
        find_households(connection, wrong, scope=COUNTY)
    assert refusal.value.message.zh.startswith("第 18 位应为")


def test_a_whole_id_number_finds_nobody_who_only_shares_its_end(county):
    connection, _ = county
    row, people = someone(connection)
    other = connection.execute(select(member).where(member.c.household_no != row.household_no)).first()
    connection.execute(member.update().where(member.c.person_no == other.person_no).values(id_last4=people[0].id_last4))
    assert numbers(find_households(connection, people[0].id_no, scope=COUNTY)) == [row.household_no]
    assert other.household_no in numbers(find_households(connection, people[0].id_last4, scope=COUNTY))


def test_odd_text_finds_nothing_and_breaks_nothing(county):
    connection, _ = county
    for query in ("%", "_", "\\", "' or 1=1 --", "\x00", "😀", "a" * 5000, "-", "0" * 13, "\ud83d"):
        found = find_households(connection, query, scope=COUNTY)
        assert found == () or query in {"\x00", "\ud83d"}, query
    for number in ("\x00", "\ud83d", "", "a" * 5000):
        with pytest.raises(NotFound):
            find_household(connection, number, scope=COUNTY)


def test_a_household_is_told_with_its_members_head_first(county):
    connection, _ = county
    row, people = someone(connection)
    found = find_household(connection, row.household_no, scope=VILLAGE)
    assert (found.head.name, found.head.relation) == (row.head_name, "户主")
    assert [one.person_no for one in found.members] == sorted(one.person_no for one in people)
    assert found.member(people[1].person_no).id_no == people[1].id_no
    assert people[0].id_no not in repr(found)
    with pytest.raises(NotFound):
        found.member("nobody")


def test_kin_are_all_members_by_their_hashes(county):
    connection, _ = county
    row, people = someone(connection)
    assert kin_of(connection, row.household_no) == {one.id_hash for one in people}


def test_the_category_is_that_of_the_day_asked_for(county):
    connection, _ = county
    row, people = someone(connection)
    details = '{"categories":[{"code":"JD","from":"2016-06-30","to":"2018-03-31"},{"code":"DB","from":"2018-04-01","to":null}]}'
    connection.execute(
        household.update().where(household.c.household_no == row.household_no).values(details=details, category="DB")
    )
    own = '{"categories":[{"code":"TK","from":"2018-06-01","to":"2018-06-30"}]}'
    connection.execute(member.update().where(member.c.person_no == people[0].person_no).values(details=own))
    found = find_household(connection, row.household_no, scope=VILLAGE)
    assert found.categories_on(date(2016, 6, 29)) == ()
    assert found.categories_on(date(2016, 6, 30)) == ("JD",)
    assert found.categories_on(date(2018, 3, 31)) == ("JD",)
    assert found.categories_on(date(2018, 4, 1)) == ("DB",)
    assert found.categories_on(date(2018, 6, 15), people[0].person_no) == ("TK", "DB")
    assert found.categories_on(date(2018, 6, 15), people[1].person_no) == ("DB",)
    assert found.categories_on(date(2018, 7, 1), people[0].person_no) == ("DB",)


def test_what_was_paid_counts_by_person_kind_and_year(county):
    connection, _ = county
    _, people = someone(connection)
    entries = [
        (people[0].person_no, "MEDICAL", 2018, 1_087_122),
        (people[0].person_no, "MEDICAL", 2018, 1_000),
        (people[0].person_no, "MEDICAL", 2017, 5),
        (people[0].person_no, "HOUSING", 2018, 7),
        (people[1].person_no, "MEDICAL", 2018, 11),
        (people[0].person_no, "MEDICAL", 2018, None),
    ]
    for person_no, kind, year, amount in entries:
        connection.execute(
            insert(ledger_entry).values(
                household_no=people[0].household_no,
                person_no=person_no,
                kind=kind,
                amount_fen=amount,
                year=year,
                effective_on="2018-05-01",
                recorded_at="2018-05-01T00:00:00.000000Z",
            )
        )
    assert paid_in_year(connection, people[0].person_no, kind="MEDICAL", year=2018) == 1_088_122
    assert paid_in_year(connection, people[0].person_no, kind="MEDICAL", year=2019) == 0
