"""For those who receive applications: choose a household, fill the form a section at a time, add papers, check, sign, receipt.

The steps are the sections of the process's own form, so a new process needs no page of its own. Each step saves the draft as
typed; the engine judges everything again when the case is handed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from engine.errors import Invalid, Message, NotFound, NotPermitted, Rejected
from web.errors import status_of
from web.fields import Section, raw_of, typed_in, widgets_of
from web.present import actor, engine, visitor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response as AnyResponse

    from engine.views import StartForm

blueprint = Blueprint("start", __name__)

_LONGEST_SEARCH = 60


@dataclass(frozen=True, slots=True)
class Found:
    """A household that was found, and whether a case can be opened for it: `refusal` says why not."""

    row: Any
    form: StartForm | None
    refusal: Message | None

    @property
    def is_free(self) -> bool:
        """Whether there is a member for whom no case is running."""
        return self.form is not None and any(not member["running"] for member in self.form.household["members"])

    @property
    def running(self) -> tuple[int, str] | None:
        """The id and number of a running case of one of the members."""
        members = self.form.household["members"] if self.form is not None else ()
        return next((member["running"] for member in members if member["running"]), None)


@blueprint.get("/start")
def processes() -> AnyResponse | str:
    """List what one's post may start; with only one, go straight to the household."""
    found = tuple(process for process in engine().processes(actor()) if process.permitted)
    if len(found) == 1:
        return redirect(url_for("start.households", process_id=found[0].process_id))
    return render_template("start_processes.html", processes=found)


@blueprint.get("/start/<process_id>")
def households(process_id: str) -> AnyResponse | str:
    """Ask for which household and member, and say of each found one whether it can be."""
    query = request.args.get("q", "").strip()[:_LONGEST_SEARCH]
    process = _process(process_id)
    refusal: Message | None = None
    rows: tuple[Any, ...] = ()
    if query:
        try:
            rows = engine().households(actor(), query)
        except Invalid as invalid:
            refusal = invalid.message
    found = tuple(_look(process_id, row) for row in rows)
    chosen_no = request.args.get("household", "")
    chosen = next((one for one in found if one.row.household_no == chosen_no), None)
    if chosen is None:
        chosen = next((one for one in found if one.is_free), None)
    page = render_template(
        "start_households.html", process=process, query=query, found=found, chosen=chosen, refusal=refusal
    )
    return make_response(page, 422 if refusal else 200)


def _look(process_id: str, row: Any) -> Found:
    try:
        return Found(row, engine().start_form(process_id, row.household_no, None, actor()), None)
    except (NotPermitted, NotFound) as rejected:
        return Found(row, None, rejected.message)


@blueprint.post("/start/<process_id>")
def choose(process_id: str) -> AnyResponse:
    """Open a draft for the chosen member and go to its list of steps."""
    household_no = request.form.get("household", "")
    query = request.form.get("q", "")
    if not household_no:
        return redirect(url_for("start.households", process_id=process_id, q=query), 303)
    form = engine().start_form(process_id, household_no, None, actor())
    members = {member["person_no"]: member for member in form.household["members"]}
    person_no = request.form.get("person", "")
    if person_no not in members:
        # Another household was chosen than the one whose members were shown.
        return redirect(url_for("start.households", process_id=process_id, q=query, household=household_no), 303)
    running = members[person_no]["running"]
    if running:
        return redirect(url_for("cases.page", case_id=running[0], done="running"), 303)
    typed = {**_typed_so_far(form), "person_no": person_no}
    engine().save_draft(actor(), f"start:{process_id}", typed, household_no)
    return redirect(url_for("start.hub", process_id=process_id, household_no=household_no), 303)


@blueprint.get("/start/<process_id>/<household_no>")
def hub(process_id: str, household_no: str) -> str:
    """Show the list of steps and how far each has come."""
    form = _form(process_id, household_no)
    sections = _sections(form)
    return render_template(
        "start_hub.html", form=form, sections=sections, ready=_ready(form, sections), **_counts(form, sections)
    )


@blueprint.get("/start/<process_id>/<household_no>/section/<key>")
def section(process_id: str, household_no: str, key: str) -> str:
    """Show one section of the form."""
    form = _form(process_id, household_no)
    sections = _sections(form)
    return _section_page(form, sections, _index(sections, key))


@blueprint.post("/start/<process_id>/<household_no>/section/<key>")
def save_section(process_id: str, household_no: str, key: str) -> AnyResponse:
    """Save one section and go on to the next step; what the form's rules say about it is shown beside the fields."""
    form = _form(process_id, household_no)
    before = _sections(form)
    index = _index(before, key)
    names = {widget.name for widget in before[index].widgets}
    posted = typed_in(request.form)
    typed = {name: value for name, value in _typed_so_far(form).items() if name not in names}
    # What was emptied stays empty, also where the register would fill it in again.
    typed.update({name: posted.get(name, "") for name in names})
    engine().save_draft(actor(), f"start:{process_id}", typed, household_no)
    sections = widgets_of(form.form, form.fields, {**form.values, **typed}, {})
    errors = engine().read_start_form(process_id, raw_of(sections)).errors
    concerned = {name: message for name, message in errors.items() if name in names}
    if concerned and request.form.get("go") != "later":
        wrong = widgets_of(form.form, form.fields, {**form.values, **typed}, concerned)
        return make_response(_section_page(form, wrong, index), 422)
    onward = "start.check" if request.form.get("go") == "check" else "start.hub"
    return redirect(url_for(onward, process_id=process_id, household_no=household_no), 303)


