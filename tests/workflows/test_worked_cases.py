"""The worked cases of DOMAIN.md C3, C7 and C8, run through the tables that are deployed."""

from __future__ import annotations

import pytest
from tables import assess, decide, fen, number, table

# ---- C3: how much --------------------------------------------------------------------------------------------------
# category; total / non-compliant / basic / serious / other; paid this year → R; aid
C3 = [
    ("JD", "68,532.40", "4,210.15", "38,915.60", "9,876.33", "0", "0", "15,530.32", "10,871.22"),
    ("DB", "68,532.40", "4,210.15", "38,915.60", "9,876.33", "0", "0", "15,530.32", "12,424.26"),
    ("JD", "200,000", "10,000", "90,000", "12,000.01", "0", "10,000", "87,999.99", "50,000.00"),
    ("JD", "300.05", "0", "100.02", "0", "0", "0", "200.03", "140.02"),
    ("JD", "1,000.05", "0", "500.00", "0", "0", "0", "500.05", "350.04"),
    ("TK", "30,000", "1,000", "18,000", "0", "3,000", "0", "8,000.00", "8,000.00"),
    ("LOW", "12,000", "0", "6,000", "0", "0", "0", "6,000.00", "2,400.00"),
    ("LOW", "2,000", "0", "0", "0", "0", "0", "2,000.00", "0.00"),
    ("JD", "5,000", "0", "5,000", "0", "0", "0", "0.00", "0.00"),
    ("JD", "200", "0", "120", "0", "100", "0", "0.00", "0.00"),
    ("JD", "68,532.40", "4,210.15", "38,915.60", "9,876.33", "0", "60,000", "15,530.32", "0.00"),
]


@pytest.mark.parametrize("year", [2016, 2018, 2024, 2026])
@pytest.mark.parametrize(
    ("category", "total", "noncompliant", "basic", "serious", "other", "paid", "burden", "aid"),
    C3,
    ids=lambda value: value,
)
def test_c3_the_aid_is_what_the_table_says(
    category, total, noncompliant, basic, serious, other, paid, burden, aid, year
):
    told = assess(
        year,
        categories=[category],
        total_fen=total,
        noncompliant_fen=noncompliant,
        basic_paid_fen=basic,
        serious_paid_fen=serious,
        other_paid_fen=other,
        paid_this_year_fen=paid,
    )
    assert (told["burden_fen"], told["aid_fen"]) == (fen(burden), fen(aid))


def test_c3_row_1_somebody_whose_insurance_is_not_found_goes_to_the_insurance_office():
    told = assess(insured=False, insurance_kind="RESIDENT", total_fen="10,000")
    assert (told["eligibility"], told["eligibility_reason"]) == ("RETURN", "INSURANCE_NOT_FOUND")
    assert told["aid_fen"] == 0


def test_c3_row_1_somebody_who_truly_is_not_insured_is_judged_by_a_person_and_shown_to_the_village():
    told = assess(insured=False, insurance_kind="NONE", total_fen="10,000")
    assert (told["eligibility"], told["eligibility_reason"]) == ("MANUAL", "NOT_INSURED")
    assert told["aid_fen"] == fen("7,000.00")
    assert told["procedure"] == "NOTICE"


@pytest.mark.parametrize("cause", ["THIRD_PARTY", "WORK_INJURY", "COSMETIC", "OTHER"])
def test_c3_row_2_costs_that_somebody_else_owes_are_not_aided(cause):
    told = assess(excluded_cause=cause, total_fen="10,000")
    assert (told["eligibility"], told["aid_fen"]) == ("REJECT", 0)


