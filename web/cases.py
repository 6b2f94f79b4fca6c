"""For everybody who may see a case: its page, its papers, its diagram, revealing a masked value, withdrawing, the receipt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from engine.errors import Message, NotFound, Rejected
from web.errors import status_of
from web.fields import widgets_of
from web.present import actor, engine, visitor

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from werkzeug.wrappers import Response as AnyResponse

    from engine.views import CaseView, TaskView

blueprint = Blueprint("cases", __name__)

_SHOWN_IN_THE_BROWSER = frozenset({"application/pdf", "image/jpeg", "image/png", "image/webp"})
_LONGEST_REASON = 500
_LONGEST_OBJECTION = 2000


@blueprint.get("/cases/<int:case_id>")
def page(case_id: int) -> str:
    """Show a case as one document; with an open task of the viewer's, the form to decide it is in it."""
    case = engine().case(case_id, actor())
    task = chosen_task(case, request.args.get("task", ""))
    typed: dict[str, Any] = {}
    if request.args.get("outcome"):
        typed["outcome"] = request.args["outcome"]
    return render_case(case, task, typed=typed)


def chosen_task(case: CaseView, task_id: str) -> TaskView | None:
    """Return the open task asked for, or the first the viewer may complete; light tasks of the case are read in full."""
    ids = [task.task_id for task in case.tasks]
    if task_id not in ids:
        permitted = [task.task_id for task in case.tasks if may(task, "complete")]
        task_id = permitted[0] if permitted else ""
    if not task_id:
        return None
    return engine().task(task_id, actor())


def may(task: TaskView, name: str) -> bool:
    """Say whether the viewer may do this with the task."""
    return any(action.name == name and action.permitted for action in task.actions)


def render_case(
    case: CaseView,
    task: TaskView | None,
    *,
    typed: Mapping[str, Any] | None = None,
    errors: Mapping[str, Message] | None = None,
    refusal: Message | None = None,
    revealed: tuple[str, str] | None = None,
    moved_on: bool = False,
) -> str:
    """Render the case page; `typed` is what somebody had typed and goes before what the engine knows."""
    form: dict[str, Any] = {"outcome": "", "opinion": "", "values": {}}
    if task is not None and task.draft:
        form.update(task.draft)
    form.update(typed or {})
    sections = widgets_of(task.form, task.fields, {**task.values, **form["values"]}, errors or {}) if task else ()
    return render_template(
        "case.html",
        case=case,
        task=task,
        form=form,
        form_sections=sections,
        errors=errors or {},
        refusal=refusal,
        revealed=revealed,
        moved_on=moved_on,
    )


@blueprint.get("/cases/<int:case_id>/diagram.bpmn")
def diagram(case_id: int) -> Response:
    """Hand out the drawing the case runs on, for the viewer on the page."""
    return Response(engine().case(case_id, actor()).diagram_xml, mimetype="application/xml")


@blueprint.get("/attachments/<attachment_id>")
def attachment(attachment_id: str) -> Response:
    """Hand out a paper: pictures and PDF in the browser, everything else as a download, and never as a page of ours."""
    about, content = engine().attachment(attachment_id, actor())
    shown = about.media_type in _SHOWN_IN_THE_BROWSER
    answer = Response(content, mimetype=about.media_type if shown else "application/octet-stream")
    answer.headers.set("Content-Disposition", "inline" if shown else "attachment", filename=about.file_name)
    answer.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return answer


@blueprint.post("/cases/<int:case_id>/reveal")
def reveal(case_id: int) -> AnyResponse:
    """Show one masked value once; the engine records who looked. The value goes into no address and no cookie."""
    field = request.form.get("field", "")
    value = engine().reveal(case_id, field, actor())
    case = engine().case(case_id, actor())
    page_text = render_case(case, chosen_task(case, request.form.get("task", "")), revealed=(field, value))
    return make_response(page_text)


@blueprint.get("/cases/<int:case_id>/receipt")
def receipt(case_id: int) -> str:
    """Show the receipt of a case: its number and what happens next."""
    return render_template("receipt.html", case=engine().case(case_id, actor()))


@blueprint.get("/cases/<int:case_id>/withdraw")
def withdrawing(case_id: int) -> str:
    """Ask why a case is withdrawn, and for the password."""
    case = engine().case(case_id, actor())
    return render_template("withdraw.html", case=case, reason="", error=None, fields={}, revision=case.revision)


@blueprint.post("/cases/<int:case_id>/withdraw")
def withdraw(case_id: int) -> AnyResponse:
    """Withdraw a case with a signed reason."""
    who = visitor()
    reason = request.form.get("reason", "").strip()[:_LONGEST_REASON]
    try:
        proof = engine().accounts.prove(who.session.person_id, request.form.get("password", "")) if who else None
        engine().withdraw(case_id, actor(), reason, seen_revision=number_in(request.form.get("revision")), proof=proof)
    except NotFound:
        raise
    except Rejected as rejected:
        case = engine().case(case_id, actor())
        body = render_template(
            "withdraw.html",
            case=case,
            reason=reason,
            error=rejected.message,
            fields=getattr(rejected, "fields", {}),
            revision=case.revision,
        )
        return make_response(body, status_of(rejected))
    return redirect(url_for("cases.page", case_id=case_id, done="withdrawn"), 303)


@blueprint.get("/cases/<int:case_id>/objection")
def objecting(case_id: int) -> str:
    """Ask for an objection against the running notice, as it was brought."""
    return render_template("objection.html", case=engine().case(case_id, actor()), text="", error=None, fields={})


@blueprint.post("/cases/<int:case_id>/objection")
def register_objection(case_id: int) -> AnyResponse:
    """Write an objection down; the notice stands still until it has been verified."""
    text = request.form.get("text", "")[: 2 * _LONGEST_OBJECTION]
    try:
        engine().register_objection(case_id, actor(), text)
    except NotFound:
        raise
    except Rejected as rejected:
        body = render_template(
            "objection.html",
            case=engine().case(case_id, actor()),
            text=text,
            error=rejected.message,
            fields=getattr(rejected, "fields", {}),
        )
        return make_response(body, status_of(rejected))
    return redirect(url_for("cases.page", case_id=case_id, done="objected"), 303)


def number_in(text: str | None) -> int:
    """Return the whole number a form sent; −1, which no row has, for anything else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else -1  # noqa: PLR2004
