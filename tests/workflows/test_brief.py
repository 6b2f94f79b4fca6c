"""What an approver is told before signing: the sum, how it came about, and every doubt on top."""

from __future__ import annotations

from test_medical_assistance_walks import Walk, definition, on_notice
from workflow_picture import Picture

from engine.reading.briefing import Briefing


def told(walk):
    return Briefing.of(definition()).brief(walk.data)


def marks(walk):
    return {row.requirement.zh: row.mark for row in told(walk).rows}


def test_an_ordinary_claim_has_no_doubt_and_shows_how_its_sum_came_about():
    brief = told(Walk().to_review())
    assert brief.amount_words_zh == "壹万零捌佰柒拾壹元贰角贰分"
    assert [(term.sign, term.value) for term in brief.working] == [
        ("", "68,532.40"),
        ("−", "4,210.15"),
        ("−", "38,915.60"),
        ("−", "9,876.33"),
        ("−", "0.00"),
        ("=", "15,530.32"),
        ("×", "70%"),
        ("=", "10,871.22"),
    ]
    assert {row.mark for row in brief.rows} == {"ok"}
    assert len(brief.rows) >= 8
    assert all("{" not in text for row in brief.rows for text in (row.evidence.zh, row.value.zh, row.value.en))


def test_a_settlement_claimed_before_is_the_first_thing_one_reads():
    first = told(Walk(settlement_no="USED").apply()).rows[0]
    assert (first.requirement.zh, first.mark) == ("结算单未报销过", "failed")
    assert "USED" in first.evidence.zh


def test_a_death_without_an_heir_and_a_missing_insurance_ask_for_a_look():
    found = marks(Walk(checked={"patient_alive": False, "insured": False}).to_review())
    assert (found["患者在世,或由继承人领取"], found["入院时已参保"]) == ("attention", "attention")


def test_somebody_in_no_category_is_shown_as_such():
    assert marks(Walk(checked={"categories": []}).to_review())["属于救助对象"] == "failed"


def test_a_cap_that_cuts_the_promised_share_is_shown():
    walk = Walk(checked={"paid_this_year_fen": 5500000}).to_review()
    assert walk.data["aid_fen"] == 500000
    assert marks(walk)["未因年度限额少给"] == "attention"
    assert marks(Walk(checked={"paid_this_year_fen": 6000000}).to_review())["未超过年度限额"] == "attention"


def test_what_an_objection_found_reaches_the_next_signer():
    walk = on_notice().send("objection", reason="有车", by="VILLAGER").verify("FOUNDED_FIX")
    assert marks(walk)["公示无异议"] == "attention"


def test_every_shape_of_every_drawing_has_an_english_name():
    english = Briefing.of(definition()).content["english"]
    named = {
        shape.id
        for path in ("medical_assistance", "medical_assessment", "public_notice")
        for shape in Picture.read(Walk.folder / f"{path}.bpmn").shapes.values()
        if shape.name and not shape.attached_to and not shape.is_mark
    }
    assert set(english) == named


def test_a_list_tells_kind_category_and_sum():
    briefing = Briefing.of(definition())
    row = briefing.summary(Walk().to_review().data)
    assert row["amount_fen"] == 1087122
    assert briefing.kind_words(row["kind"]).zh == "住院"
    assert briefing.category_words(row["category"]).zh == "建档立卡"
