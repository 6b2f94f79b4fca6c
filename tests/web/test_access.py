"""The house: every route stands in the table of doors, asks with GET and tells with POST, and needs its token."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from web.access import ROUTES, Door
from web.headers import POLICY

if TYPE_CHECKING:
    from flask import Flask

    from tests.web.conftest import Browser
    from tests.web.stand_in import StandIn

VALUES = {
    "case_id": "381",
    "task_id": "381-4",
    "attachment_id": "0" * 31 + "1",
    "process_id": "medical_assistance",
    "household_no": "441424103-0217",
    "key": "1",
    "notice_id": "1",
    "incident_id": "1",
    "token_hash": "ab",
    "filename": "app.css",
}
WHO = {
    Door.ANYONE: None,
    Door.PERSON: "two-posts",
    Door.POST: "lwh-441424-07",
    Door.AUDITOR: "auditor",
    Door.ADMINISTRATOR: "admin",
}


def routes(app: Flask, method: str) -> list[tuple[str, str]]:
    found = []
    for rule in app.url_map.iter_rules():
        if method in (rule.methods or set()):
            path = re.sub(r"<(?:[^:>]+:)?([^>]+)>", lambda part: VALUES[part[1]], rule.rule)
            found.append((rule.endpoint, path))
    return found


def pages(app: Flask) -> list[tuple[str, str]]:
    return [(endpoint, path) for endpoint, path in routes(app, "GET") if endpoint not in {"static", "entry.health"}]


def test_every_route_stands_in_the_table_and_the_table_names_no_other(app: Flask) -> None:
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == set(ROUTES)


def test_no_route_both_asks_and_tells(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        assert len(methods) == 1, f"{rule.endpoint} answers {methods}"


def test_a_stranger_is_sent_to_the_log_in_from_every_other_door(app: Flask) -> None:
    for endpoint, path in pages(app):
        answer = app.test_client().get(path)
        if ROUTES[endpoint] is Door.ANYONE:
            assert answer.status_code in {200, 302}, endpoint
        else:
            assert answer.status_code == 302, endpoint
            assert answer.location.startswith("/log-in?next="), endpoint


def test_every_post_without_its_token_is_refused_and_told_to_nobody(
    app: Flask, browser: Browser, engine: StandIn
) -> None:
    browser.logs_in("lwh-441424-07")
    for endpoint, path in routes(app, "POST"):
        answer = browser.client.post(path, data={"reason": "情况属实情况属实", "password": "x", "person": "12"})
        assert answer.status_code == 400, endpoint
    assert engine.told == []


def test_a_token_of_another_visitor_opens_nothing(app: Flask, browser: Browser, engine: StandIn) -> None:
    browser.logs_in("lwh-441424-07")
    other = app.test_client()
    theirs = re.search(r'name="csrf_token" value="([^"]+)"', other.get("/log-in").get_data(as_text=True))
    assert theirs
    assert browser.client.post("/tasks/381-4/claim", data={"csrf_token": theirs[1]}).status_code == 400
    assert engine.told == []


def test_asking_tells_the_engine_nothing(app: Flask, engine: StandIn) -> None:
    from tests.web.conftest import Browser

    for who in ("lwh-441424-07", "two-posts", "auditor", "admin"):
        visitor = Browser(app.test_client())
        visitor.logs_in(who)
        if who == "two-posts":
            visitor.get("/post")
            visitor.post("/post", {"post_id": "80"})
        for _, path in pages(app):
            assert visitor.get(path).status_code < 500, path
    assert engine.told == []


@pytest.mark.parametrize("room", ["auditor", "admin"])
def test_the_rooms_of_auditors_and_administrators_are_closed_to_clerks(
    app: Flask, approver: Browser, room: str
) -> None:
    door = Door.AUDITOR if room == "auditor" else Door.ADMINISTRATOR
    for endpoint, path in pages(app):
        if ROUTES[endpoint] is door:
            assert approver.get(path).status_code == 403, endpoint


def everything(app: Flask) -> list[tuple[str, str, dict[str, str]]]:
    """Every page as somebody sees it who may, in both languages, with the answer's headers."""
    from tests.web.conftest import Browser

    seen = []
    for language in ("zh", "en"):
        for who in (None, "lwh-441424-07", "two-posts", "auditor", "admin"):
            visitor = Browser(app.test_client())
            visitor.client.set_cookie("bangfu_language", language)
            if who is not None:
                visitor.logs_in(who)
            if who == "two-posts":
                visitor.get("/post")
                visitor.post("/post", {"post_id": "80"})
            for _, path in [
                *pages(app),
                ("", "/inbox?filter=paused"),
                ("", "/start/medical_assistance?q=zgl"),
                ("", "/no-such-page"),
            ]:
                answer = visitor.get(path)
                if answer.mimetype == "text/html":
                    seen.append((f"{language} {who} {path}", answer.get_data(as_text=True), dict(answer.headers)))
    return seen


def test_every_page_carries_the_headers_and_loads_nothing_from_elsewhere(app: Flask) -> None:
    found = everything(app)
    assert len(found) > 100
    for name, page, headers in found:
        assert headers["Content-Security-Policy"] == POLICY, name
        assert headers["X-Content-Type-Options"] == "nosniff", name
        assert headers["Referrer-Policy"] == "no-referrer", name
        assert headers["X-Frame-Options"] == "DENY", name
        assert headers["Cache-Control"] == "no-store", name
        assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//""", page), name
        assert not re.search(r"<script(?![^>]*\bsrc=)", page), f"{name}: an inline script"
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=\"", page), f"{name}: an inline style or handler"
        assert "unsafe" not in headers["Content-Security-Policy"], name


def test_every_control_on_every_page_has_a_name_for_those_who_cannot_see_it(app: Flask) -> None:
    for name, page, _ in everything(app):
        labelled = set(re.findall(r'<label[^>]*\bfor="([^"]+)"', page))
        # A label around its control names it as well.
        bare = re.sub(r"<label\b.*?</label>", "", page, flags=re.DOTALL)
        for control in re.findall(r"<(?:input|select|textarea)\b[^>]*>", bare):
            if 'type="hidden"' in control or "aria-label=" in control:
                continue
            identity = re.search(r'\bid="([^"]+)"', control)
            assert identity, f"{name}: {control}"
            assert identity[1] in labelled, f"{name}: {control}"
        for identity in re.findall(r'\bid="([^"]+)"', page):
            assert page.count(f' id="{identity}"') == 1, f"{name}: {identity} twice"


def test_the_cookie_of_the_session_is_closed_to_scripts_and_other_sites(browser: Browser) -> None:
    answer = browser.logs_in("lwh-441424-07")
    cookie = next(one for one in answer.headers.getlist("Set-Cookie") if one.startswith("bangfu_session="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_the_first_page_is_light(app: Flask, browser: Browser) -> None:
    import gzip

    page = browser.get("/log-in")
    total = len(gzip.compress(page.data))
    for path in re.findall(r'(?:src|href)="(/static/[^"#]+)', browser.page):
        file = browser.client.get(path)
        assert file.status_code == 200, path
        total += len(gzip.compress(file.data))
    assert total < 200_000, f"{total} bytes"
