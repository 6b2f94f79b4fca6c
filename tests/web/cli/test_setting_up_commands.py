"""`bangfu init`, `bangfu demo` and `bangfu import households`: what they print, and how they leave."""

from __future__ import annotations

import json
import re
from datetime import date

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner

from engine.people import passwords
from engine.register.id_numbers import compose
from tests.engine.register.test_importing import household_row, member_row, write_workbook
from web.cli.demo import demo
from web.cli.import_ import import_group
from web.cli.init import init


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch):
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def run(sqlite_database, tmp_path):
    """Return a way to run a command on an installation of this test's own."""
    options = {"BANGFU_DATABASE_URL": str(sqlite_database.url), "BANGFU_INSTANCE": str(tmp_path / "instance")}

    def invoke(command, *arguments):
        return CliRunner().invoke(command, [str(one) for one in arguments], env=options)

    assert invoke(init).exit_code == 0
    return invoke


def test_init_says_what_it_loaded_in_both_languages_and_may_be_run_again(run):
    again = run(init)
    assert again.exit_code == 0
    assert "行政区划 28743 个（新载入 0）" in again.output
    assert "28743 places (0 new)" in again.output
    assert "medical_assistance v1" in again.output
    assert "2023-06-30" in again.output


def test_the_demo_shows_its_log_ins_once_as_a_table(run):
    first = run(demo, "--households", 30)
    assert first.exit_code == 0
    shown = re.findall(r"[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4}$", first.output, re.MULTILINE)
    assert len(shown) == len(set(shown)) >= 15
    assert "五华县：16 个镇、451 个村（社区）" in first.output
    again = run(demo, "--households", 30)
    assert again.exit_code == 0
    assert not re.search(r"[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4}$", again.output, re.MULTILINE)
    assert "--new-passwords" in again.output


def test_programs_may_have_the_log_ins_as_json(run):
    told = json.loads(run(demo, "--households", 30, "--json").output)
    assert told["households"] == 30
    assert {"VIL_CLERK", "CTY_FIN", "PRV_DEPT", "AUDITOR", "ADMIN"} <= {one["role"] for one in told["log_ins"]}
    assert all(one["password"] and one["staff_no"] for one in told["log_ins"])
    assert json.loads(run(demo, "--json").output)["log_ins"] == []


def test_a_good_workbook_is_imported_and_a_dry_run_only_says_so(run, tmp_path):
    path = tmp_path / "households.xlsx"
    write_workbook(path, [household_row()], [member_row()])
    dry = run(import_group, "households", path, "--dry-run")
    assert (dry.exit_code, "可以导入" in dry.output, "1 户 1 人" in dry.output) == (0, True, True)
    real = run(import_group, "households", path)
    assert (real.exit_code, "已导入" in real.output) == (0, True)


def test_a_bad_workbook_is_answered_by_sheet_row_and_column_and_exit_code_1(run, tmp_path):
    path = tmp_path / "households.xlsx"
    wrong = compose("441424", date(1965, 3, 8), 400, sex="F")[:-1] + "?"
    write_workbook(path, [household_row()], [member_row(证件号码=wrong)])
    for arguments in ((path,), (path, "--dry-run")):
        result = run(import_group, "households", *arguments)
        assert result.exit_code == 1
        assert "成员 第 2 行 证件号码" in result.output
        assert "nothing was written" in result.output
        assert "Traceback" not in result.output


@pytest.mark.parametrize("content", [None, b"", b"not a workbook"])
def test_a_file_that_cannot_be_read_is_a_sentence_and_never_a_traceback(run, tmp_path, content):
    path = tmp_path / "households.xlsx"
    if content is not None:
        path.write_bytes(content)
    result = run(import_group, "households", path)
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")


def test_the_template_can_be_filled_in_and_imported(run, tmp_path):
    path = tmp_path / "template.xlsx"
    assert run(import_group, "households", path, "--template").exit_code == 0
    result = run(import_group, "households", path)
    assert (result.exit_code, "0 户 0 人" in result.output) == (0, True)


def test_a_scope_that_is_no_code_is_refused(run, tmp_path):
    path = tmp_path / "households.xlsx"
    write_workbook(path, [household_row()], [member_row()])
    assert run(import_group, "households", path, "--scope", "五华").exit_code == 1
