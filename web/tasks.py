"""For those who act: claim, release, reassign, hand in papers, decide and sign.

Deciding takes two steps, with or without JavaScript. The case page sends the decision; if the engine finds it whole it is kept as a
draft and the sign page shows what will be signed and its digest. The sign page sends the password and that digest; if the case has
moved on meanwhile the engine refuses, and the page shows its present state with everything typed still there.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for

from engine.errors import Conflict, Invalid, Message, NotFound, NotOpen, Rejected
from web.cases import number_in, render_case
from web.errors import status_of
from web.fields import typed_in, widgets_of
from web.present import actor, engine, visitor

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

    from engine.views import SigningView

blueprint = Blueprint("tasks", __name__)

_LONGEST_OPINION = 4000
"""What is kept of a typed opinion; the engine says how long one may be."""


@blueprint.post("/tasks/<task_id>/claim")
def claim(task_id: str) -> AnyResponse:
    """Take a task that waits for one's post."""
    receipt = engine().claim(task_id, actor())
    return redirect(_task_page(receipt.case_id, task_id, "claimed"), 303)


@blueprint.post("/tasks/<task_id>/release")
def release(task_id: str) -> AnyResponse:
    """Give a task back to everybody who holds the post."""
    engine().release(task_id, actor())
    return redirect(url_for("work.inbox", done="released"), 303)


@blueprint.get("/tasks/<task_id>/reassign")
def reassigning(task_id: str) -> str:
    """Ask to whom a task is handed and why."""
    return render_template(
        "reassign.html",
        task=engine().task(task_id, actor()),
        people=engine().colleagues(task_id, actor()),
        reason="",
        chosen="",
        error=None,
        fields={},
    )


@blueprint.post("/tasks/<task_id>/reassign")
def reassign(task_id: str) -> AnyResponse:
    """Hand a task to another holder of the post."""
    chosen = request.form.get("person", "")
    reason = request.form.get("reason", "").strip()[:_LONGEST_OPINION]
    try:
        receipt = engine().reassign(task_id, actor(), number_in(chosen), reason)
    except NotFound:
        raise
    except Rejected as rejected:
        body = render_template(
            "reassign.html",
            task=engine().task(task_id, actor()),
            people=engine().colleagues(task_id, actor()),
            reason=reason,
            chosen=chosen,
            error=rejected.message,
            fields=getattr(rejected, "fields", {}),
        )
        return make_response(body, status_of(rejected))
    return redirect(url_for("cases.page", case_id=receipt.case_id, done="reassigned"), 303)


@blueprint.post("/tasks/<task_id>/attachments")
def attach(task_id: str) -> AnyResponse:
    """Add a paper to an open task; what was typed beside it is kept as a draft."""
    _keep(task_id)
    _attach_all(task_id)
    return redirect(_task_page(case_of(task_id), task_id, "attached") + "#opinion", 303)


@blueprint.post("/tasks/<task_id>/draft")
def draft(task_id: str) -> AnyResponse:
    """Keep what has been typed so far."""
    _keep(task_id)
    return redirect(_task_page(case_of(task_id), task_id, "kept"), 303)


@blueprint.post("/tasks/<task_id>/decision")
def decide(task_id: str) -> AnyResponse:
    """Look whether the decision is whole, keep it, and go on to the sign page."""
    typed = _typed()
    try:
        _attach_all(task_id)
        _signing(task_id, typed)
    except Invalid as invalid:
        return _again(task_id, typed, invalid)
    except (Conflict, NotOpen) as rejected:
        return _too_late(task_id, typed, rejected)
    engine().save_draft(actor(), f"task:{task_id}", typed)
    return redirect(url_for("tasks.signing", task_id=task_id), 303)


@blueprint.get("/tasks/<task_id>/sign")
def signing(task_id: str) -> AnyResponse:
    """Show what will be signed, in which post, and what happens after."""
    kept = engine().task(task_id, actor()).draft
    if not kept:
        return redirect(_task_page(case_of(task_id), task_id))
    typed = {"outcome": "", "opinion": "", "values": {}, **kept}
    try:
        shown = _signing(task_id, typed)
    except Invalid as invalid:
        return _again(task_id, typed, invalid)
    except (Conflict, NotOpen) as rejected:
        return _too_late(task_id, typed, rejected)
    return make_response(_sign_page(shown, typed))


