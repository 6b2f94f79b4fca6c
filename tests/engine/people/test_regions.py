"""Places: what is loaded, how a code is a prefix also where there are no counties, and how a place is called."""

from __future__ import annotations

import gzip

import pytest
from sqlalchemy import func, select

from engine.errors import NotFound
from engine.model import region
from engine.people.levels import Level
from engine.people.regions import (
    Region,
    Regions,
    RegionTable,
    children,
    in_region,
    load_regions,
    place_name,
    places_within,
    read_table,
)

# DOMAIN.md D1.
CITIES = {
    "4401": "广州市", "4402": "韶关市", "4403": "深圳市", "4404": "珠海市", "4405": "汕头市", "4406": "佛山市", "4407": "江门市",
    "4408": "湛江市", "4409": "茂名市", "4412": "肇庆市", "4413": "惠州市", "4414": "梅州市", "4415": "汕尾市", "4416": "河源市",
    "4417": "阳江市", "4418": "清远市", "4419": "东莞市", "4420": "中山市", "4451": "潮州市", "4452": "揭阳市", "4453": "云浮市",
}  # fmt: skip


def some_places():
    """Return 五华县 with one town, and 东莞市, without the other 28,000."""
    table = read_table()
    prefixes = ("441424104", "441900003")
    wanted = {"44", "4414", "441424", "4419"}
    rows = tuple(place for place in table.rows if place.code in wanted or place.code.startswith(prefixes))
    return RegionTable(rows, table.source, table.licence, table.as_of)


def test_the_table_has_the_21_cities_and_every_level_in_the_expected_numbers():
    table = read_table()
    by_level = {level: [place for place in table.rows if place.level is level] for level in Level}
    assert {place.code: place.name for place in by_level[Level.CITY]} == CITIES
    assert [place.name for place in by_level[Level.PROVINCE]] == ["广东省"]
    assert len(by_level[Level.COUNTY]) == 122
    assert len(by_level[Level.TOWNSHIP]) == 1757
    assert len(by_level[Level.VILLAGE]) == 26842


def test_every_code_begins_with_its_parents_code_and_every_parent_is_there():
    rows = read_table().rows
    codes = {place.code for place in rows}
    assert len(codes) == len(rows)
    for place in rows:
        if place.code != "44":
            assert place.parent in codes
            assert place.code.startswith(place.parent)


def test_the_table_says_where_it_comes_from_and_of_which_day_it_speaks():
    table = read_table()
    assert "国家统计局" in table.source
    assert table.as_of == "2023-06-30"


def test_a_city_without_counties_has_its_towns_as_children_and_no_row_between():
    rows = {place.code: place for place in read_table().rows}
    assert "441900" not in rows
    assert "442000" not in rows
    assert rows["441900003"].parent == "4419"
    assert rows["442000001"].parent == "4420"


def test_loading_fills_an_empty_table_and_a_second_time_changes_nothing(sqlite_database):
    with sqlite_database.transaction() as connection:
        assert load_regions(connection) == len(read_table().rows)
    with sqlite_database.transaction() as connection:
        assert load_regions(connection) == 0
        assert connection.execute(select(func.count()).select_from(region)).scalar_one() == len(read_table().rows)


def test_a_place_that_was_renamed_gets_its_new_name_and_none_is_removed(database):
    table = some_places()
    with database.transaction() as connection:
        load_regions(connection, table)
        renamed = tuple(
            Region(place.code, "新名镇", place.parent) if place.code == "441424104" else place
            for place in table.rows[:-1]
        )
        assert load_regions(connection, RegionTable(renamed, "新的一期", "", "2024-06-30")) == 1
        row = connection.execute(select(region).where(region.c.code == "441424104")).one()
        assert (row.name, row.source, row.as_of) == ("新名镇", "新的一期", "2024-06-30")
        assert connection.execute(select(func.count()).select_from(region)).scalar_one() == len(table.rows)


def test_a_village_is_called_from_its_county_down(database):
    with database.transaction() as connection:
        load_regions(connection, some_places())
        regions = Regions()
        assert regions.path_name(connection, "441424104233") == "五华县 华城镇 新亨村"
        assert place_name(connection, "441424104233") == "五华县 华城镇 新亨村"
        assert (
            regions.path_name(connection, "441424104233", since=Level.PROVINCE) == "广东省 梅州市 五华县 华城镇 新亨村"
        )
        assert regions.path_name(connection, "4414") == place_name(connection, "4414") == "梅州市"


def test_cutting_any_code_to_any_level_gives_a_place_with_a_name_also_in_dongguan(database):
    with database.transaction() as connection:
        load_regions(connection, some_places())
        regions = Regions()
        village = places_within(connection, "441900003", Level.VILLAGE)[0].code
        names = [regions.find(connection, level.region_of(village)).name for level in Level]
        assert names[2:] == ["东莞市", "东莞市", "广东省"]
        assert regions.path_name(connection, village).startswith("东莞市 东城街道 ")
        assert regions.find(connection, "441900").code == "4419"
        assert [place.code for place in children(connection, "4419")] == ["441900003"]


def test_a_code_that_is_no_place_is_not_found(database):
    with database.transaction() as connection:
        load_regions(connection, some_places())
        for code in ("45", "441425", "441424999", "x", "", "441424104999", "4419000"):
            with pytest.raises(NotFound):
                Regions().find(connection, code)


def test_a_range_of_codes_holds_exactly_what_begins_with_the_prefix(database):
    table = some_places()
    with database.transaction() as connection:
        load_regions(connection, table)
        for scope in ("44", "4414", "441424", "441424104", "441424104233", "4419", "441900"):
            found = connection.execute(select(region.c.code).where(in_region(region.c.code, scope))).scalars()
            assert sorted(found) == sorted(place.code for place in table.rows if place.code.startswith(scope))


def test_a_scope_that_is_no_code_cannot_become_a_condition():
    with pytest.raises(ValueError, match="region code"):
        in_region(region.c.code, "44' or 1=1 --")


@pytest.mark.parametrize(
    ("official", "said"),
    [
        ("新亨村委会", "新亨村"),
        ("新亨村村委会", "新亨村"),
        ("新亨村民委员会", "新亨村"),
        ("东区社区居委会", "东区社区"),
        ("翠洲社区居民委员会", "翠洲社区"),
        ("新城居委会", "新城社区"),
        ("黄狮新村村委会", "黄狮新村"),
    ],
)
def test_a_village_is_called_by_its_place_and_not_by_its_committee(official, said):
    assert Region("441424104233", official, "441424104").short_name == said


def test_a_town_keeps_its_name_whatever_it_is():
    assert Region("441424104", "居委会", "441424").short_name == "居委会"


def test_the_table_can_be_read_from_other_bytes_in_the_same_form():
    text = "# source: 一\n# licence: 二\n# as_of: 2020-01-01\ncode,name,parent\n44,广东省,\n4414,梅州市,44\n"
    table = read_table(gzip.compress(text.encode()))
    assert table.rows == (Region("44", "广东省", ""), Region("4414", "梅州市", "44"))
    assert (table.source, table.as_of) == ("一", "2020-01-01")
