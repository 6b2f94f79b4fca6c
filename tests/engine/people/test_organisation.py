"""The organisation: who leads, who supervises, how a body is called; and what a bad file is refused for."""

from __future__ import annotations

import json

import pytest

from engine.errors import BadDefinition
from engine.people.levels import Level
from engine.people.organisation import Organisation
from engine.settings import Settings


@pytest.fixture(scope="module")
def organisation():
    return Organisation.from_folder(Settings.from_environment().workflows)


def entry(code, level, **more):
    body = {"zh": "{place}办公室", "en": "Office of {place}"}
    return {"code": code, "level": level, "zh": "经办人", "en": "Officer", "body": body, **more}


def read(*roles):
    return Organisation.read(json.dumps({"roles": roles}).encode())


LEADERS = [entry(level.name, level.name, leads=True) for level in Level]


def test_every_level_has_one_leading_post(organisation):
    assert {level: organisation.leader_of(level) for level in Level} == {
        Level.VILLAGE: "VIL_SECRETARY",
        Level.TOWNSHIP: "TWN_LEADER",
        Level.COUNTY: "CTY_LEADER",
        Level.CITY: "CIT_LEADER",
        Level.PROVINCE: "PRV_LEADER",
    }


def test_supervision_goes_up_office_by_office(organisation):
    assert organisation.supervisor_at(Level.TOWNSHIP, "VIL_CLERK") == "TWN_CIVIL"
    assert organisation.supervisor_at(Level.COUNTY, "TWN_CIVIL") == "CTY_CIVIL"
    assert organisation.supervisor_at(Level.COUNTY, "VIL_CLERK") == "CTY_CIVIL"
    assert organisation.supervisor_at(Level.CITY, "TWN_CIVIL") == "CIT_DEPT"
    assert organisation.supervisor_at(Level.PROVINCE, "TWN_CIVIL") == "PRV_DEPT"


def test_nobody_supervises_the_province_nor_a_role_from_its_own_level_or_below(organisation):
    assert organisation.supervisor_at(Level.PROVINCE, "PRV_DEPT") is None
    assert organisation.supervisor_at(Level.COUNTY, "CTY_CIVIL") is None
    assert organisation.supervisor_at(Level.TOWNSHIP, "CIT_DEPT") is None
    assert organisation.supervisor_at(Level.COUNTY, "NO_SUCH_ROLE") is None


def test_the_roles_that_jurisdiction_knows_by_name_exist(organisation):
    assert {"ADMIN", "AUDITOR"} <= set(organisation.roles)


def test_a_body_is_called_by_its_place(organisation):
    assert organisation.role("TWN_CIVIL").body_in("华城镇").zh == "华城镇民政办"
    assert organisation.role("VIL_CLERK").body_in("新亨村").zh == "新亨村民委员会"
    assert organisation.role("VIL_CLERK").body_in("东区社区").zh == "东区社区居民委员会"


def test_a_role_that_is_gone_from_the_file_is_still_shown(organisation):
    assert organisation.title("TWN_CIVIL").zh == "镇民政办经办人"
    assert organisation.title("GONE").zh == "GONE"


@pytest.mark.parametrize(
    ("roles", "told"),
    [
        ([*LEADERS, entry("X", "COUNTY", upper="NOBODY")], "supervised by NOBODY"),
        ([*LEADERS, entry("X", "COUNTY"), entry("X", "COUNTY")], "listed twice"),
        ([*LEADERS, entry("X", "COUNTY", leads=True)], "leads a level that"),
        (LEADERS[1:], "has no leading post"),
        ([*LEADERS, entry("X", "PREFECTURE")], "has no usable 'PREFECTURE'"),
        ([*LEADERS, {"code": "X", "level": "COUNTY"}], "has no usable 'zh'"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_the_role_named(roles, told):
    with pytest.raises(BadDefinition) as refusal:
        read(*roles)
    assert told in str(refusal.value)


def test_a_circle_of_supervisors_is_refused():
    roles = [*LEADERS, entry("A", "COUNTY", upper="B"), entry("B", "COUNTY", upper="A")]
    with pytest.raises(BadDefinition) as refusal:
        read(*roles)
    assert "not above it" in str(refusal.value)