def test_c3_row_3_a_settlement_that_was_claimed_before_stops():
    told = assess(settlement_duplicate=True, total_fen="10,000")
    assert (told["eligibility"], told["eligibility_reason"]) == ("STOP", "SETTLEMENT_USED")
    assert told["aid_fen"] == 0


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ({"total_fen": "5,000", "basic_paid_fen": "5,000"}, "NO_BURDEN"),
        ({"total_fen": "9,000", "paid_this_year_fen": "60,000"}, "CAP_REACHED"),
        ({"total_fen": "2,000", "categories": ["LOW"]}, "BELOW_DEDUCTIBLE"),
        ({"total_fen": "9,000", "excluded_cause": "THIRD_PARTY"}, "NOT_ELIGIBLE"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_c3_row_4_where_nothing_is_due_the_claim_closes_and_says_why(claim, reason):
    told = assess(**claim)
    assert (told["aid_fen"], told["amount_reason"], told["procedure"]) == (0, reason, "CLOSE")


def test_c3_somebody_in_several_categories_gets_the_best_of_them():
    told = assess(categories=["JD", "DB"], total_fen="10,000")
    assert (told["aid_fen"], told["aid_category"], told["aid_ratio"]) == (fen("8,000.00"), "DB", 8000)
    assert sorted(told["offers"]) == [0, fen("7,000.00"), fen("8,000.00")]


def test_c3_the_best_is_the_largest_sum_whatever_the_order_of_the_rows():
    told = assess(categories=["ILL"], economic_finding="LOW", total_fen="30,000")
    assert told["offer_categories"] == ["ILL", "LOW", "NONE"]
    assert told["offers"] == [fen("10,000.00"), fen("16,800.00"), 0]
    assert (told["aid_fen"], told["aid_category"]) == (fen("16,800.00"), "LOW")


@pytest.mark.parametrize(("finding", "aid"), [("LOW", "4,800.00"), ("ILL", "0.00")])
def test_c3_low_income_and_illness_poverty_may_be_found_by_the_townships_economic_check(finding, aid):
    told = assess(categories=[], economic_finding=finding, total_fen="10,000")
    assert (told["eligibility"], told["aid_category"], told["aid_fen"]) == ("ELIGIBLE", finding, fen(aid))


def test_c3_somebody_in_no_category_is_not_eligible():
    assert assess(categories=[], total_fen="10,000")["eligibility_reason"] == "NO_CATEGORY"


def test_c3_a_serious_illness_raises_the_yearly_cap_by_half():
    claim = {"total_fen": "200,000", "noncompliant_fen": "0"}
    assert assess(**claim, disease_class="ORDINARY")["aid_fen"] == fen("60,000.00")
    assert assess(**claim, disease_class="SERIOUS")["aid_fen"] == fen("90,000.00")


def test_c3_the_registered_poor_never_get_less_than_seventy_percent_by_the_numbers_on_file():
    for year in (2016, 2017, 2018, 2024, 2025, 2026):
        assert all(number("medical_ratio", category, year=year) >= 7000 for category in ("TK", "DB", "JD"))
        assert all(number("medical_deductible", category, year=year) == 0 for category in ("TK", "DB", "JD"))


def test_heirs_may_finish_the_claim_of_somebody_who_died():
    died = {"patient_alive": False, "total_fen": "10,000"}
    assert assess(**died)["eligibility_reason"] == "HEIR_MISSING"
    told = assess(**died, payee_is_heir=True)
    assert (told["eligibility"], told["aid_fen"]) == ("ELIGIBLE", fen("7,000.00"))


def test_somebody_cannot_have_left_the_hospital_before_coming():
    told = assess(admitted_on="2018-09-21", discharged_on="2018-09-20", total_fen="10,000")
    assert (told["eligibility"], told["eligibility_reason"]) == ("RETURN", "DATES_WRONG")
    assert assess(admitted_on="2018-09-21", discharged_on="2018-09-21", total_fen="1")["eligibility"] == "ELIGIBLE"


def test_a_wrong_id_number_is_corrected_first():
    assert assess(id_valid=False, total_fen="10,000")["eligibility_reason"] == "ID_INVALID"


# ---- simple procedure ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("category", "procedure"),
    [("TK", "SIMPLE"), ("DB", "SIMPLE"), ("JD", "SIMPLE"), ("LOW", "NOTICE"), ("ILL", "NOTICE")],
)
def test_those_whose_category_was_published_before_are_paid_first(category, procedure):
    assert assess(categories=[category], total_fen="40,000")["procedure"] == procedure


# ---- C7: how late --------------------------------------------------------------------------------------------------

C7 = [
    (6, 10, "NONE"),
    (7, 10, "REMIND"),
    (10, 10, "REMIND"),
    (11, 10, "YELLOW"),
    (13, 10, "YELLOW"),
    (14, 10, "RED"),
    (17, 10, "RED"),
    (18, 10, "TAKEOVER"),
    (25, 10, "TAKEOVER"),
    (26, 10, "UPPER2"),
    (2, 3, "NONE"),
    (3, 3, "REMIND"),
    (4, 3, "YELLOW"),
    (7, 3, "RED"),
    (11, 3, "TAKEOVER"),
]


@pytest.mark.parametrize(("elapsed", "limit", "stage"), C7)
def test_c7_the_stage_is_what_the_table_says(elapsed, limit, stage):
    assert decide("escalation", elapsed_days=elapsed, limit_days=limit).outputs["stage"] == stage


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 7, 10, 20])
def test_c7_every_day_has_one_stage_and_stages_never_go_back(limit):
    order = ["NONE", "REMIND", "YELLOW", "RED", "TAKEOVER", "UPPER2"]
    stages = [
        order.index(decide("escalation", elapsed_days=day, limit_days=limit).outputs["stage"])
        for day in range(limit + 30)
    ]
    assert stages == sorted(stages)
    assert stages[-1] == 5


def test_c7_the_task_goes_to_the_leader_at_the_red_card_and_to_the_office_above_later():
    moves = {day: decide("escalation", elapsed_days=day, limit_days=10).outputs["moves_to"] for day in (11, 14, 18, 26)}
    assert moves == {11: "NOBODY", 14: "LEADER", 18: "UPPER_OFFICE", 26: "UPPER_OFFICE"}


# ---- C8: who must see it -------------------------------------------------------------------------------------------

C8 = [
    ("29,999.99", False, False),
    ("30,000.00", True, False),
    ("50,000.00", True, False),
    ("50,000.01", True, True),
]


@pytest.mark.parametrize(("amount", "leader", "city"), C8)
def test_c8_who_must_see_a_claim(amount, leader, city):
    scope = decide("medical_scope", aid_fen=fen(amount)).outputs["scope"]
    assert ("LEADER" in scope, "CITY" in scope) == (leader, city)
    assert {"COUNTY", "FINANCE"} <= set(scope), "any approval of money"


def test_c8_a_claim_without_money_is_seen_by_the_county_alone():
    assert decide("medical_scope", aid_fen=0).outputs["scope"] == ["COUNTY"]


# ---- every row stands on something ---------------------------------------------------------------------------------

TABLES = ["medical_eligibility", "medical_amount", "medical_route", "medical_scope", "escalation"]


@pytest.mark.parametrize("name", TABLES)
def test_every_row_names_the_rule_it_stands_on_or_asks_the_county(name):
    for row in table(name).rows:
        assert any(word in row.citation for word in ("粤发〔2016〕13号 §", "国办发〔2015〕30号", "待县确认")), row.id


def test_a_hit_tells_its_row_and_its_citation():
    hit = decide("medical_scope", aid_fen=fen("30,000.00")).hits[1]
    assert (hit.number, hit.id) == (2, "medical_scope_leader")
    assert "待县确认" in hit.citation
