# ruff: noqa: ARG002  (aiosmtpd names the arguments of its handlers)
from __future__ import annotations

import json
import os
import signal
import socket
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import insert, select

from engine import model
from engine.instants import to_text
from engine.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.database import Database

NOW = datetime(2016, 10, 18, 1, 0, tzinfo=UTC)


class World:
    """A database with a township of three people, and words to speak of what they got."""

    def __init__(self, database: Database) -> None:
        self.now = NOW
        self.database = database
        self.outbox = Outbox(self.database)
        people = [("t001", "TWN_CIVIL"), ("t002", "TWN_CIVIL"), ("t003", "TWN_LEADER")]
        with self.database.transaction() as connection:
            for number, (staff_no, role) in enumerate(people, start=1):
                connection.execute(
                    insert(model.person).values(
                        id=number,
                        staff_no=staff_no,
                        name=f"测试{number}",
                        id_hash=f"{number:064d}",
                        password_hash="-",
                        created_at=to_text(NOW),
                    )
                )
                connection.execute(
                    insert(model.post).values(
                        person_id=number,
                        role=role,
                        region_code="441424103",
                        body="华城镇民政办",
                        from_date="2016-01-01",
                    )
                )

    def owe(
        self, kind: str = "task_arrived", *, key: str = "7-3", role: str | None = "TWN_CIVIL", **changes: Any
    ) -> str:
        values = {
            "dedupe_key": f"{key}-{kind}",
            "kind": kind,
            "case_id": 7,
            "task_no": 2,
            "role": role,
            "region_code": "441424103" if role else None,
            "content": json.dumps(
                {
                    "case_no": "YLJZ-441424-2016-000123",
                    "step": "镇级审核",
                    "level": 9,
                    "due_at": "2016-10-17T15:59:59.000000Z",
                }
            ),
            "created_at": to_text(self.now),
            "state": "OWED",
            "next_at": to_text(self.now),
            **changes,
        }
        with self.database.transaction() as connection:
            connection.execute(insert(model.message).values(values))
        return str(values["dedupe_key"])

    def later(self, **span: float) -> datetime:
        self.now += timedelta(**span)
        return self.now

    def rows(self, table: Any) -> list[Any]:
        with self.database.reading() as connection:
            return list(connection.execute(select(table).order_by(*table.primary_key.columns)).all())

    def message(self, key: str) -> Any:
        return next(row for row in self.rows(model.message) if row.dedupe_key == key)

    def notices_of(self, person_id: int) -> list[str]:
        return [row.title_zh for row in self.rows(model.notice) if row.person_id == person_id]


@pytest.fixture
def world(sqlite_database: Database) -> World:
    """For what the delivery decides by itself."""
    return World(sqlite_database)


@pytest.fixture
def any_world(database: Database) -> World:
    """For what rests on how a database locks and orders: on each of them."""
    return World(database)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Letterbox:
    """A real SMTP server's handler: keeps every mail, and answers as told."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.answer = "250 OK"
        self.refuse_recipient = ""
        self.kill_at: tuple[int, int] | None = None

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.refuse_recipient and address.startswith(self.refuse_recipient):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if not self.answer.startswith("250"):
            return self.answer
        from email import message_from_bytes, policy

        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        if self.kill_at is not None and len(self.mails) == self.kill_at[0]:
            os.kill(self.kill_at[1], signal.SIGKILL)
        return self.answer


@pytest.fixture
def post_office() -> Iterator[tuple[Letterbox, Controller]]:
    letterbox = Letterbox()
    controller = Controller(letterbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield letterbox, controller
    controller.stop()
