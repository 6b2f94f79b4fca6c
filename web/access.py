"""Which door each route stands behind: one table, and what is not in it is closed.

The web only asks whether somebody has logged in and chosen a post; what that post may do is the engine's answer
(engine/people/jurisdiction.py), for pages and verbs alike. Two rooms that nobody else ever needs are behind doors of their own,
so that a wrong link does not even ask the engine. tests/web/test_access.py compares the table with the app's routes.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Door(Enum):
    """What a visitor must have shown before a route answers."""

    ANYONE = "anyone"
    PERSON = "a person who has logged in"
    POST = "a person in a chosen post"
    AUDITOR = "a person in an auditor's post"
    ADMINISTRATOR = "a person in an administrator's post"


ROLE_OF_DOOR: Mapping[Door, str] = {Door.AUDITOR: "AUDITOR", Door.ADMINISTRATOR: "ADMIN"}

ROUTES: Mapping[str, Door] = {
    "static": Door.ANYONE,
    "entry.health": Door.ANYONE,
    "entry.front": Door.ANYONE,
    "entry.log_in": Door.ANYONE,
    "entry.log_in_post": Door.ANYONE,
    "entry.preferences": Door.ANYONE,
    "entry.log_out": Door.PERSON,
    "entry.posts": Door.PERSON,
    "entry.choose_post": Door.PERSON,
    "entry.password": Door.PERSON,
    "entry.change_password": Door.PERSON,
    "mine.overview": Door.PERSON,
    "mine.revoke": Door.PERSON,
    "mine.guide": Door.PERSON,
    "mine.notices": Door.POST,
    "mine.read_notice": Door.POST,
    "work.inbox": Door.POST,
    "work.search": Door.POST,
    "cases.page": Door.POST,
    "cases.diagram": Door.POST,
    "cases.attachment": Door.POST,
    "cases.reveal": Door.POST,
    "cases.receipt": Door.POST,
    "cases.objecting": Door.POST,
    "cases.register_objection": Door.POST,
    "cases.withdrawing": Door.POST,
    "cases.withdraw": Door.POST,
    "tasks.claim": Door.POST,
    "tasks.release": Door.POST,
    "tasks.reassigning": Door.POST,
    "tasks.reassign": Door.POST,
    "tasks.attach": Door.POST,
    "tasks.draft": Door.POST,
    "tasks.decide": Door.POST,
    "tasks.signing": Door.POST,
    "tasks.sign": Door.POST,
    "start.processes": Door.POST,
    "start.households": Door.POST,
    "start.choose": Door.POST,
    "start.hub": Door.POST,
    "start.section": Door.POST,
    "start.save_section": Door.POST,
    "start.papers": Door.POST,
    "start.attach": Door.POST,
    "start.check": Door.POST,
    "start.hand_in": Door.POST,
    "audit.cases": Door.AUDITOR,
    "audit.replay": Door.AUDITOR,
    "audit.diagram": Door.AUDITOR,
    "administration.incidents": Door.ADMINISTRATOR,
    "administration.retry": Door.ADMINISTRATOR,
}
