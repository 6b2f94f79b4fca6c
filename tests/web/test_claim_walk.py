"""One claim walked in a real browser from the village to the province's filing, on the real engine, with JavaScript and without."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.serving import make_server

from engine import Settings, open_engine
from engine.installation import initialise, prepare_demo
from engine.instants import SHANGHAI
from engine.runtime import Bundle
from engine.verbs.deploy import deploy
from tests.clock import Clock
from web import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

ANSWERS: dict[str, str] = {
    "aid_type": "INPATIENT",
    "insurance_kind": "RESIDENT",
    "hospital_name": "五华县人民医院",
    "hospital_level": "COUNTY",
    "hospital_designated": "true",
    "admitted_on": "2018-06-11",
    "discharged_on": "2018-07-02",
    "disease_class": "ORDINARY",
    "diagnosis": "肺炎",
    "excluded_cause": "NONE",
    "settlement_no": "JS-2018-0007",
    "invoice_no": "FP-0007",
    "total_fen": "68,532.40",
    "noncompliant_fen": "4210.15",
    "basic_paid_fen": "38915.60",
    "serious_paid_fen": "9876.33",
    "other_paid_fen": "0",
    "payee_is_heir": "false",
    "bank_name": "五华农商银行",
    "bank_card": "6217000000000000020",
    "phone": "13800000000",
    "economic_finding": "NONE",
    "pay_voucher_no": "PZ-2018-1",
    "paid_on": "2018-10-29",
}
REQUIRED_PAPERS = ("application", "identity", "diagnosis", "invoice", "settlement")


@dataclass
class Site:
    """A running installation: where it answers and who may log in."""

    address: str
    engine: Any
    log_ins: dict[str, tuple[str, str]]
    foreign: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("walk")
    clock = Clock(datetime(2018, 10, 29, 10, tzinfo=SHANGHAI))
    settings = Settings.from_environment(database_url=f"sqlite:///{folder / 'b.sqlite'}", instance=str(folder))
    initialise(settings, clock=clock)
    demo = prepare_demo(settings, households=60, cases=False, clock=clock)
    engine = open_engine(settings, clock=clock)
    with engine.ground.database.transaction() as connection:
        deploy(connection, Bundle.from_folder(settings.workflows, "medical_assistance"), by="test", now=clock())
    log_ins: dict[str, tuple[str, str]] = {}
    for one in demo.log_ins:
        log_ins.setdefault(one.role, (one.staff_no, one.password))
    server = make_server(
        "127.0.0.1", 0, create_app(engine, secret_key="for this walk only, long enough"), threaded=True
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Site(f"http://127.0.0.1:{server.server_port}", engine, log_ins)
    server.shutdown()
    thread.join()
    server.server_close()
    engine.ground.database.close()


@pytest.fixture
def paper(tmp_path: Path) -> str:
    file = tmp_path / "paper.pdf"
    file.write_bytes(b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n")
    return str(file)


def enter(chromium: Browser, site: Site, role: str, *, script: bool) -> Page:
    """Log somebody in, in a browser of their own."""
    context = chromium.new_context(java_script_enabled=script, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.on(
        "request",
        lambda asked: site.foreign.append(asked.url) if not asked.url.startswith((site.address, "data:")) else None,
    )
    page.on(
        "console", lambda told: site.complaints.append(told.text) if "Content Security Policy" in told.text else None
    )
    page.on("pageerror", lambda error: site.complaints.append(str(error)))
    staff_no, password = site.log_ins[role]
    page.goto(site.address + "/log-in")
    page.fill("#i-staff", staff_no)
    page.fill("#i-password", password)
    page.click("button.fill")
    if page.url.endswith("/password"):
        fresh = password + "-mine"
        page.fill("#i-old", password)
        page.fill("#i-new", fresh)
        page.fill("#i-again", fresh)
        page.click("main button.fill")
        site.log_ins[role] = (staff_no, fresh)
    return page


def answer(page: Page) -> None:
    """Fill every field of the form on the page that the walk has an answer for."""
    for name in dict.fromkeys(names_on(page)):
        value = ANSWERS.get(name)
        if value is None:
            continue
        control = page.locator(f"[name='f:{name}']").first
        if control.get_attribute("type") == "radio":
            page.locator(f"[name='f:{name}'][value='{value}']").check()
        elif page.locator(f"select[name='f:{name}']").count():
            control.select_option(value)
        else:
            control.fill(value)


def names_on(page: Page) -> list[str]:
    return re.findall(r'name="f:([^"]+)"', page.content())


def start_claim(chromium: Browser, site: Site, paper: str, *, script: bool, settlement: str) -> int:
    page = enter(chromium, site, "VIL_CLERK", script=script)
    page.goto(site.address + "/start")
    place = page.locator(".me .c2").first.text_content() or ""
    page.fill("#q", place[:2])
    page.click("main form button:has-text('查找')")
    free = page.locator("ol.found li:has(.green) input[name=household]").first
    if not free.is_checked():
        if script:
            with page.expect_navigation():
                free.check()
        else:
            free.check()
            page.click("main button.fill")
    page.click("main button.fill")
    assert "患者" in page.inner_text("main")
    for title in ("就医情况", "费用", "领款"):
        page.locator(f"ol.steps li:has(h3:text-is('{title}')) .do a").click()
        answer(page)
        if title == "费用":
            page.fill("[name='f:settlement_no']", settlement)
        page.click("main button.fill")
    page.locator("ol.steps li:has(h3:text-is('上传材料')) .do a").click()
    for slot in REQUIRED_PAPERS:
        page.set_input_files(f"[name='paper:{slot}']", paper)
    page.click("button[value=hub]")
    page.locator("ol.steps li:has(h3:text-is('核对并提交')) .do a").click()
    page.check("[name=declared]")
    page.fill("#i-password", site.log_ins["VIL_CLERK"][1])
    page.click("button:has-text('签字并提交')")
    page.wait_for_url(re.compile(r"/cases/\d+/receipt"))
    assert re.search(r"YL-441424-2018-\d{6}", page.inner_text("main"))
    case_id = int(re.search(r"/cases/(\d+)", page.url)[1])
    page.context.close()
    return case_id


def act(
    chromium: Browser, site: Site, role: str, case_id: int, paper: str, *, script: bool, outcome: str | None = None
) -> None:
    """Deal with the case's open task in a post: find it in the inbox, read, decide, sign."""
    page = enter(chromium, site, role, script=script)
    page.goto(site.address + "/inbox")
    row = page.locator(f"a.item[data-open^='/cases/{case_id}?']")
    assert row.count() == 1, f"{role} finds the case once in the inbox"
    row.click()
    page.locator(".brief a:has-text('打开办件')").click()
    answer(page)
    if outcome is not None:
        page.locator(f".choice input[value={outcome}]").check()
    page.fill("#i-opinion", "情况属实，同意。")
    for slot in page.locator("#opinion .slot:has(.now) input[type=file]").all():
        slot.set_input_files(paper)
    page.click("[data-consequence]")
    page.wait_for_selector("input[name=password]")
    assert re.search(r"SHA-256 ([0-9A-F]{4} ){3}… [0-9A-F]{4}", page.inner_text("body"))
    page.fill("input[name=password]", site.log_ins[role][1])
    page.click("button:has-text('确认签署')")
    page.wait_for_url(re.compile("done=signed"))
    page.context.close()