@blueprint.get("/start/<process_id>/<household_no>/papers")
def papers(process_id: str, household_no: str) -> str:
    """Show the places for papers, and what lies in them."""
    return render_template("start_papers.html", form=_form(process_id, household_no), error=None)


@blueprint.post("/start/<process_id>/<household_no>/papers")
def attach(process_id: str, household_no: str) -> AnyResponse:
    """Add papers to the draft, or take one out of it."""
    form = _form(process_id, household_no)
    draft_id = form.draft_id or engine().save_draft(
        actor(), f"start:{process_id}", {"person_no": form.household["person_no"]}, household_no
    )
    try:
        if request.form.get("remove"):
            engine().remove_paper(actor(), request.form["remove"])
        for slot in form.slots:
            for file in request.files.getlist(f"paper:{slot.slot}"):
                if file.filename:
                    engine().attach(actor(), draft_id, slot.slot, file.filename, file.read())
    except Rejected as rejected:
        page = render_template("start_papers.html", form=_form(process_id, household_no), error=rejected.message)
        return make_response(page, status_of(rejected))
    onward = "start.hub" if request.form.get("go") == "hub" else "start.papers"
    return redirect(url_for(onward, process_id=process_id, household_no=household_no), 303)


@blueprint.get("/start/<process_id>/<household_no>/check")
def check(process_id: str, household_no: str) -> str:
    """Show all answers once more with a way back to each, and ask for the signature."""
    form = _form(process_id, household_no)
    errors = engine().read_start_form(process_id, raw_of(_sections(form))).errors
    return _check_page(form, errors, None)


@blueprint.post("/start/<process_id>/<household_no>/check")
def hand_in(process_id: str, household_no: str) -> AnyResponse:
    """Sign and hand in; everything stays as typed where the engine says no."""
    running = _running(process_id, household_no, request.form.get("person", ""))
    if running is not None:
        # A second press, or a colleague was faster: there is one case, and this is it.
        return redirect(url_for("cases.page", case_id=running, done="running"), 303)
    form = _form(process_id, household_no)
    who = visitor()
    if not request.form.get("declared"):
        declared = Message("请先确认内容属实", "Please confirm first that the content is true")
        return make_response(_check_page(form, {"declared": declared}, declared), 422)
    reading = engine().read_start_form(process_id, raw_of(_sections(form)))
    if reading.errors:
        wrong = Message(
            f"还有 {len(reading.errors)} 处要改，已填内容都在",
            f"{len(reading.errors)} places need correcting; nothing is lost",
        )
        return make_response(_check_page(form, reading.errors, wrong), 422)
    try:
        proof = engine().accounts.prove(who.session.person_id, request.form.get("password", "")) if who else None
        receipt = engine().start(
            actor(),
            process_id,
            household_no,
            form.household["person_no"],
            reading.values,
            draft_id=form.draft_id or None,
            proof=proof,
        )
    except Rejected as rejected:
        running = _running(process_id, household_no, form.household["person_no"])
        if running is not None:
            return redirect(url_for("cases.page", case_id=running, done="running"), 303)
        return make_response(_check_page(form, getattr(rejected, "fields", {}), rejected.message), status_of(rejected))
    return redirect(url_for("cases.receipt", case_id=receipt.case_id), 303)


def _running(process_id: str, household_no: str, person_no: str) -> int | None:
    """Return the running case of a member of the household, if there is one."""
    if not person_no:
        return None
    found = engine().start_form(process_id, household_no, person_no, actor()).running_case
    return None if found is None else found[0]


def _process(process_id: str) -> Any:
    found = next((process for process in engine().processes(actor()) if process.process_id == process_id), None)
    if found is None:
        abort(404)
    if not found.permitted:
        raise NotPermitted(
            found.reason or Message("您的岗位不受理这类申请", "Your post does not receive these applications")
        )
    return found


def _form(process_id: str, household_no: str) -> StartForm:
    """Return the form for the member the draft was begun for, the head of the household where there is none yet."""
    form = engine().start_form(process_id, household_no, None, actor())
    person_no = form.values.get("person_no")
    if isinstance(person_no, str) and person_no != form.household["person_no"]:
        form = engine().start_form(process_id, household_no, person_no, actor())
    return form


def _typed_so_far(form: StartForm) -> dict[str, Any]:
    """Return what the draft holds: the engine gives it back among the values, the register's own beside it."""
    known = {*form.form.get("schema", {}).get("properties", {}), "person_no"}
    return {name: value for name, value in form.values.items() if name in known}


def _sections(form: StartForm, errors: Mapping[str, Message] | None = None) -> tuple[Section, ...]:
    return widgets_of(form.form, form.fields, form.values, errors or {})


def _index(sections: tuple[Section, ...], key: str) -> int:
    found = next((index for index, one in enumerate(sections) if one.key == key), None)
    if found is None:
        abort(404)
    return found


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
