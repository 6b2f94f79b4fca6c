"""Importing a workbook: everything right is written once; anything wrong is named by sheet, row and column and nothing is written."""

from __future__ import annotations

import random
import zipfile
from datetime import UTC, date, datetime

import pytest
import xlsxwriter
from sqlalchemy import func, select

from engine.model import household, member
from engine.people.regions import RegionTable, load_regions, read_table
from engine.register.households import find_household, find_households
from engine.register.id_numbers import compose
from engine.register.importing import import_households
from engine.register.workbook import (
    HOUSEHOLD_COLUMNS,
    HOUSEHOLDS,
    MEMBER_COLUMNS,
    MEMBERS,
    BadWorkbook,
    read_workbook,
    write_template,
)

TODAY = date(2018, 11, 29)
VILLAGE = "441424104233"
CARD = "6217000000000000020"


def household_row(number="441424104-0217", **more):
    row = dict.fromkeys(HOUSEHOLD_COLUMNS, "")
    row |= {
        "户编号": number,
        "村代码": VILLAGE,
        "村民小组": "三组",
        "户类别": "建档立卡",
        "登记日期": date(2016, 6, 30),
    }
    return row | {"联系电话": "19900001234", "开户行": "农村商业银行", "一卡通账号": CARD, "致贫原因": "因病"} | more


def member_row(number="441424104-0217", relation="户主", order=400, **more):
    row = dict.fromkeys(MEMBER_COLUMNS, "")
    id_no = compose("441424", date(1965, 3, 8), order, sex="F")
    row |= {"户编号": number, "姓名": "曾秀英", "与户主关系": relation, "证件号码": id_no, "健康状况": "大病"}
    return row | {"是否参保": "是", "参保日期": date(2017, 1, 1)} | more


def write_workbook(path, households=None, members=None, *, sheets=(HOUSEHOLDS, MEMBERS), columns=None):
    """Write a workbook as a spreadsheet program would: days as days, text as text, numbers as numbers."""
    content = {HOUSEHOLDS: households or [], MEMBERS: members or []}
    usual = {HOUSEHOLDS: HOUSEHOLD_COLUMNS, MEMBERS: MEMBER_COLUMNS} | (columns or {})
    with xlsxwriter.Workbook(str(path), {"remove_timezone": True}) as workbook:
        day = workbook.add_format({"num_format": "yyyy-mm-dd"})
        for sheet in sheets:
            page = workbook.add_worksheet(sheet)
            page.write_row(0, 0, usual[sheet])
            for line, row in enumerate(content[sheet], start=1):
                for place, column in enumerate(usual[sheet]):
                    cell = row.get(column, "")
                    if isinstance(cell, date):
                        page.write_datetime(line, place, datetime(cell.year, cell.month, cell.day, tzinfo=UTC), day)
                    elif isinstance(cell, str):
                        page.write_string(line, place, cell)
                    else:
                        page.write(line, place, cell)


@pytest.fixture
def office(database, keyring, tmp_path):
    """Return a way to write a workbook and import it into a register that knows 华城镇."""
    table = read_table()
    rows = tuple(
        place for place in table.rows if place.code.startswith(("441424104", "441424100")) or len(place.code) < 9
    )

    class Office:
        def __init__(self):
            self.path = tmp_path / "households.xlsx"

        def write(self, households=None, members=None, **more):
            write_workbook(self.path, households, members, **more)

        def run(self, **more):
            with database.transaction() as connection:
                load_regions(connection, RegionTable(rows, table.source, table.licence, table.as_of))
                options = {"scope": "441424", "today": TODAY} | more
                return import_households(connection, self.path, person_hash=keyring.person_hash, **options)

        def count(self):
            with database.reading() as connection:
                return tuple(
                    connection.execute(select(func.count()).select_from(table)).scalar_one()
                    for table in (household, member)
                )

        def faults(self, **more):
            report = self.run(**more)
            assert not report.written
            assert self.count() == (0, 0)
            return [(problem.sheet, problem.row, problem.column) for problem in report.problems]

        def find(self, number):
            with database.reading() as connection:
                return find_household(connection, number, scope="44"), find_households(connection, "zxy", scope="44")

    return Office()


