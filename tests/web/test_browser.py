"""What only a real browser can tell: nothing runs off the side, large type is large, keys keep quiet, the sheet opens and closes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from werkzeug.serving import make_server

from engine.errors import Conflict
from engine.errors import Message as W
from tests.web.stand_in import PASSWORD, StandIn
from web import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

CLERK = "lwh-441424-07"
PAGES = (
    "/inbox",
    "/inbox?filter=paused",
    "/cases/381",
    "/cases?q=1",
    "/cases/381/withdraw",
    "/tasks/381-4/reassign",
    "/cases/381/receipt",
    "/me",
    "/guide",
    "/notices",
    "/password",
    "/post",
)


@pytest.fixture
def served(engine: StandIn) -> Iterator[str]:
    server = make_server(
        "127.0.0.1", 0, create_app(engine, secret_key="for this look only, long enough"), threaded=True
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def enter(chromium: Browser, address: str, *, width: int = 1280, large: bool = False, who: str = CLERK) -> Page:
    context = chromium.new_context(viewport={"width": width, "height": 860})
    context.set_default_timeout(15_000)
    if large:
        context.add_cookies([{"name": "bangfu_type", "value": "large", "url": address}])
    page = context.new_page()
    page.goto(address + "/log-in")
    page.fill("#i-staff", who)
    page.fill("#i-password", PASSWORD)
    page.click("button.fill")
    return page


@pytest.mark.parametrize(("width", "large"), [(320, False), (360, True), (768, False), (1280, True)])
def test_nothing_runs_off_the_side(chromium: Browser, served: str, width: int, *, large: bool) -> None:
    page = enter(chromium, served, width=width, large=large)
    for path in PAGES:
        page.goto(served + path)
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert over <= 0, f"{path} is {over} px too wide at {width}"
    page.context.close()


def test_large_type_is_large_and_its_main_targets_are_sixty_pixels(chromium: Browser, served: str) -> None:
    page = enter(chromium, served, width=390, large=True)
    page.goto(served + "/cases/381")
    small = page.evaluate(
        """() => [...document.querySelectorAll('main p, main dd, main td, main small, main a, main label')]
            .filter(one => one.offsetParent && one.textContent.trim())
            .filter(one => parseFloat(getComputedStyle(one).fontSize) < 16.5)
            .map(one => one.textContent.trim().slice(0, 30))"""
    )
    assert small == []
    assert page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 18
    heights = page.evaluate(
        "[...document.querySelectorAll('.btn.fill')].filter(one => one.offsetParent).map(one => one.offsetHeight)"
    )
    assert heights
    assert min(heights) >= 60
    page.context.close()


def test_keys_move_in_the_inbox_and_keep_quiet_while_one_types(chromium: Browser, served: str) -> None:
    page = enter(chromium, served)
    page.goto(served + "/inbox?task=296-4")
    with page.expect_navigation():
        page.keyboard.press("j")
    assert "task=311-4" in page.url
    page.keyboard.press("/")
    page.keyboard.type("jjka")
    assert page.input_value("#seek") == "jjka"
    assert "task=311-4" in page.url
    page.evaluate("document.activeElement.blur()")
    page.evaluate("dispatchEvent(new KeyboardEvent('keydown', {key: 'j', isComposing: true, bubbles: true}))")
    page.wait_for_timeout(200)
    assert "task=311-4" in page.url
    page.context.close()


def test_the_button_says_what_the_choice_leads_to(chromium: Browser, served: str) -> None:
    page = enter(chromium, served)
    page.goto(served + "/cases/381?outcome=AGREE")
    assert page.inner_text("[data-consequence]") == "同意并签字，报市级备案"
    assert page.locator("[data-field=return_to]").is_hidden()
    page.check(".choice input[value=RETURN]")
    assert page.inner_text("[data-consequence]") == "退回补正并签字"
    assert page.locator("[data-field=return_to]").is_visible()
    page.context.close()


def test_a_refused_decision_keeps_the_words_and_puts_the_focus_on_the_summary(chromium: Browser, served: str) -> None:
    page = enter(chromium, served)
    page.goto(served + "/cases/381?outcome=RETURN")
    page.fill("#i-opinion", "不行")
    page.click("[data-consequence]")
    page.wait_for_selector(".summary")
    assert page.input_value("#i-opinion") == "不行"
    assert page.evaluate("document.activeElement.classList.contains('summary')")
    assert page.title().startswith("错误")
    page.context.close()


def test_the_sheet_opens_over_the_page_closes_and_signs_once(chromium: Browser, served: str, engine: StandIn) -> None:
    page = enter(chromium, served)
    page.goto(served + "/cases/381")
    page.fill("#i-opinion", "情况属实，同意。")
    page.click("[data-consequence]")
    page.wait_for_selector("dialog[open] input[name=password]")
    assert page.evaluate("document.activeElement.name") == "password"
    page.click("dialog [data-cancel]")
    page.locator("dialog").wait_for(state="detached")
    assert page.input_value("#i-opinion") == "情况属实，同意。"
    page.click("[data-consequence]")
    page.fill("dialog input[name=password]", PASSWORD)
    page.dblclick("dialog button.fill")
    page.wait_for_url("**/inbox?done=signed**")
    assert len([one for one in engine.told if one[0] == "complete"]) == 1
    page.context.close()


def test_somebody_faster_is_named_and_the_words_stay(chromium: Browser, served: str, engine: StandIn) -> None:
    engine.refuse["complete"] = Conflict(W("钟丽萍已于 10:41 办理", "Zhong Liping was faster"))
    page = enter(chromium, served)
    page.goto(served + "/cases/381")
    page.fill("#i-opinion", "情况属实，同意。")
    page.click("[data-consequence]")
    page.fill("dialog input[name=password]", PASSWORD)
    page.click("dialog button.fill")
    page.wait_for_selector(".summary.moved")
    assert "钟丽萍已于 10:41 办理" in page.inner_text(".summary.moved")
    assert page.input_value("#i-opinion") == "情况属实，同意。"
    page.context.close()


def test_a_password_can_be_looked_at(chromium: Browser, served: str) -> None:
    page = chromium.new_context().new_page()
    page.goto(served + "/log-in")
    page.fill("#i-password", "abc")
    page.click("[data-peek]")
    assert page.get_attribute("#i-password", "type") == "text"
    page.context.close()


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_phone_folds_form_papers_and_timeline_and_a_desk_shows_them(
    chromium: Browser, served: str, *, script: bool
) -> None:
    for width, folded in ((360, True), (1280, False)):
        context = chromium.new_context(viewport={"width": width, "height": 860}, java_script_enabled=script)
        page = context.new_page()
        page.goto(served + "/log-in")
        page.fill("#i-staff", CLERK)
        page.fill("#i-password", PASSWORD)
        page.click("button.fill")
        page.goto(served + "/cases/381")
        for part, inside in (("form", ".facts"), ("papers", ".papers"), ("timeline", ".line")):
            content = page.locator(f"#{part} {inside}").first
            assert content.is_visible() is not folded, part
            if folded:
                page.locator(f"#{part} .fold > summary").first.click()
                assert content.is_visible(), part
        context.close()
