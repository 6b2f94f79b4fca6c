"""For auditors: find a case and step through its history; the verdict first, then the picture at step n."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, render_template, request

from web.present import actor, engine
from web.work import page_number

if TYPE_CHECKING:
    from engine.views import HistoryView

blueprint = Blueprint("audit", __name__)

_LONGEST_SEARCH = 60


@blueprint.get("/audit")
def cases() -> str:
    """List the cases of the auditor's jurisdiction, or those that match."""
    query = request.args.get("q", "").strip()[:_LONGEST_SEARCH]
    return render_template("audit_cases.html", query=query, found=engine().search_cases(actor(), query, page_number()))


@blueprint.get("/audit/cases/<int:case_id>")
def replay(case_id: int) -> str:
    """Show the case after event n: ?at=n, by links, and by the slider where there is a script."""
    history = engine().history(case_id, actor())
    at = _at(history)
    return render_template(
        "replay.html", history=history, at=at, frame=history.frames[at - 1] if history.frames else None
    )


def _at(history: HistoryView) -> int:
    text = request.args.get("at", "")
    last = len(history.frames)
    wanted = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else last  # noqa: PLR2004
    return min(max(wanted, 1), last) if last else 0


@blueprint.get("/audit/cases/<int:case_id>/diagram.bpmn")
def diagram(case_id: int) -> Response:
    """Hand out the drawing the case runs on."""
    return Response(engine().history(case_id, actor()).diagram_xml, mimetype="application/xml")
