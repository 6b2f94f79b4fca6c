"""What people see when the answer is no: the right page, the right status, and everything typed still there."""

from __future__ import annotations

import html
import io
import re
from typing import TYPE_CHECKING

import pytest

from engine.errors import Conflict, EngineError, Invalid, NotFound, NotOpen, NotPermitted
from engine.errors import Message as W
from tests.web.stand_in import PASSWORD

if TYPE_CHECKING:
    from tests.web.conftest import Browser
    from tests.web.stand_in import StandIn

FASTER = W(
    "钟丽萍已于11月29日 10:41 办理“县级审批”。您的意见没有提交，已为您保留",
    "Zhong Liping was faster. Your opinion was not submitted; it is kept",
)
OPINION = "急诊转诊属实，金额核对无误。"


def sheet(browser: Browser, outcome: str = "AGREE", opinion: str = OPINION) -> dict[str, str]:
    """Decide and open the sign page; return what its form would send, without the password."""
    browser.get("/cases/381")
    answer = browser.post("/tasks/381-4/decision", {"outcome": outcome, "opinion": opinion})
    assert answer.status_code == 303
    browser.get(answer.location)
    found = re.findall(r'name="(typed|revision|digest)" value="([^"]*)"', browser.page)
    return {name: html.unescape(value) for name, value in found}


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (NotFound(W("没有找到", "Not found")), 404),
        (NotPermitted(W("不属于您的岗位", "Not your post")), 403),
        (NotOpen(W("该任务已办理", "Dealt with")), 409),
        (Conflict(FASTER), 409),
        (Invalid(W("内容不对", "Not right")), 422),
    ],
)
def test_each_kind_of_refusal_has_one_status_and_its_own_sentence(
    approver: Browser, engine: StandIn, refusal: Exception, status: int
) -> None:
    engine.refuse["claim"] = refusal
    answer = approver.post("/tasks/381-4/claim")
    assert answer.status_code == status
    assert refusal.message.zh in approver.page  # type: ignore[attr-defined]


