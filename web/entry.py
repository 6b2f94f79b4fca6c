"""For everybody: the front door, logging in and out, choosing a post, the first new password, language and type size.

What a wrong log-in means, how many tries there are and how long a session lives is decided by the engine's accounts; these pages
only pass words on, and say the same for an unknown account as for a wrong password.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, make_response, redirect, render_template, request, url_for

from engine.errors import Message, Rejected
from web import TYPE_COOKIE
from web.errors import status_of
from web.present import actor, engine, give_token, local_target, take_token, visitor
from web.words import LANGUAGE_COOKIE, LANGUAGES

if TYPE_CHECKING:
    from flask import Response
    from werkzeug.wrappers import Response as AnyResponse

blueprint = Blueprint("entry", __name__)

_YEAR = 365 * 24 * 60 * 60
_LONGEST_NAME = 64
_LONGEST_PASSWORD = 512


@blueprint.get("/healthz")
def health() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "ok"}


@blueprint.get("/")
def front() -> AnyResponse:
    """Lead to the page a visitor works on."""
    who = visitor()
    if who is None:
        return redirect(url_for("entry.log_in"))
    if who.session.post_id is None:
        return redirect(url_for("entry.posts"))
    return redirect(url_for(_first_page(actor().role)))


def _first_page(role: str) -> str:
    return {"AUDITOR": "audit.cases", "ADMIN": "administration.incidents"}.get(role, "work.inbox")


@blueprint.get("/log-in")
def log_in() -> AnyResponse | str:
    """Show the log-in page."""
    if visitor() is not None:
        return redirect(local_target(request.args.get("next"), url_for("entry.front")))
    return render_template("log_in.html", staff_no="", error=None, target=request.args.get("next", ""))


@blueprint.post("/log-in")
def log_in_post() -> AnyResponse:
    """Log in, or say no in the same words for every reason."""
    staff_no = request.form.get("staff_no", "").strip()[:_LONGEST_NAME]
    password = request.form.get("password", "")[:_LONGEST_PASSWORD]
    target = request.form.get("next", "")
    try:
        entered = engine().accounts.log_in(
            staff_no,
            password,
            address=request.remote_addr or "",
            client=request.headers.get("User-Agent", "")[:200],
        )
    except Rejected as rejected:
        page = render_template("log_in.html", staff_no=staff_no, error=rejected.message, target=target)
        return make_response(page, status_of(rejected))
    if entered.must_change_password:
        onward = url_for("entry.password")
    elif len(entered.posts) == 1:
        onward = local_target(target, url_for("entry.front"))
    else:
        onward = url_for("entry.posts", next=target or None)
    answer = redirect(onward, 303)
    give_token(answer, entered.token)
    return answer


@blueprint.post("/log-out")
def log_out() -> AnyResponse:
    """End this session, here and in the database."""
    who = visitor()
    if who is not None:
        engine().accounts.log_out(who.token)
    answer = redirect(url_for("entry.log_in"), 303)
    take_token(answer)
    return answer


@blueprint.get("/post")
def posts() -> str:
    """Let a person choose in which of their posts they act."""
    return render_template("posts.html", target=request.args.get("next", ""), error=None)


@blueprint.post("/post")
def choose_post() -> AnyResponse:
    """Act in the chosen post from now on; the signature will record it."""
    who = visitor()
    if who is None:
        return redirect(url_for("entry.log_in"), 303)
    try:
        engine().accounts.choose_post(who.token, _number(request.form.get("post_id")))
    except Rejected as rejected:
        page = render_template("posts.html", target=request.form.get("next", ""), error=rejected.message)
        return make_response(page, status_of(rejected))
    return redirect(local_target(request.form.get("next"), url_for("entry.front")), 303)


@blueprint.get("/password")
def password() -> str:
    """Show the page for a new password."""
    return render_template("password.html", error=None, fields={})


@blueprint.post("/password")
def change_password() -> AnyResponse:
    """Change the password; the second typing must agree with the first."""
    who = visitor()
    if who is None:
        return redirect(url_for("entry.log_in"), 303)
    old = request.form.get("old", "")[:_LONGEST_PASSWORD]
    new = request.form.get("new", "")[:_LONGEST_PASSWORD]
    if new != request.form.get("again", ""):
        return _password_refused(
            Message("两次输入的新密码不一样", "The two new passwords differ"),
            {"again": Message("请再输入一次新密码", "Type the new password once more")},
            422,
        )
    try:
        engine().accounts.change_password(who.session.person_id, old, new, keep_token=who.token)
    except Rejected as rejected:
        return _password_refused(rejected.message, getattr(rejected, "fields", {}), status_of(rejected))
    return redirect(url_for("entry.front", done="password"), 303)


def _password_refused(message: Message, fields: dict[str, Message], status: int) -> Response:
    return make_response(render_template("password.html", error=message, fields=fields), status)


@blueprint.post("/preferences")
def preferences() -> AnyResponse:
    """Remember the language and the size of type in this browser."""
    answer = redirect(local_target(request.form.get("next"), url_for("entry.front")), 303)
    wanted = request.form.get("language")
    if wanted in LANGUAGES:
        answer.set_cookie(
            LANGUAGE_COOKIE, wanted, max_age=_YEAR, httponly=True, samesite="Lax", secure=request.is_secure
        )
    size = request.form.get("type")
    if size in {"large", "normal"}:
        answer.set_cookie(TYPE_COOKIE, size, max_age=_YEAR, httponly=True, samesite="Lax", secure=request.is_secure)
    return answer


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else 0  # noqa: PLR2004