def replay(chromium: Browser, site: Site, case_id: int, *, script: bool) -> None:
    """Step through the case as its auditor: by links, and by the slider where there is a script."""
    page = enter(chromium, site, "AUDITOR", script=script)
    page.goto(f"{site.address}/audit/cases/{case_id}?at=1")
    assert "验证通过" in page.inner_text(".verdict")
    assert "第 1 步" in page.inner_text("main")
    page.click("[data-step=next]")
    page.wait_for_url(re.compile(r"at=2$"))
    assert "第 2 步改变了什么" in page.inner_text("main")
    if script:
        page.wait_for_selector(".djs-container .st-done")
        assert page.locator(".bjs-powered-by").is_visible(), "the mark of bpmn.io stays visible"
        page.locator("[data-slider]").press("ArrowRight")
        page.wait_for_url(re.compile(r"at=3$"))
        page.wait_for_selector("h2:has-text('第 3 步之后的流程')")
    page.context.close()


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_claim_goes_from_the_village_to_the_provinces_filing(
    site: Site, chromium: Browser, paper: str, *, script: bool
) -> None:
    case_id = start_claim(chromium, site, paper, script=script, settlement=f"JS-2018-{int(script):04d}")
    act(chromium, site, "TWN_CIVIL", case_id, paper, script=script, outcome="ACCEPT")
    act(chromium, site, "TWN_CIVIL", case_id, paper, script=script, outcome="AGREE")
    act(chromium, site, "CTY_CIVIL", case_id, paper, script=script, outcome="AGREE")
    act(chromium, site, "CTY_FIN", case_id, paper, script=script)
    act(chromium, site, "CIT_DEPT", case_id, paper, script=script, outcome="FILE")
    act(chromium, site, "PRV_DEPT", case_id, paper, script=script, outcome="FILE")

    replay(chromium, site, case_id, script=script)

    with site.engine.ground.database.reading() as connection:
        status = connection.exec_driver_sql("SELECT status FROM process_case WHERE id = ?", (case_id,)).scalar_one()
        bodies = (
            connection.exec_driver_sql(
                "SELECT body FROM audit_event WHERE stream = ? ORDER BY seq", (f"case:{case_id}",)
            )
            .scalars()
            .all()
        )
    assert status == "COMPLETED"
    signed = [json.loads(body)["actor"]["role"] for body in bodies if json.loads(body).get("signature")]
    assert signed == ["VIL_CLERK", "TWN_CIVIL", "TWN_CIVIL", "CTY_CIVIL", "CTY_FIN", "CIT_DEPT", "PRV_DEPT"]
    assert site.foreign == []
    assert site.complaints == []