def test_an_accident_gets_a_number_that_stands_in_the_log_and_tells_nothing_else(
    approver: Browser, engine: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    engine.refuse["claim"] = EngineError("G_route", "undeclared name secret_name")
    answer = approver.post("/tasks/381-4/claim")
    assert answer.status_code == 500
    number = re.search(r"E-[0-9A-Z]{4}", approver.page)
    assert number
    assert number[0] in caplog.text
    assert "secret_name" not in approver.page
    assert "Traceback" not in approver.page


def test_a_decision_without_its_reason_comes_back_with_the_fault_and_the_choice(approver: Browser) -> None:
    approver.get("/cases/381")
    answer = approver.post("/tasks/381-4/decision", {"outcome": "RETURN", "opinion": "不行", "f:return_to": "VILLAGE"})
    assert answer.status_code == 422
    assert "<title>错误：" in approver.page
    assert "请写明理由，至少 5 个字" in approver.page
    assert ">不行</textarea>" in approver.page
    assert re.search(r'value="RETURN"[^>]*checked', approver.page)
    assert re.search(r'value="VILLAGE" checked', approver.page)
    assert 'href="#i-opinion"' in approver.page


def test_a_fault_in_a_field_stands_beside_it_and_is_linked_from_the_top(approver: Browser, engine: StandIn) -> None:
    engine.form_errors["return_to"] = W("请选择退回到哪一级", "Choose where to return it")
    approver.get("/cases/381")
    answer = approver.post("/tasks/381-4/decision", {"outcome": "RETURN", "opinion": OPINION})
    assert answer.status_code == 422
    assert 'href="#i-return_to"' in approver.page
    assert 'id="i-return_to-p"' in approver.page


def test_the_sign_page_shows_post_case_outcome_opinion_and_digest(approver: Browser) -> None:
    sheet(approver)
    for words in (
        "五华县民政局",
        "审批岗",
        "李文辉",
        "YL-441424-2018-000381",
        "同意",
        OPINION,
        "7F3A 91C2 E04B … 5D18",
        "10,871.22",
    ):
        assert words in approver.page, words


def test_a_signature_reaches_the_engine_once_with_what_was_shown(approver: Browser, engine: StandIn) -> None:
    sent = sheet(approver)
    answer = approver.post("/tasks/381-4/sign", {**sent, "password": PASSWORD})
    assert answer.status_code == 303
    assert answer.location.startswith("/inbox?done=signed")
    assert [one for one in engine.told if one[0] == "complete"] == [("complete", "381-4", "AGREE", OPINION, 5)]
    assert "已签署" in approver.get(answer.location).get_data(as_text=True)


def test_a_wrong_password_signs_nothing_and_keeps_the_sheet(approver: Browser, engine: StandIn) -> None:
    sent = sheet(approver)
    answer = approver.post("/tasks/381-4/sign", {**sent, "password": "wrong"})
    assert answer.status_code == 403
    assert "密码不正确" in approver.page
    assert OPINION in approver.page
    assert [one for one in engine.told if one[0] == "complete"] == []


def test_somebody_was_faster_and_the_text_is_kept_beside_the_form(approver: Browser, engine: StandIn) -> None:
    sent = sheet(approver)
    engine.refuse["complete"] = Conflict(FASTER)
    answer = approver.post("/tasks/381-4/sign", {**sent, "password": PASSWORD})
    assert answer.status_code == 409
    assert FASTER.zh in approver.page
    assert f">{OPINION}</textarea>" in approver.page


def test_a_task_that_is_gone_leaves_a_page_with_the_text(approver: Browser, engine: StandIn) -> None:
    sent = sheet(approver)
    engine.refuse["complete"] = Conflict(FASTER)
    engine.gone = True
    answer = approver.post("/tasks/381-4/sign", {**sent, "password": PASSWORD})
    assert answer.status_code == 409
    assert "查看现在的状态" in approver.page
    assert f">{OPINION}</textarea>" in approver.page


def test_what_a_forged_sheet_carries_is_read_as_nothing(approver: Browser, engine: StandIn) -> None:
    sheet(approver)
    for typed in ("[]", "not json", '{"outcome": 7, "values": [1]}', "null"):
        answer = approver.post(
            "/tasks/381-4/sign", {"typed": typed, "password": PASSWORD, "revision": "x", "digest": "y"}
        )
        assert answer.status_code in {303, 409, 422}, typed


def test_reasons_typed_for_a_withdrawal_survive_a_refusal(approver: Browser, engine: StandIn) -> None:
    engine.refuse["withdraw"] = NotPermitted(W("县级已作出决定，不能撤回", "Decided"))
    approver.get("/cases/381/withdraw")
    answer = approver.post("/cases/381/withdraw", {"reason": "户主不再需要", "password": PASSWORD, "revision": "5"})
    assert answer.status_code == 403
    assert "县级已作出决定" in approver.page
    assert ">户主不再需要</textarea>" in approver.page


def test_a_revealed_value_stands_on_the_page_and_in_no_address(approver: Browser, engine: StandIn) -> None:
    approver.get("/cases/381")
    assert "441424196601011220" not in approver.page
    answer = approver.post("/cases/381/reveal", {"field": "patient_id_no"})
    assert answer.status_code == 200
    assert "441424196601011220" in approver.page
    assert ("reveal", "patient_id_no") in engine.told
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_log_in_says_the_same_for_an_unknown_account_and_a_wrong_password(app: object, browser: Browser) -> None:
    browser.get("/log-in")
    unknown = browser.post("/log-in", {"staff_no": "nobody", "password": "x"})
    first = browser.page.replace("nobody", "…")
    wrong = browser.post("/log-in", {"staff_no": "lwh-441424-07", "password": "x"})
    second = browser.page.replace("lwh-441424-07", "…")
    token = re.compile(r'name="csrf_token" value="[^"]*"')
    assert unknown.status_code == wrong.status_code == 403
    assert token.sub("", first) == token.sub("", second)


def test_a_throttled_log_in_says_how_long_to_wait(browser: Browser, engine: StandIn) -> None:
    engine.accounts.refusal = NotPermitted(
        W("尝试次数过多，请 14 分钟后再试", "Too many tries; wait 14 minutes"), rule="throttled"
    )
    answer = browser.logs_in("lwh-441424-07")
    assert answer.status_code == 429
    assert "14 分钟" in browser.page


def test_after_logging_in_one_goes_on_where_one_wanted_and_never_elsewhere(browser: Browser) -> None:
    browser.get("/log-in?next=/cases/381")
    assert 'name="next" value="/cases/381"' in browser.page
    for target, lands in (
        ("/cases/381", "/cases/381"),
        ("//evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("\t//evil", "/"),
    ):
        browser.client.delete_cookie("bangfu_session")
        browser.get("/log-in")
        answer = browser.post("/log-in", {"staff_no": "lwh-441424-07", "password": PASSWORD, "next": target})
        assert answer.location == lands, target


def test_the_first_log_in_leads_to_a_new_password_and_nowhere_else(browser: Browser) -> None:
    answer = browser.logs_in("first-day")
    assert answer.location == "/password"
    assert browser.get("/inbox").location == "/password"
    browser.get("/password")
    answer = browser.post("/password", {"old": PASSWORD, "new": "short", "again": "short"})
    assert answer.status_code == 422
    assert "至少 12 位" in browser.page
    answer = browser.post("/password", {"old": PASSWORD, "new": "a much longer one", "again": "another"})
    assert answer.status_code == 422
    answer = browser.post("/password", {"old": PASSWORD, "new": "a much longer one", "again": "a much longer one"})
    assert answer.status_code == 303
    assert browser.get("/inbox").status_code == 200


def test_papers_are_served_so_that_no_browser_runs_them(approver: Browser) -> None:
    answer = approver.get(f"/attachments/{1:032x}")
    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].startswith("inline")


def test_a_section_with_faults_keeps_what_was_typed_and_names_them(village: Browser, engine: StandIn) -> None:
    base = "/start/medical_assistance/441424103-0217"
    village.get("/start/medical_assistance?q=zgl")
    village.post("/start/medical_assistance", {"household": "441424103-0217", "person": "P1", "q": "zgl"})
    village.get(f"{base}/section/1")
    answer = village.post(f"{base}/section/1", {"f:admitted_on": "2018-06-11"})
    assert answer.status_code == 422
    assert 'value="2018-06-11"' in village.page
    assert 'href="#i-aid_type"' in village.page
    answer = village.post(f"{base}/section/1", {"f:admitted_on": "2018-06-11", "go": "later"})
    assert answer.status_code == 303
    village.get(f"{base}/section/1")
    assert 'value="2018-06-11"' in village.page


def test_a_claim_is_handed_in_with_papers_declaration_and_password(village: Browser, engine: StandIn) -> None:
    base = "/start/medical_assistance/441424103-0217"
    village.get("/start/medical_assistance?q=zgl")
    village.post("/start/medical_assistance", {"household": "441424103-0217", "person": "P2", "q": "zgl"})
    village.get(f"{base}/section/1")
    village.post(f"{base}/section/1", {"f:admitted_on": "2018-06-11", "f:aid_type": "INPATIENT"})
    village.get(f"{base}/section/2")
    village.post(f"{base}/section/2", {"f:total_fen": "68,532.40"})
    village.get(f"{base}/papers")
    village.post(
        f"{base}/papers",
        {"paper:application": (io.BytesIO(b"%PDF-1.4"), "申请书.pdf")},
        content_type="multipart/form-data",
    )
    village.get(f"{base}/check")
    assert "住院" in village.page
    assert "68,532.40" in village.page
    assert "申请书.pdf" in village.page
    assert village.post(f"{base}/check", {"password": PASSWORD}).status_code == 422
    answer = village.post(f"{base}/check", {"declared": "yes", "password": PASSWORD})
    assert answer.location == "/cases/381/receipt"
    assert (
        "start",
        "441424103-0217",
        "P2",
        {"aid_type": "INPATIENT", "admitted_on": "2018-06-11", "total_fen": "68,532.40"},
    ) in engine.told


def test_a_household_with_a_running_case_cannot_be_chosen_twice(village: Browser) -> None:
    village.get("/start/medical_assistance?q=zgm")
    answer = village.post("/start/medical_assistance", {"household": "441424103-0188", "person": "P1"})
    assert answer.location == "/cases/419?done=running"


def test_a_number_that_cannot_be_right_is_told_while_searching(village: Browser) -> None:
    answer = village.get("/start/medical_assistance?q=123456789012345678")
    assert answer.status_code == 422
    assert "第 18 位应为 X" in village.page


def test_a_session_ended_elsewhere_is_over_here_too(approver: Browser, engine: StandIn) -> None:
    engine.accounts.sessions_by_token.clear()
    assert approver.get("/inbox").location.startswith("/log-in")


def test_english_pages_speak_english(approver: Browser) -> None:
    approver.post("/preferences", {"language": "en", "next": "/inbox"})
    approver.get("/cases/381")
    assert '<html lang="en"' in approver.page
    assert "Decision brief" in approver.page
    assert "审批要点" not in approver.page


def test_a_request_beyond_all_measure_is_refused_in_words(approver: Browser) -> None:
    approver.get("/cases/381")
    answer = approver.post(
        "/tasks/381-4/attachments",
        {"paper:x": (io.BytesIO(b"x" * 13_000_000), "x.pdf")},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 413
    assert "5 MB" in approver.page


def test_an_objection_is_written_down_and_a_short_one_comes_back(approver: Browser, engine: StandIn) -> None:
    approver.get("/cases/381/objection")
    assert approver.post("/cases/381/objection", {"text": "不服"}).status_code == 422
    assert ">不服</textarea>" in approver.page
    assert approver.post("/cases/381/objection", {"text": "他家有小汽车，不应救助"}).status_code == 303
    assert ("objection", "他家有小汽车，不应救助") in engine.told


def test_handing_in_twice_leads_to_the_one_case(village: Browser, engine: StandIn) -> None:
    village.get("/start/medical_assistance/441424103-0217/check")
    answer = village.post(
        "/start/medical_assistance/441424103-0188/check", {"declared": "yes", "password": PASSWORD, "person": "P1"}
    )
    assert answer.location == "/cases/419?done=running"
    assert not [one for one in engine.told if one[0] == "start"]
