"""For administrators: what went wrong inside a process, and trying it again. They see no case and no household."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, redirect, render_template, url_for

from web.present import actor, engine

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

blueprint = Blueprint("administration", __name__)


@blueprint.get("/administration/incidents")
def incidents() -> str:
    """List the accidents that wait for somebody."""
    return render_template("incidents.html", incidents=engine().incidents(actor()))


@blueprint.post("/administration/incidents/<int:incident_id>/retry")
def retry(incident_id: int) -> AnyResponse:
    """Run what failed once more."""
    engine().retry(incident_id, actor())
    return redirect(url_for("administration.incidents", done="retried"), 303)
