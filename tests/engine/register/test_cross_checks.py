"""Cross-checks: each code asked of the right tables, on the right day, and told under the names of the data dictionary."""

from __future__ import annotations

import json
from datetime import date

import pytest
from sqlalchemy import insert

from engine.errors import EngineError, Message, NotFound
from engine.model import household, member, settlement
from engine.register.cross_checks import (
    FLAG,
    OK,
    STOP,
    CheckResult,
    ask,
    cross_check,
    facts_of,
    normal_settlement_no,
)
from engine.register.id_numbers import compose
from engine.settings import Settings

TODAY = date(2018, 11, 29)
ID = compose("441424", date(1965, 3, 8), 400, sex="F")
HOUSEHOLD, PERSON, VILLAGE = "441424104-0217", "441424104-0217-01", "441424104233"
DATA = {
    "household_no": HOUSEHOLD,
    "person_no": PERSON,
    "patient_name": "曾秀英",
    "patient_id_no": ID,
    "admitted_on": "2018-09-10",
    "settlement_no": "JS-2018-0001",
}


@pytest.fixture
def checks(sqlite_database, keyring):
    """Return a function that changes the register or the claim and tells what the checks say then."""
    with sqlite_database.transaction() as connection:
        categories = [{"code": "JD", "from": "2016-06-30", "to": None}]
        connection.execute(
            insert(household).values(
                household_no=HOUSEHOLD,
                region_code=VILLAGE,
                village_group="三组",
                head_name="曾秀英",
                head_initials="zxy",
                category="JD",
                status="REGISTERED",
                member_count=1,
                details=json.dumps({"categories": categories}),
            )
        )
        connection.execute(
            insert(member).values(
                person_no=PERSON,
                household_no=HOUSEHOLD,
                name="曾秀英",
                relation="户主",
                id_no=ID,
                id_hash=keyring.person_hash(ID),
                id_last4=ID[-4:],
                birth_date="1965-03-08",
                sex="F",
                insured=True,
                details=json.dumps({"insured_from": "2017-01-01"}),
            )
        )

        def run(codes="X01 X03 X04 X12 X15", *, case_id=None, person=None, house=None, **data):
            if person:
                connection.execute(member.update().values(person))
            if house:
                connection.execute(household.update().values(house))
            question = ask(connection, DATA | data, region_code=VILLAGE, today=TODAY, case_id=case_id)
            return cross_check(connection, codes.split(), question)

        run.connection = connection
        yield run


def test_a_claim_in_order_passes_every_check(checks):
    results = checks()
    assert {code: result.result for code, result in results.items()} == dict.fromkeys(
        ["X01", "X03", "X04", "X12", "X15"], OK
    )
    assert facts_of(results) == {
        "id_valid": True,
        "patient_alive": True,
        "categories": ["JD"],
        "insured": True,
        "settlement_duplicate": False,
    }


def test_an_answer_names_its_source_its_value_and_its_day(checks):
    told = checks("X04")["X04"].as_json()
    assert told == {"result": "OK", "value": "JD", "source": "民政、扶贫（演示：户籍台账）", "checked_on": "2018-11-29"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"patient_id_no": ID[:-1] + ("1" if ID[-1] != "1" else "2")},
        {"patient_id_no": compose("441424", date(1965, 3, 8), 401, sex="F")},
        {"patient_name": "曾秀兰"},
        {"person": {"details": '{"police":"NAME_DIFFERS"}'}},
        {"patient_id_no": ""},
    ],
)
def test_x01_stops_where_number_and_name_are_not_one_persons(checks, wrong):
    result = checks("X01", **wrong)["X01"]
    assert (result.result, result.facts) == (STOP, {"id_valid": False})


@pytest.mark.parametrize(
    ("died_on", "alive"), [("2018-11-28", False), ("2018-11-29", False), ("2018-11-30", True), (None, True)]
)
def test_x03_flags_the_death_of_the_patient_from_that_day_on(checks, died_on, alive):
    result = checks("X03", person={"died_on": died_on})["X03"]
    assert (result.result, result.facts) == (OK if alive else FLAG, {"patient_alive": alive})


