"""For those who act: the inbox with its decision brief, and the search over cases of one's jurisdiction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, render_template, request

from engine.errors import NotFound
from web.present import actor, engine

if TYPE_CHECKING:
    from engine.views import CaseView, InboxPage

blueprint = Blueprint("work", __name__)

_LONGEST_SEARCH = 60


@blueprint.get("/inbox")
def inbox() -> str:
    """Show what waits for this post, most urgent first, and the brief of the chosen task."""
    chosen = request.args.get("filter", "all")
    found = engine().inbox(
        actor(), filter=chosen, page=page_number(), search=request.args.get("q", "")[:_LONGEST_SEARCH]
    )
    task_id = request.args.get("task", "")
    brief = _brief(task_id, found)
    return render_template(
        "inbox.html", found=found, chosen=chosen, task_id=brief[0], case=brief[1], opened=bool(task_id)
    )


def _brief(task_id: str, found: InboxPage) -> tuple[str, CaseView | None]:
    """Return the chosen task's brief, or that of the first row; a task that has gone meanwhile leaves the first row."""
    ids = [task_id] if task_id else []
    if found.rows:
        ids.append(found.rows[0].task_id)
    for wanted in ids:
        try:
            return wanted, engine().brief(wanted, actor())
        except NotFound:
            continue
    return "", None


@blueprint.get("/cases")
def search() -> str:
    """Find cases by number, name, pinyin initials or the last four of the ID number."""
    query = request.args.get("q", "").strip()[:_LONGEST_SEARCH]
    found = engine().search_cases(actor(), query, page_number()) if query else None
    return render_template("search.html", query=query, found=found)


def page_number() -> int:
    """Return the page asked for; anything odd is page 1."""
    text = request.args.get("page", "1")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else 1  # noqa: PLR2004
