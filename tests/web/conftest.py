"""Pages on the small engine in memory; the claim's walk in a browser uses the real one (test_claim_walk.py)."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.web.stand_in import PASSWORD, StandIn
from web import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    import playwright.sync_api
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse


ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[playwright.sync_api.Browser]:
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("CI walks the claim in a real browser: install chromium")
        pytest.skip("NOT WALKED: no Chromium on this machine; install the package chromium to run the browser tests")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def engine() -> StandIn:
    return StandIn()


@pytest.fixture
def app(engine: StandIn) -> Flask:
    made = create_app(engine, secret_key="a key for tests only, long enough")
    made.config["TESTING"] = False
    return made


class Browser:
    """A person at a browser without JavaScript: reads a page's token and sends it back."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.page = ""

    def get(self, path: str, **options: object) -> TestResponse:
        answer = self.client.get(path, **options)
        if answer.mimetype == "text/html":
            self.page = answer.get_data(as_text=True)
        return answer

    @property
    def token(self) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.page)
        assert found, "the page has no form with a token"
        return found[1]

    def post(self, path: str, data: dict[str, object] | None = None, **options: object) -> TestResponse:
        answer = self.client.post(path, data={"csrf_token": self.token, **(data or {})}, **options)
        if answer.mimetype == "text/html" and answer.status_code != 303:
            self.page = answer.get_data(as_text=True)
        return answer

    def logs_in(self, staff_no: str, password: str = PASSWORD) -> TestResponse:
        self.get("/log-in")
        return self.post("/log-in", {"staff_no": staff_no, "password": password})


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app.test_client())


@pytest.fixture
def approver(browser: Browser) -> Browser:
    browser.logs_in("lwh-441424-07")
    browser.get("/inbox")
    return browser


@pytest.fixture
def auditor(browser: Browser) -> Browser:
    browser.logs_in("auditor")
    return browser


@pytest.fixture
def village(browser: Browser) -> Browser:
    browser.logs_in("two-posts")
    browser.get("/post")
    browser.post("/post", {"post_id": "80"})
    browser.get("/inbox")
    return browser
