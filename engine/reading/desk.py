"""Everything a person can look at, through one door. Each look is a transaction of its own that is rolled back: looking writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from engine import model
from engine.errors import Message, NotFound
from engine.instants import from_text, local_date
from engine.people import posts
from engine.people.jurisdiction import Subject, require, verdict
from engine.reading import cases, inbox, tasks
from engine.reading.starting import StartChoice, start_choices, start_form
from engine.register.households import HouseholdRow, find_households
from engine.texts import can_be_kept
from engine.verbs import complete, rows
from engine.verbs.case_work import CaseWork
from engine.verbs.incidents import within_reach
from engine.verbs.signing import document
from engine.verbs.task_ids import parse_task_id
from engine.views import NoticeView, SigningView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.ground import Ground
    from engine.people.accounts import Accounts
    from engine.people.actor import Actor
    from engine.runtime import FormReading
    from engine.views import AttachmentView, CaseView, HistoryView, InboxPage, StartForm, TaskView


class Desk:
    """What can be seen: inboxes, cases, tasks, forms, notices."""

    def __init__(self, ground: Ground, accounts: Accounts) -> None:
        self.ground = ground
        self.accounts = accounts

    def actor(self, person_id: int, post_id: int) -> Actor:
        """Return a person acting in one of their posts today; NotFound when it is not theirs or has ended."""
        with self.ground.database.reading() as connection:
            return posts.actor(
                connection,
                person_id,
                post_id,
                local_date(self.ground.clock()),
                organisation=self.ground.organisation,
            )

    # ---- lists -----------------------------------------------------------------------------------------------------

    def inbox(self, actor: Actor, *, filter: str = "all", page: int = 1, search: str = "") -> InboxPage:  # noqa: A002  (the word a reader uses)
        """Return a page of what the actor's post has to deal with; with `search`, the cases of the jurisdiction that fit.

        `filter` is one of the inbox's filters, or "done" for what the actor has dealt with, or "started" for what they opened.
        """
        with self.ground.database.reading() as connection:
            if search.strip():
                return inbox.search(self.ground, connection, actor, search, page=page)
            if filter == "done":
                return inbox.dealt_with(self.ground, connection, actor, page=page)
            if filter == "started":
                return inbox.started(self.ground, connection, actor, page=page)
            return inbox.inbox(self.ground, connection, actor, chosen=filter, page=page)

    def search_cases(self, actor: Actor, query: str, page: int = 1) -> InboxPage:
        """Find cases of the jurisdiction by number, name, pinyin initials or the last four of an ID number."""
        with self.ground.database.reading() as connection:
            return inbox.search(self.ground, connection, actor, query, page=page)

    def waiting(self, actor: Actor) -> int:
        """Return how many tasks wait for the actor's post."""
        table = model.task
        with self.ground.database.reading() as connection:
            return int(
                connection.execute(
                    select(func.count())
                    .select_from(table)
                    .where(
                        table.c.state == "OPEN", table.c.role == actor.role, table.c.region_code == actor.region_code
                    )
                ).scalar_one()
            )

    # ---- a case and its tasks --------------------------------------------------------------------------------------

    def case(self, case_id: int, actor: Actor) -> CaseView:
        """Return a case as one document; NotFound outside the jurisdiction."""
        with self.ground.database.reading() as connection:
            return cases.case_view(self.ground, connection, case_id, actor)

    def task(self, task_id: str, actor: Actor) -> TaskView:
        """Return an open task with its form and its decisions; NotOpen where somebody has dealt with it."""
        with self.ground.database.reading() as connection:
            return tasks.task_view(self.ground, connection, task_id, actor)

    def history(self, case_id: int, actor: Actor) -> HistoryView:
        """Return a case's replay with its proof, to an auditor; NotFound outside the jurisdiction."""
        from engine.reading.history import history  # the proof is heavy to load, and only auditors ask for it

        with self.ground.database.reading() as connection:
            return history(self.ground, connection, case_id, actor)

    def brief(self, task_id: str, actor: Actor) -> CaseView:
        """Return the case of a task, for the brief beside the inbox."""
        return self.case(parse_task_id(task_id)[0], actor)

    def read_task_form(self, task_id: str, actor: Actor, raw: Mapping[str, str | Sequence[str]]) -> FormReading:
        """Read what was typed into a task's form: typed values and a sentence for each fault; never raises for bad input."""
        with self.ground.database.reading() as connection:
            case_id, no = parse_task_id(task_id)
            loaded = tasks.load_case(self.ground, connection, case_id, actor)
            task = next((one for one in loaded.open_tasks if one.no == no), None)
            if task is None:
                raise tasks.closed_task(connection, loaded, no)
            form = loaded.definition.forms[task.form]
            reading = form.read(raw, today=local_date(loaded.now))
        if form.outcome is not None:
            reading.errors.pop(form.outcome.field, None)
        return reading

    def signing(
        self, task_id: str, actor: Actor, outcome: str, values: Mapping[str, Any], opinion: str = ""
    ) -> SigningView:
        """Return what would be signed, and its digest; Invalid with every fault, NotPermitted where the actor may not."""
        from engine.batch import Batch

        with self.ground.database.reading() as connection:
            case_id, no = parse_task_id(task_id)
            batch = Batch(connection)
            found = batch.select(rows.READ_TASK, {"case_id": case_id, "no": no, "person_hash": actor.person_hash})
            if not found:
                raise NotFound(Message("没有找到这项任务", "There is no such task, or it is not in your jurisdiction"))
            case, held, task = rows.as_task(found[0])
            work = CaseWork(self.ground, batch, case, self.ground.clock())
            require("see", actor, work.subject(task, held))
            loaded = tasks.load_case(self.ground, connection, case_id, actor)
            if task.state != "OPEN":
                raise tasks.closed_task(connection, loaded, no)
            require("complete", actor, work.subject(task, held))
            decision = complete.read_decision(work, task, outcome, values, opinion)
            shown = document(
                case=case,
                task=task,
                actor=actor,
                outcome=decision.outcome,
                opinion=decision.opinion,
                values=decision.values,
                data=work.data,
            )
            view = tasks.view_of(self.ground, connection, loaded, task, actor)
            chosen = next(one for one in view.outcomes if one.value == decision.outcome)
            after = tasks.consequence(self.ground, loaded, task, decision.values)
            return SigningView(
                task=view,
                actor=actor,
                case=cases.case_view(self.ground, connection, case_id, actor),
                outcome=chosen,
                opinion=decision.opinion,
                values=decision.values,
                digest=shown.digest,
                after=(
                    Message(f"签署后{after.zh}", f"After signing: {after.en}"),
                    Message(
                        "签署后本人不能再修改,只能按程序退回或撤回",
                        "You cannot change it afterwards; only a formal return or withdrawal can",
                    ),
                ),
            )

    # ---- opening a case --------------------------------------------------------------------------------------------

    def processes(self, actor: Actor) -> tuple[StartChoice, ...]:
        """Return the processes, and whether the actor's post may open a case of each."""
        with self.ground.database.reading() as connection:
            return start_choices(self.ground, connection, actor)

    def households(self, actor: Actor, query: str) -> tuple[HouseholdRow, ...]:
        """Find households of the jurisdiction by name, pinyin initials, last four of an ID number or household number."""
        with self.ground.database.reading() as connection:
            return tuple(find_households(connection, query, scope=actor.region_code))

    def start_form(self, process_id: str, household_no: str, person_no: str | None, actor: Actor) -> StartForm:
        """Return the form that opens a case for a member of a household, pre-filled, with the draft begun before."""
        with self.ground.database.reading() as connection:
            return start_form(self.ground, connection, process_id, household_no, person_no, actor)

    def read_start_form(self, process_id: str, raw: Mapping[str, str | Sequence[str]]) -> FormReading:
        """Read what was typed into the form that opens a case; never raises for bad input."""
        from engine.verbs.start import first_task

        with self.ground.database.reading() as connection:
            definition = self.ground.latest(connection, process_id)
            form = definition.forms[first_task(definition).properties["form"]]
        return form.read(raw, today=local_date(self.ground.clock()))

    # ---- papers ----------------------------------------------------------------------------------------------------

    def attachment(self, paper_id: str, actor: Actor) -> tuple[AttachmentView, bytes]:
        """Return a paper and its content, to whoever may see its case, or to the owner of the draft it lies in."""
        table, person = model.attachment, model.person
        with self.ground.database.reading() as connection:
            row = (
                connection.execute(
                    select(table, person.c.name)
                    .join(person, person.c.id == table.c.uploaded_by)
                    .where(table.c.id == paper_id)
                ).one_or_none()
                if can_be_kept(paper_id)
                else None
            )
            if row is None or (row.case_id is None and row.uploaded_by != actor.person_id):
                raise NotFound(Message("没有找到这份材料", "There is no such paper, or it is not in your jurisdiction"))
            words: dict[str, Message] = {}
            if row.case_id is not None:
                loaded = tasks.load_case(self.ground, connection, row.case_id, actor)
                words = tasks.slot_words(loaded.definition)
            return tasks.attachment_view(row, words), bytes(row.content)

    # ---- notices and incidents -------------------------------------------------------------------------------------

    def notices(self, person_id: int, *, limit: int = 50) -> tuple[NoticeView, ...]:
        """Return a person's notices, newest first."""
        table = model.notice
        with self.ground.database.reading() as connection:
            found = connection.execute(
                select(table)
                .where(table.c.person_id == person_id)
                .order_by(table.c.created_at.desc(), table.c.id.desc())
                .limit(limit)
            )
            return tuple(
                NoticeView(
                    id=row.id,
                    kind=row.kind,
                    title=Message(row.title_zh, row.title_en),
                    reason=row.reason,
                    case_id=row.case_id,
                    at=from_text(row.created_at),
                    is_read=row.read_at is not None,
                )
                for row in found
            )

    def unread(self, person_id: int) -> int:
        """Return how many notices a person has not read."""
        table = model.notice
        with self.ground.database.reading() as connection:
            return int(
                connection.execute(
                    select(func.count())
                    .select_from(table)
                    .where(table.c.person_id == person_id, table.c.read_at.is_(None))
                ).scalar_one()
            )

    def incidents(self, actor: Actor) -> tuple[Any, ...]:
        """Return the incidents of the administrator's place that wait to be dealt with, newest first."""
        require("see_incidents", actor, Subject(case_region=actor.region_code))
        table = model.incident
        with self.ground.database.reading() as connection:
            return tuple(
                connection.execute(
                    select(table).where(table.c.resolved_at.is_(None), within_reach(actor)).order_by(table.c.id.desc())
                ).all()
            )

    def colleagues(self, task_id: str, actor: Actor) -> tuple[tuple[int, str], ...]:
        """Return who holds the post of a task now, as (person id, name): to whom it may be reassigned."""
        case_id, no = parse_task_id(task_id)
        with self.ground.database.reading() as connection:
            loaded = tasks.load_case(self.ground, connection, case_id, actor)
            task = next((one for one in loaded.open_tasks if one.no == no), None)
            if task is None:
                raise tasks.closed_task(connection, loaded, no)
            found = posts.holders(connection, task.role, task.region_code, local_date(loaded.now))
            return tuple((one.person_id, one.name) for one in found)

    def may(self, action: str, actor: Actor) -> bool:
        """Say whether a post may do something in its own jurisdiction at all: for menus."""
        return verdict(action, actor, Subject(case_region=actor.region_code)).permitted
