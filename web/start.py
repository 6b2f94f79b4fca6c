"""For those who receive applications: choose a household, fill the form a section at a time, add papers, check, sign, receipt.

The steps are the sections of the process's own form, so a new process needs no page of its own. Each step saves the draft as
typed; the engine judges everything again when the case is handed in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from engine.errors import Invalid, Message, Rejected
from web.errors import status_of
from web.fields import Section, typed_in, widgets_of
from web.present import actor, engine, visitor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response as AnyResponse

    from engine.views import StartForm

blueprint = Blueprint("start", __name__)

_LONGEST_SEARCH = 60


@blueprint.get("/start")
def processes() -> AnyResponse | str:
    """List what one's post may start; with only one, go straight to the household."""
    found = engine().processes(actor())
    if len(found) == 1:
        return redirect(url_for("start.households", process_id=found[0].process_id))
    return render_template("start_processes.html", processes=found)


@blueprint.get("/start/<process_id>")
def households(process_id: str) -> str:
    """Ask for which household, and say of each found one whether it can be."""
    query = request.args.get("q", "").strip()[:_LONGEST_SEARCH]
    found = engine().households(actor(), query) if query else ()
    chosen_no = request.args.get("household", "")
    chosen = next((row for row in found if row.household_no == chosen_no), None)
    if chosen is None and len(found) == 1:
        chosen = found[0]
    return render_template(
        "start_households.html", process_id=process_id, process=_process(process_id), query=query, found=found, chosen=chosen
    )


@blueprint.post("/start/<process_id>")
def choose(process_id: str) -> AnyResponse:
    """Open a draft for the chosen household and go to its list of steps."""
    household_no = request.form.get("household", "")
    if not household_no:
        return redirect(url_for("start.households", process_id=process_id, q=request.form.get("q", "")), 303)
    form = engine().start_form(process_id, household_no, actor())
    if form.running_case is not None:
        return redirect(url_for("cases.page", case_id=form.running_case[0], done="running"), 303)
    if not form.draft_id:
        engine().save_draft(actor(), f"start:{process_id}", {"values": {}}, household_no)
    return redirect(url_for("start.hub", process_id=process_id, household_no=household_no), 303)


@blueprint.get("/start/<process_id>/<household_no>")
def hub(process_id: str, household_no: str) -> str:
    """Show the list of steps and how far each has come."""
    form = engine().start_form(process_id, household_no, actor())
    sections = _sections(form)
    return render_template("start_hub.html", form=form, sections=sections, ready=_ready(form, sections), **_counts(form, sections))


@blueprint.get("/start/<process_id>/<household_no>/section/<key>")
def section(process_id: str, household_no: str, key: str) -> str:
    """Show one section of the form."""
    form = engine().start_form(process_id, household_no, actor())
    sections = _sections(form)
    return _section_page(form, sections, _index(sections, key))


@blueprint.post("/start/<process_id>/<household_no>/section/<key>")
def save_section(process_id: str, household_no: str, key: str) -> AnyResponse:
    """Save one section and go on to the next step; what the form's rules say about it is shown beside the fields."""
    form = engine().start_form(process_id, household_no, actor())
    before = _sections(form)
    index = _index(before, key)
    values = dict(_typed_so_far(form))
    for widget in before[index].widgets:
        values.pop(widget.name, None)
    posted = typed_in(request.form)
    values.update({widget.name: posted[widget.name] for widget in before[index].widgets if widget.name in posted})
    engine().save_draft(actor(), f"start:{process_id}", {"values": values}, household_no)
    errors = engine().read_start(process_id, household_no, actor(), values).errors
    concerned = {widget.name: errors[widget.name] for widget in before[index].widgets if widget.name in errors}
    if concerned and request.form.get("go") != "later":
        form = engine().start_form(process_id, household_no, actor())
        page = _section_page(form, widgets_of(form.form, form.fields, {**form.values, **values}, concerned), index)
        return make_response(page, 422)
    if request.form.get("go") == "check":
        return redirect(url_for("start.check", process_id=process_id, household_no=household_no), 303)
    return redirect(url_for("start.hub", process_id=process_id, household_no=household_no), 303)


