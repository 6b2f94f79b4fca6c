"""Two hundred sign one task at the same moment over HTTP: one is acknowledged, the others read who was faster and keep their words."""

from __future__ import annotations

import re
import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher

from engine import model
from engine.people import passwords, throttle
from tests.world import World
from web import create_app
from web.present import SESSION_COOKIE

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from engine.audit.keys import Keyring
    from engine.database import Database
    from tests.clock import Clock

SIGNERS = 200


@dataclass
class Signer:
    """Somebody at the sign page with the password typed, about to press the button."""

    client: FlaskClient
    name: str
    opinion: str
    path: str
    sent: dict[str, str]


@pytest.fixture
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with argon2id as ever, but with little memory, and let one person prove themselves a hundred times at once.

    Both have tests of their own (tests/engine/people); this one is about the signing.
    """
    monkeypatch.setattr(throttle, "PER_ACCOUNT", SIGNERS)
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def at_the_sign_page(app: Flask, world: World, task: str, number: int) -> tuple[Signer, dict[str, str]]:
    """Walk one holder of the post through log-in and decision to the sign page; return them and their cookies."""
    row = world.rows(model.task, model.task.c.state == "OPEN")[0]
    member = world.county.holders(row.role, row.region_code)[number]
    password = world.engine.accounts.issue_password(member.person_id, by=None, must_change=False)
    client = app.test_client()

    def token(page: str) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert found
        return found[1]

    page = client.get("/log-in").get_data(as_text=True)
    told = {"csrf_token": token(page), "staff_no": member.staff_no, "password": password}
    assert client.post("/log-in", data=told).status_code == 303
    page = client.get(f"/cases/{row.case_id}?task={task}").get_data(as_text=True)
    opinion = f"第{number + 1}人写的意见：情况属实，同意。"
    told = {"csrf_token": token(page), "outcome": "AGREE", "opinion": opinion}
    assert client.post(f"/tasks/{task}/decision", data=told).status_code == 303
    page = client.get(f"/tasks/{task}/sign").get_data(as_text=True)
    hidden = dict(re.findall(r'<input type="hidden" name="(csrf_token|revision|digest)" value="([^"]+)"', page))
    assert set(hidden) == {"csrf_token", "revision", "digest"}
    cookies = {
        name: cookie.value
        for name in (SESSION_COOKIE, app.config["SESSION_COOKIE_NAME"])
        if (cookie := client.get_cookie(name)) is not None
    }
    assert len(cookies) == 2
    sent = {**hidden, "outcome": "AGREE", "opinion": opinion, "password": password}
    return Signer(client, member.name, opinion, f"/tasks/{task}/sign", sent), cookies


def signers(app: Flask, world: World, task: str) -> list[Signer]:
    """Two persons, each with the sign page open in a hundred windows."""
    made = []
    people = [at_the_sign_page(app, world, task, number) for number in (0, 1)]
    for number in range(SIGNERS):
        person, cookies = people[number % 2]
        client = app.test_client()
        for name, value in cookies.items():
            client.set_cookie(name, value)
        made.append(Signer(client, person.name, person.opinion, person.path, person.sent))
    return made


def test_two_hundred_sign_one_task_and_one_signature_stands(
    database: Database, clock: Clock, keyring: Keyring, quick_passwords: None
) -> None:
    world = World(database, clock, keyring)
    claim = world.claim().goes_to("T_approve")
    task = claim.task
    app = create_app(world.engine, secret_key="for two hundred, long enough")
    everybody = signers(app, world, task)
    before = len(world.rows(model.signature))
    start = threading.Barrier(SIGNERS)
    answers: dict[int, tuple[int, str]] = {}

    def press(number: int, signer: Signer) -> None:
        start.wait(timeout=60)
        answer = signer.client.post(signer.path, data=signer.sent)
        answers[number] = (answer.status_code, answer.get_data(as_text=True))

    threads = [threading.Thread(target=press, args=pair) for pair in enumerate(everybody)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    statuses = Counter(status for status, _ in answers.values())
    assert set(statuses) <= {303, 409}
    # The winner's own second presses may be answered with the first one's result; nobody else's are.
    winners = [number for number, (status, _) in answers.items() if status == 303]
    assert len({everybody[number].name for number in winners}) == 1
    assert statuses[409] >= SIGNERS // 2
    winner = winners[0]
    for number, (status, page) in answers.items():
        if status == 409:
            assert everybody[number].opinion in page, "what was typed is still there"
            assert everybody[winner].name in page, "the page says who signed"
    signed = world.rows(model.signature)[before:]
    assert len(signed) == 1
    assert everybody[winner].opinion in signed[0].payload
    completed = [
        one for one in claim.events if one["kind"] == "task_completed" and one["task"]["element"] == "T_approve"
    ]
    assert len(completed) == 1
    assert completed[0]["actor"]["name"] == everybody[winner].name