def test_x04_asks_for_the_category_on_the_day_of_admission_and_not_today(checks):
    changed = [
        {"code": "JD", "from": "2016-06-30", "to": "2018-09-30"},
        {"code": "DB", "from": "2018-10-01", "to": None},
    ]
    house = {"details": json.dumps({"categories": changed}), "category": "DB"}
    assert checks("X04", house=house)["X04"].facts == {"categories": ["JD"]}
    assert checks("X04", admitted_on="2018-10-01")["X04"].facts == {"categories": ["DB"]}
    assert checks("X04", admitted_on="2016-06-29")["X04"].facts == {"categories": []}
    assert checks("X04", admitted_on="2016-06-29")["X04"].result == FLAG


def test_x04_gives_every_category_a_person_has_for_the_table_to_choose_from(checks):
    own = json.dumps({"categories": [{"code": "TK", "from": "2018-01-01", "to": None}]})
    assert checks("X04", person={"details": own})["X04"].facts == {"categories": ["TK", "JD"]}


@pytest.mark.parametrize(
    ("details", "insured", "covered"),
    [
        ({"insured_from": "2018-09-10"}, True, True),
        ({"insured_from": "2018-09-11"}, True, False),
        ({"insured_from": "2016-01-01", "insured_to": "2018-09-10"}, False, True),
        ({"insured_from": "2016-01-01", "insured_to": "2018-09-09"}, False, False),
        ({}, True, True),
        ({}, False, False),
    ],
)
def test_x12_asks_whether_one_was_insured_on_the_day_of_admission(checks, details, insured, covered):
    result = checks("X12", person={"details": json.dumps(details), "insured": insured})["X12"]
    assert (result.result, result.facts) == (OK if covered else FLAG, {"insured": covered})


def test_x15_stops_a_settlement_that_another_case_has_claimed_however_it_is_typed(checks):
    row = {"settlement_no": "JS-2018-0001", "case_id": 7, "recorded_at": "2018-10-01T00:00:00.000000Z"}
    checks.connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
    checks.connection.execute(insert(settlement).values(row))
    for typed in ("JS-2018-0001", " js-2018-0001 ", "ＪＳ-2018-0001", "JS-2018- 0001"):
        result = checks("X15", settlement_no=typed, case_id=8)["X15"]
        assert (result.result, result.facts["settlement_duplicate"]) == (STOP, True), typed
        assert result.facts["settlement_case_no"] == "#7"
    assert checks("X15", case_id=7)["X15"].result == OK
    assert checks("X15", settlement_no="JS-2018-0002", case_id=8)["X15"].result == OK
    assert checks("X15", settlement_no="", case_id=8)["X15"].result == OK


def test_a_claim_without_a_day_of_admission_is_judged_by_today(checks):
    question = ask(
        checks.connection, {"household_no": HOUSEHOLD, "person_no": PERSON}, region_code=VILLAGE, today=TODAY
    )
    assert (question.admitted_on, question.name, question.id_no) == (TODAY, "曾秀英", ID)


def test_a_check_nobody_answers_is_an_accident_and_not_a_pass(checks):
    with pytest.raises(EngineError, match="X99"):
        checks("X01 X99")


def test_a_person_who_is_not_in_the_household_is_not_checked(checks):
    with pytest.raises(NotFound):
        checks(person_no="441424104-0001-01")


def test_a_line_to_a_department_replaces_our_own_answer(checks):
    def police(_connection, question):
        source = Message("公安", "public security")
        return CheckResult("X01", STOP, "查无此人", source, question.today, {"id_valid": False})

    question = ask(checks.connection, DATA, region_code=VILLAGE, today=TODAY)
    results = cross_check(checks.connection, ["X01"], question, sources={"X01": police})
    assert results["X01"].value == "查无此人"


def test_every_name_the_checks_tell_is_declared_by_the_process(checks):
    path = Settings.from_environment().workflows / "medical_assistance.dictionary.json"
    fields = json.loads(path.read_text(encoding="utf-8"))["fields"]
    told = facts_of(checks()) | {"settlement_case_no": "#7"}
    for name in told:
        assert fields[name]["from"] == "service"


def test_settlement_numbers_are_compared_in_one_form():
    assert normal_settlement_no(" ｊｓ２０１８ 0001\t") == "JS20180001"
