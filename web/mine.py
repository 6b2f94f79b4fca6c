"""For each person about themselves: notices, sessions, and the guide to words and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, redirect, render_template, url_for

from web.present import actor, engine, visitor

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

blueprint = Blueprint("mine", __name__)


@blueprint.get("/me")
def overview() -> str:
    """Show one's posts, the last log-in and where one is logged in."""
    who = visitor()
    sessions = engine().accounts.sessions(who.session.person_id) if who else ()
    return render_template("me.html", sessions=sessions)


@blueprint.post("/me/sessions/<token_hash>/revoke")
def revoke(token_hash: str) -> AnyResponse:
    """End another session of one's own at once."""
    who = visitor()
    if who is not None:
        engine().accounts.revoke(who.session.person_id, token_hash)
    return redirect(url_for("mine.overview", done="revoked"), 303)


@blueprint.get("/guide")
def guide() -> str:
    """Explain the limit badges, the five levels and the keys."""
    return render_template("guide.html")


@blueprint.get("/notices")
def notices() -> str:
    """List what one has been told, newest first."""
    return render_template("notices.html", notices=engine().notices(actor().person_id))


@blueprint.post("/notices/<int:notice_id>/read")
def read_notice(notice_id: int) -> AnyResponse:
    """Mark a notice as read and go to its case."""
    mine = actor().person_id
    case_id = next((one.case_id for one in engine().notices(mine) if one.id == notice_id), None)
    engine().mark_read(mine, notice_id)
    if case_id is not None:
        return redirect(url_for("cases.page", case_id=case_id), 303)
    return redirect(url_for("mine.notices"), 303)