def test_a_right_workbook_is_written_whole(office):
    son = member_row(
        relation="之子", order=401, 姓名="李家豪", 证件号码=compose("441424", date(1990, 1, 1), 401, sex="M")
    )
    office.write([household_row()], [son, member_row()])
    report = office.run()
    assert (report.households, report.members, report.problems, report.written) == (1, 2, (), True)
    found, by_initials = office.find("441424104-0217")
    assert (found.head_name, found.head_initials, found.category, found.status) == ("曾秀英", "zxy", "JD", "REGISTERED")
    assert [(one.person_no, one.name) for one in found.members] == [
        ("441424104-0217-01", "曾秀英"),
        ("441424104-0217-02", "李家豪"),
    ]
    assert found.categories_on(date(2016, 6, 30)) == ("JD",)
    assert found.head.was_insured_on(date(2017, 1, 1))
    assert not found.head.was_insured_on(date(2016, 12, 31))
    assert [row.household_no for row in by_initials] == ["441424104-0217"]
    assert not found.test_data


def test_a_dry_run_tells_the_same_and_writes_nothing(office):
    office.write([household_row()], [member_row()])
    report = office.run(dry_run=True)
    assert (report.households, report.members, report.problem_count, report.written) == (1, 1, 0, False)
    assert office.count() == (0, 0)


def test_importing_twice_is_refused_and_changes_nothing(office):
    office.write([household_row()], [member_row()])
    assert office.run().written
    report = office.run()
    assert [(problem.sheet, problem.column) for problem in report.problems] == [
        (HOUSEHOLDS, "户编号"),
        (MEMBERS, "证件号码"),
    ]
    assert office.count() == (1, 1)


def test_every_fault_is_named_by_sheet_row_and_column_and_one_is_enough_to_write_nothing(office):
    households = [
        household_row("441424104-0001"),
        household_row("441424104-0002", 村代码="441424104999"),
        household_row("441424104-0003", 户类别="富裕"),
        household_row("441424104-0004", 登记日期="去年"),
        household_row("441424104-0004"),
        household_row("441424104-0005", 一卡通账号="123"),
        household_row("441424104-0006", 村代码="440103001101"),
        household_row("441424104-0007", 致贫原因="不详", 登记日期=date(2018, 11, 30)),
        household_row(""),
    ]
    members = [member_row(f"441424104-000{n}", order=410 + n) for n in range(1, 8)]
    members[0]["证件号码"] = "441882197001010029"
    members[1]["是否参保"] = "也许"
    members[2]["证件号码"] = members[3]["证件号码"]
    members[4]["户编号"] = "441424104-9999"
    members[5] |= {"姓名": "", "死亡日期": date(2019, 1, 1)}
    office.write(households, members)
    assert office.faults() == [
        (HOUSEHOLDS, 3, "村代码"),
        (HOUSEHOLDS, 4, "户类别"),
        (HOUSEHOLDS, 5, "登记日期"),
        (HOUSEHOLDS, 6, "户编号"),
        (HOUSEHOLDS, 7, "一卡通账号"),
        (HOUSEHOLDS, 7, "户编号"),
        (HOUSEHOLDS, 8, "村代码"),
        (HOUSEHOLDS, 9, "致贫原因"),
        (HOUSEHOLDS, 9, "登记日期"),
        (HOUSEHOLDS, 10, "户编号"),
        (HOUSEHOLDS, 10, "户编号"),
        (MEMBERS, 2, "证件号码"),
        (MEMBERS, 3, "是否参保"),
        (MEMBERS, 5, "证件号码"),
        (MEMBERS, 6, "户编号"),
        (MEMBERS, 7, "姓名"),
        (MEMBERS, 7, "死亡日期"),
    ]


