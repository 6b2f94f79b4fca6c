"""The engine's front door: what is true and what may happen. It knows no web and no mail.

Everything outside imports from here and from nowhere deeper (import contracts in pyproject.toml): :func:`open_engine`, the
:class:`ProcessEngine` with every verb and every look, the values they return (:mod:`engine.views`) and the refusals
(:mod:`engine.errors`).
"""

from engine.deadlines.seed import seed_calendar
from engine.drawings import check_drawing, decide_table
from engine.errors import (
    BadDefinition,
    Conflict,
    EngineError,
    Finding,
    Invalid,
    Message,
    NotFound,
    NotOpen,
    NotPermitted,
    Rejected,
)
from engine.jobs import JobView
from engine.opening import open_engine, open_ground
from engine.people.accounts import Accounts, LogIn, OpenSession, Proof, SessionView
from engine.people.actor import Actor
from engine.people.levels import Level
from engine.process_engine import ProcessEngine
from engine.schema import current as schema_version
from engine.settings import Settings
from engine.verbs.incidents import Accident

__all__ = [
    "Accident",
    "Accounts",
    "Actor",
    "BadDefinition",
    "Conflict",
    "EngineError",
    "Finding",
    "Invalid",
    "JobView",
    "Level",
    "LogIn",
    "Message",
    "NotFound",
    "NotOpen",
    "NotPermitted",
    "OpenSession",
    "ProcessEngine",
    "Proof",
    "Rejected",
    "SessionView",
    "Settings",
    "check_drawing",
    "decide_table",
    "open_engine",
    "open_ground",
    "schema_version",
    "seed_calendar",
]
