"""Who is asking, and where the engine stands: what every route needs before it can ask anything.

The browser's cookie holds a random token and nothing else; who it belongs to and in which post they act is read from the
engine's session on every request, so a revoked session is over at once. Flask-Login carries the person through the request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import abort, current_app, g, redirect, request, url_for
from flask_login import LoginManager, current_user

from web.access import ROLE_OF_DOOR, ROUTES, Door

if TYPE_CHECKING:
    from flask import Flask, Response
    from werkzeug.wrappers import Response as AnyResponse

    from engine import Actor, ProcessEngine

SESSION_COOKIE = "bangfu_session"
_HOURS_12 = 12 * 60 * 60


class Visitor:
    """A person who has logged in, as Flask-Login wants to see them."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, session: Any, token: str) -> None:
        self.session = session
        self.token = token

    def get_id(self) -> str:
        """Return the person's id as text."""
        return str(self.session.person_id)


def engine() -> ProcessEngine:
    """Return the engine this app was made for."""
    found: ProcessEngine = current_app.extensions["bangfu"]
    return found


def visitor() -> Visitor | None:
    """Return who has logged in, or nobody."""
    user = current_user._get_current_object()  # noqa: SLF001  (Flask-Login gives no public way past its proxy)
    return user if isinstance(user, Visitor) else None


def actor() -> Actor:
    """Return the person in their chosen post; only routes behind Door.POST or further in may ask."""
    found = getattr(g, "actor", None)
    if found is None:
        who = visitor()
        if who is None or who.session.post_id is None:
            abort(401)
        found = g.actor = engine().actor(who.session.person_id, who.session.post_id)
    return found


def give_token(response: Response | AnyResponse, token: str) -> None:
    """Let the browser carry the token: not readable by scripts, not sent by other sites."""
    response.set_cookie(
        SESSION_COOKIE, token, max_age=_HOURS_12, httponly=True, samesite="Lax", secure=request.is_secure, path="/"
    )


def take_token(response: Response | AnyResponse) -> None:
    """Let the browser forget the token."""
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="Lax", secure=request.is_secure)


def install(app: Flask) -> None:
    """Read the token of every request and hold the doors of web/access.py."""
    manager = LoginManager()
    manager.session_protection = None
    manager.init_app(app)

    @manager.request_loader  # type: ignore[untyped-decorator, unused-ignore]  # Flask-Login has no types
    def load(asked: Any) -> Visitor | None:
        token = asked.cookies.get(SESSION_COOKIE, "")
        if not token:
            return None
        session = engine().accounts.session(token)
        return Visitor(session, token) if session is not None else None

    @app.before_request
    def hold_the_door() -> AnyResponse | None:
        return _answer_at(ROUTES.get(request.endpoint or ""))


def _answer_at(door: Door | None) -> AnyResponse | None:
    """Return nothing where the visitor may pass, and the way to go where they may not."""
    if request.endpoint is None or door is Door.ANYONE:
        return None  # no such page: Flask itself answers 404 or 405
    if door is None:
        abort(404)
    who = visitor()
    if who is None:
        return _to_the_log_in()
    if who.session.must_change_password and request.endpoint not in _BEFORE_PASSWORD:
        return redirect(url_for("entry.password"))
    if door is Door.PERSON:
        return None
    if who.session.post_id is None:
        return redirect(url_for("entry.posts", next=_wanted()))
    if ROLE_OF_DOOR.get(door) not in {None, actor().role}:
        abort(403)
    return None


def _to_the_log_in() -> AnyResponse:
    if request.method == "POST":
        abort(401)
    return redirect(url_for("entry.log_in", next=_wanted()))


def _wanted() -> str | None:
    """Return the page that was asked for, to come back to; never that of a POST."""
    asked = request.full_path.rstrip("?")
    return asked if request.method == "GET" and asked != "/" else None


_BEFORE_PASSWORD = frozenset({"entry.password", "entry.change_password", "entry.log_out"})


def local_target(target: str | None, otherwise: str) -> str:
    """Return a path of this site to go on to; anything that could lead elsewhere gives `otherwise`."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return otherwise
    if any(ord(character) < ord(" ") for character in target):
        return otherwise
    return target