def test_a_fault_says_what_to_do_in_both_languages(office):
    office.write([household_row()], [member_row(证件号码="441882197001010029")])
    problem = office.run().problems[0]
    assert str(problem) == "成员 2 证件号码: 第 18 位应为 8，现为 9 / Expected the 18th character to be 8, found 9"


def test_digits_a_spreadsheet_has_lost_are_refused_and_not_repaired(office):
    office.write([household_row(一卡通账号=6217000000000000020)], [member_row(证件号码=440229195503150317)])
    assert office.faults() == [(HOUSEHOLDS, 2, "一卡通账号"), (MEMBERS, 2, "证件号码")]


def test_codes_that_a_spreadsheet_kept_as_numbers_are_read_where_nothing_is_lost(office):
    office.write([household_row(村代码=441424104233, 联系电话=19900001234)], [member_row()])
    assert office.run().written
    assert office.find("441424104-0217")[0].phone == "19900001234"


def test_nobody_belongs_to_two_households(office):
    office.write([household_row()], [member_row()])
    assert office.run().written
    office.write([household_row("441424104-0218")], [member_row("441424104-0218")])
    report = office.run()
    assert [(problem.row, problem.column) for problem in report.problems] == [(2, "证件号码")]
    assert "X10" in report.problems[0].reason.zh


def test_a_household_needs_exactly_one_head(office):
    office.write(
        [household_row("441424104-0001"), household_row("441424104-0002")],
        [
            member_row("441424104-0001", relation="配偶", order=401),
            member_row("441424104-0002", order=402),
            member_row("441424104-0002", order=403),
        ],
    )
    assert office.faults() == [(HOUSEHOLDS, 2, "户编号"), (MEMBERS, 4, "与户主关系")]


def test_columns_may_stand_in_any_order_and_unknown_ones_are_left_alone(office):
    shuffled = [*HOUSEHOLD_COLUMNS, "备注"]
    random.Random(1).shuffle(shuffled)
    office.write([household_row()], [member_row()], columns={HOUSEHOLDS: shuffled})
    assert office.run().written


def test_a_missing_sheet_or_column_is_told_by_name(office):
    office.write([household_row()], sheets=(HOUSEHOLDS,))
    with pytest.raises(BadWorkbook, match=MEMBERS):
        office.run()
    office.write(
        [household_row()], [member_row()], columns={MEMBERS: [name for name in MEMBER_COLUMNS if name != "证件号码"]}
    )
    with pytest.raises(BadWorkbook, match="证件号码"):
        office.run()


def test_a_file_that_is_no_workbook_is_refused(tmp_path):
    path = tmp_path / "households.xlsx"
    for content in (b"", b"hello", b"PK\x03\x04" + bytes(500), b"\xd0\xcf\x11\xe0" + bytes(500)):
        path.write_bytes(content)
        with pytest.raises(BadWorkbook):
            read_workbook(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    with pytest.raises(BadWorkbook):
        read_workbook(path)


def test_a_workbook_that_swells_when_unpacked_is_refused_unread(tmp_path):
    path = tmp_path / "households.xlsx"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as entry,
    ):
        for _ in range(210):
            entry.write(bytes(1024 * 1024))
    with pytest.raises(BadWorkbook, match="larger unpacked"):
        read_workbook(path)


def test_an_empty_workbook_writes_nothing(office):
    office.write()
    report = office.run()
    assert (report.households, report.problem_count, report.written) == (0, 0, False)


def test_text_no_database_takes_is_a_fault_and_no_accident(office):
    office.write([household_row(村民小组="三\x07组")], [member_row(姓名="曾" * 31)])
    assert (MEMBERS, 2, "姓名") in office.faults()


def test_the_template_has_the_headings_that_importing_looks_for(office):
    write_template(office.path)
    assert read_workbook(office.path) == {HOUSEHOLDS: [], MEMBERS: []}