@blueprint.get("/start/<process_id>/<household_no>/papers")
def papers(process_id: str, household_no: str) -> str:
    """Show the places for papers, and what lies in them."""
    form = engine().start_form(process_id, household_no, actor())
    return render_template("start_papers.html", form=form, error=None)


@blueprint.post("/start/<process_id>/<household_no>/papers")
def attach(process_id: str, household_no: str) -> AnyResponse:
    """Add papers to the draft."""
    form = engine().start_form(process_id, household_no, actor())
    draft_id = form.draft_id or engine().save_draft(actor(), f"start:{process_id}", {"values": {}}, household_no)
    try:
        for slot in form.slots:
            for file in request.files.getlist(f"paper:{slot.slot}"):
                if file.filename:
                    engine().attach(actor(), draft_id, slot.slot, file.filename, file.mimetype, file.read())
    except Rejected as rejected:
        form = engine().start_form(process_id, household_no, actor())
        return make_response(render_template("start_papers.html", form=form, error=rejected.message), status_of(rejected))
    onward = "start.hub" if request.form.get("go") == "hub" else "start.papers"
    return redirect(url_for(onward, process_id=process_id, household_no=household_no), 303)


@blueprint.get("/start/<process_id>/<household_no>/check")
def check(process_id: str, household_no: str) -> str:
    """Show all answers once more with a way back to each, and ask for the signature."""
    form = engine().start_form(process_id, household_no, actor())
    return _check_page(form, {}, None)


@blueprint.post("/start/<process_id>/<household_no>/check")
def hand_in(process_id: str, household_no: str) -> AnyResponse:
    """Sign and hand in; everything stays as typed where the engine says no."""
    form = engine().start_form(process_id, household_no, actor())
    who = visitor()
    if not request.form.get("declared"):
        declared = Message("请先确认内容属实", "Please confirm first that the content is true")
        return make_response(_check_page(form, {"declared": declared}, declared), 422)
    try:
        proof = engine().accounts.prove(who.session.person_id, request.form.get("password", "")) if who else None
        receipt = engine().start(
            actor(),
            process_id,
            household_no,
            {**form.values, **_typed_so_far(form)},
            draft_id=form.draft_id or None,
            proof=proof,
        )
    except Invalid as invalid:
        return make_response(_check_page(form, invalid.fields, invalid.message), 422)
    except Rejected as rejected:
        return make_response(_check_page(form, {}, rejected.message), status_of(rejected))
    return redirect(url_for("cases.receipt", case_id=receipt.case_id), 303)


def _process(process_id: str) -> Any:
    found = next((process for process in engine().processes(actor()) if process.process_id == process_id), None)
    if found is None:
        abort(404)
    return found


def _typed_so_far(form: StartForm) -> Mapping[str, Any]:
    return dict((form.draft or {}).get("values", {}))


def _sections(form: StartForm, errors: Mapping[str, Message] | None = None) -> tuple[Section, ...]:
    return widgets_of(form.form, form.fields, {**form.values, **_typed_so_far(form)}, errors or {})


def _index(sections: tuple[Section, ...], key: str) -> int:
    for index, one in enumerate(sections):
        if one.key == key:
            return index
    abort(404)


def _ready(form: StartForm, sections: tuple[Section, ...]) -> bool:
    return not any(one.missing for one in sections) and not any(slot.required and not slot.files for slot in form.slots)


def _counts(form: StartForm, sections: tuple[Section, ...]) -> dict[str, int]:
    papers_missing = sum(1 for slot in form.slots if slot.required and not slot.files)
    done = 1 + sum(1 for one in sections if not one.missing) + (1 if form.slots and not papers_missing else 0)
    return {
        "steps": len(sections) + 2 + (1 if form.slots else 0),
        "steps_done": done,
        "papers_missing": papers_missing,
        "papers_there": sum(len(slot.files) for slot in form.slots),
    }


def _section_page(form: StartForm, sections: tuple[Section, ...], index: int) -> str:
    return render_template(
        "start_section.html", form=form, section=sections[index], number=index + 2, **_counts(form, sections)
    )


def _check_page(form: StartForm, errors: Mapping[str, Message], refusal: Message | None) -> str:
    sections = _sections(form, errors)
    return render_template(
        "start_check.html",
        form=form,
        sections=sections,
        errors=errors,
        refusal=refusal,
        ready=_ready(form, sections),
        **_counts(form, sections),
    )