@blueprint.post("/tasks/<task_id>/sign")
def sign(task_id: str) -> AnyResponse:
    """Sign with the password; on a refusal everything typed is still there."""
    typed = _carried()
    who = visitor()
    try:
        proof = engine().accounts.prove(who.session.person_id, request.form.get("password", "")) if who else None
    except Rejected as rejected:
        return _sign_again(task_id, typed, rejected)
    try:
        receipt = engine().complete(
            task_id,
            actor(),
            typed["outcome"],
            _read(task_id, typed).values,
            typed["opinion"],
            seen_revision=number_in(request.form.get("revision")),
            seen_digest=request.form.get("digest", ""),
            proof=proof,
        )
    except Invalid as invalid:
        return _again(task_id, typed, invalid)
    except (Conflict, NotOpen) as rejected:
        return _too_late(task_id, typed, rejected)
    if receipt.next_task_id:
        return redirect(_task_page(receipt.case_id, receipt.next_task_id, "signed"), 303)
    return redirect(url_for("work.inbox", done="signed", no=receipt.case_no, case=receipt.case_id), 303)


def _sign_again(task_id: str, typed: dict[str, Any], rejected: Rejected) -> AnyResponse:
    try:
        shown = _signing(task_id, typed)
    except Invalid as invalid:
        return _again(task_id, typed, invalid)
    except (Conflict, NotOpen) as late:
        return _too_late(task_id, typed, late)
    return make_response(_sign_page(shown, typed, error=rejected.message), status_of(rejected))


def _read(task_id: str, typed: dict[str, Any]) -> Any:
    """Read what was typed with the task's form; the decision itself travels beside it."""
    return engine().read_task_form(task_id, actor(), typed["values"])


def _signing(task_id: str, typed: dict[str, Any]) -> SigningView:
    """Return what would be signed; Invalid with every fault of form, papers and opinion at once."""
    reading = _read(task_id, typed)
    try:
        shown = engine().signing(task_id, actor(), typed["outcome"], reading.values, typed["opinion"])
    except Invalid as invalid:
        raise Invalid(invalid.message, fields={**invalid.fields, **reading.errors}) from invalid
    if reading.errors:
        count = len(reading.errors)
        raise Invalid(
            Message(f"有 {count} 处需要改正，已填内容都在", f"{count} places need correcting; nothing typed is lost"),
            fields=reading.errors,
        )
    return shown


def _sign_page(shown: SigningView, typed: dict[str, Any], *, error: Message | None = None) -> str:
    return render_template(
        "sign.html",
        shown=shown,
        carried=json.dumps(typed, ensure_ascii=False),
        sections=widgets_of(shown.task.form, shown.task.fields, shown.values, {}),
        error=error,
    )


def _again(task_id: str, typed: dict[str, Any], invalid: Invalid) -> AnyResponse:
    """Show the form again with what was typed and a sentence beside each field concerned."""
    task = engine().task(task_id, actor())
    case = engine().case(task.case_id, actor())
    body = render_case(case, task, typed=typed, errors=invalid.fields, refusal=invalid.message)
    return make_response(body, status_of(invalid))


def _too_late(task_id: str, typed: dict[str, Any], rejected: Rejected) -> AnyResponse:
    """Somebody was faster: show the present state, and everything typed."""
    case = engine().case(case_of(task_id), actor())
    if any(task.task_id == task_id for task in case.tasks):
        body = render_case(case, engine().task(task_id, actor()), typed=typed, refusal=rejected.message, moved_on=True)
    else:
        body = render_template("conflict.html", case=case, message=rejected.message, typed=typed)
    return make_response(body, status_of(rejected))


def _typed() -> dict[str, Any]:
    """Return what the decision form sent, exactly as typed."""
    return {
        "outcome": request.form.get("outcome", ""),
        "opinion": request.form.get("opinion", "")[:_LONGEST_OPINION],
        "values": typed_in(request.form),
    }


def _carried() -> dict[str, Any]:
    """Return what the sign page carried from the decision form; anything odd counts as nothing typed."""
    try:
        sent = json.loads(request.form.get("typed", "{}"))
    except ValueError:
        sent = {}
    typed = _typed()
    if isinstance(sent, dict):
        for name in ("outcome", "opinion"):
            if isinstance(sent.get(name), str):
                typed[name] = sent[name]
        if isinstance(sent.get("values"), dict):
            typed["values"] = sent["values"]
    return typed


def _keep(task_id: str) -> None:
    engine().save_draft(actor(), f"task:{task_id}", _typed())


def _attach_all(task_id: str) -> None:
    for name in request.files:
        if name.startswith("paper:"):
            for file in request.files.getlist(name):
                if file.filename:
                    engine().attach(actor(), task_id, name.removeprefix("paper:"), file.filename, file.read())


def case_of(task_id: str) -> int:
    """Return the case a task's id names; 0, which no case has, for anything else."""
    return max(0, number_in(task_id.partition("-")[0]))


def _task_page(case_id: int, task_id: str, done: str | None = None) -> str:
    return url_for("cases.page", case_id=case_id, task=task_id, done=done)
