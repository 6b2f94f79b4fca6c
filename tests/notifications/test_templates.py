"""What messages say, and what they can never say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine.reading.timeline import STATUS_WORDS
from engine.verbs import fire
from notifications.delivery import Postman
from notifications.templates import GENERAL, STATUSES, TEMPLATES, personal_data_in, render

if TYPE_CHECKING:
    from notifications.channels import Addressee, Parcel

CONTENT = {
    "case_no": "YLJZ-441424-2016-000123",
    "step": "镇级审核",
    "level": 9,
    "due_at": "2016-10-17T15:59:59.000000Z",
    "status": "COMPLETED",
    "stage": "YELLOW",
}
SECRETS = {
    "id_no": "441424198305120018",
    "bank_card": "6217003320012345678",
    "phone": "13800138000",
    "amount": "68,532.40元",
    "name": "测试某某",
    "diagnosis": "恶性肿瘤",
    "subject_name": "测试某某",
}


@pytest.mark.parametrize("kind", [*TEMPLATES, "something_new"])
def test_no_rendered_text_carries_personal_data_whatever_is_in_the_content(kind):
    text = render(kind, {**SECRETS, **CONTENT})
    whole = f"{text.title_zh}\n{text.title_en}\n{text.body_zh}\n{text.body_en}"
    assert personal_data_in(whole) is None
    assert not any(secret in whole for secret in SECRETS.values())
    # an independent look, with cruder patterns than the guard's
    assert not re.search(r"\d{7,}|元|yuan", whole)


@pytest.mark.parametrize("kind", list(TEMPLATES))
def test_every_kind_says_in_both_languages_which_case_it_is_about(kind):
    text = render(kind, CONTENT)
    assert "YLJZ-441424-2016-000123" in text.title_zh
    assert "YLJZ-441424-2016-000123" in text.title_en
    assert re.search("[一-鿿]", text.body_zh)
    assert text.body_en.isascii() or "镇级审核" in text.body_en
    assert "{" not in text.title_zh + text.title_en + text.body_zh + text.body_en


@pytest.mark.parametrize("kind", [*TEMPLATES, "something_new"])
def test_a_message_with_an_empty_content_still_reads(kind):
    text = render(kind, {})
    assert text.title_zh
    assert "{" not in text.title_zh + text.body_zh + text.body_en


def test_the_due_day_is_the_day_in_china():
    assert "2016年10月18日" in render("reminder", {**CONTENT, "due_at": "2016-10-17T16:00:00.000000Z"}).body_zh


def test_a_kind_without_words_of_its_own_is_still_told():
    assert render("something_new", CONTENT).title_zh == GENERAL.title[0].format(**CONTENT)


@given(st.text(max_size=200))
def test_a_step_name_stays_one_line_of_bounded_length(step):
    title = render("task_arrived", {**CONTENT, "step": step}).title_zh
    assert len(title.splitlines()) == 1
    assert len(title) < 110


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("身份证441424198305120018", "identity number"),
        ("44142419830512001X", "identity number"),
        ("卡号 6217 0033 2001 2345 678", "bank card"),
        ("6217003320012345678", "bank card"),
        ("电话13800138000。", "telephone"),
        ("救助68,532.40元", "amount"),
        ("3万元", "amount"),
        ("\u00a5300", "amount"),
        ("68532.40 yuan", "amount"),
        ("YLJZ-441424-2016-000123 镇级审核 2016年10月17日", None),
        ("https://bangfu.example/cases/123456?task=123456-12", None),
    ],
)
def test_the_last_look_knows_personal_data_and_lets_case_numbers_pass(text, found):
    assert personal_data_in(text) == found


def test_a_text_that_would_carry_personal_data_is_withheld_and_the_failure_is_visible(world):
    sent: list[Parcel] = []

    class Outside:
        name = "outside"

        def serves(self, addressee: Addressee) -> bool:
            return addressee.person_id > 0

        def send(self, parcel: Parcel) -> None:
            sent.append(parcel)

    key = world.owe(role=None, person_id=1, content=json.dumps({**CONTENT, "step": "核对 441424198305120018"}))
    assert Postman(channels=(Outside(),)).deliver(world.outbox, world.now).failed == 1
    assert sent == []
    assert "Withheld" in world.message(key).last_error


# ---- the house tests itself ----------------------------------------------------------------------------------------------


def test_every_kind_the_engine_owes_has_words_of_its_own():
    source = "".join(path.read_text(encoding="utf-8") for path in Path(engine.__file__).parent.rglob("*.py"))
    owed = set(re.findall(r'\bowe\(\s*"([a-z_]+)"', source)) | set(fire._KIND.values())
    assert {"task_arrived", "case_closed", "red_card"} <= owed
    assert owed - TEMPLATES.keys() == set()


def test_an_outcome_is_called_in_a_notice_what_it_is_called_on_the_page():
    assert {name: zh for name, (zh, _) in STATUSES.items()} == {
        name: words.zh for name, words in STATUS_WORDS.items() if name != "OPEN"
    }
