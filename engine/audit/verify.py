"""The whole trail checked against itself, or one case's part of it: chains, signatures, heads, order, papers.

The rules are the offline verifier's; here is only how the rows reach them, streaming, so that a million events need
no more memory than a thousand. Reading is enough: nothing is written, and no lock is taken. A report names the
first record that does not hold.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import String, and_, cast, func, literal, literal_column, or_, select

from engine.audit import checkpoints
from engine.errors import EngineError
from engine.model import attachment, audit_event, audit_stream, checkpoint, event_order, process_case, signature
from verifier.chain import START, EventRow, Link, Problem, check_event
from verifier.checkpoints import CheckpointRow, check_checkpoint
from verifier.merkle import Frontier
from verifier.signatures import PublicKeys, SignatureRow, check_signature

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sqlalchemy import Connection, Row

    from engine.audit.keys import Keyring

MOST_PROBLEMS = 200
"""Enough to see what happened; a trail with more of them is lost as a whole."""
_PAGE = 500
_EVENT_WIDTH = len(EventRow._fields)


@dataclass(slots=True)
class Report:
    """What was checked, and what does not hold; whole means that nothing was found."""

    events: int = 0
    signatures: int = 0
    streams: int = 0
    checkpoints: int = 0
    papers: int = 0
    covered: int = 0
    """Events up to the last checkpoint."""
    anchored_at: str = ""
    """When the last checkpoint was made; for one case, the one that covers its last event, or empty."""
    problems: list[Problem] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Nothing was found."""
        return not self.problems

    @property
    def first_bad(self) -> Problem | None:
        """The first record that does not hold."""
        return self.problems[0] if self.problems else None


def verify(connection: Connection, keyring: Keyring, folder: Path | None = None) -> Report:
    """Check everything: every event, signature, head, place in the order, checkpoint, and the file copy in `folder`."""
    report = Report()
    keys = PublicKeys(keyring.public_keys)
    with reading_bytes(connection):
        _events(connection, keys, report)
        _orphan_signatures(connection, report)
        _heads(connection, report)
        _checkpoints(connection, keys, folder, report)
    return _printable(report)


def verify_case(connection: Connection, keyring: Keyring, case_id: int) -> Report:
    """Check one case: its chain, head, signatures, its papers' content, and whether its events stand in the order unchanged."""
    report = Report()
    stream = f"case:{case_id}"
    with reading_bytes(connection):
        _events(connection, PublicKeys(keyring.public_keys), report, stream=stream, with_papers=True)
        _orphan_signatures(connection, report, case_id=case_id)
        _heads(connection, report, case_id=case_id)
        _places(connection, report, stream)
    return _printable(report)


@contextmanager
def reading_bytes(connection: Connection) -> Iterator[None]:
    """Let SQLite hand over text that is no UTF-8 any more, instead of stopping at it; PostgreSQL never stores any.

    A byte that cannot be read comes as an escaped surrogate and is hashed as itself (:func:`verifier.chain.as_stored`).
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    usual = driver.text_factory
    driver.text_factory = lambda content: content.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = usual


def _printable(report: Report) -> Report:
    report.problems = [
        Problem(*(text.encode("utf-8", "backslashreplace").decode() for text in problem)) for problem in report.problems
    ]
    return report


# ---- chains and signatures ---------------------------------------------------------------------------------------------


def _events(
    connection: Connection, keys: PublicKeys, report: Report, *, stream: str | None = None, with_papers: bool = False
) -> None:
    # A person's stream can be about a case and have its own numbers; only a case's own events are signed.
    own = audit_event.c.stream == literal("case:") + cast(signature.c.case_id, String)
    joined = audit_event.outerjoin(
        signature,
        and_(signature.c.case_id == audit_event.c.case_id, signature.c.event_seq == audit_event.c.seq, own),
    )
    statement = select(
        *(audit_event.c[name] for name in EventRow._fields), *(signature.c[name] for name in SignatureRow._fields)
    ).select_from(joined)
    if stream is not None:
        statement = statement.where(audit_event.c.stream == stream)
    current: str | None = None
    before = START
    for found in _streaming(connection, statement.order_by(audit_event.c.stream, audit_event.c.seq)):
        row = EventRow(*found[:_EVENT_WIDTH])
        if row.stream != current:
            current, before = row.stream, START
            report.streams += 1
        body = check_event(row, before, report.problems)
        report.events += 1
        if found[_EVENT_WIDTH] is not None:
            report.signatures += 1
            check_signature(SignatureRow(*found[_EVENT_WIDTH:]), body, row.prev_hash, keys, report.problems)
        elif "signature" in body:
            report.problems.append(Problem(row.where, "该事件的签名记录缺失", "its signature is missing"))
        if with_papers:
            _papers(connection, row, body, report)
        before = Link(row.seq, row.hash)
        if len(report.problems) >= MOST_PROBLEMS:
            return


def _papers(connection: Connection, event: EventRow, body: Mapping[str, Any], report: Report) -> None:
    for told in [*body.get("papers", ()), *body.get("attachments", ())]:
        content = connection.execute(
            select(attachment.c.content, attachment.c.sha256).where(attachment.c.id == told.get("id"))
        ).one_or_none()
        report.papers += 1
        where = f"attachment {told.get('id')}"
        if content is None:
            report.problems.append(
                Problem(where, f"材料缺失({event.where})", f"the paper is missing ({event.where} has it)")
            )
        elif not sha256(bytes(content.content)).hexdigest() == content.sha256 == told.get("sha256"):
            report.problems.append(
                Problem(
                    where, f"材料内容与登记的摘要不符({event.where})", f"its content is not what {event.where} recorded"
                )
            )


def _orphan_signatures(connection: Connection, report: Report, *, case_id: int | None = None) -> None:
    mine = select(audit_event.c.seq).where(
        audit_event.c.stream == literal("case:") + cast(signature.c.case_id, String),
        audit_event.c.seq == signature.c.event_seq,
        audit_event.c.case_id == signature.c.case_id,
    )
    statement = select(signature.c.case_id, signature.c.event_seq).where(~mine.exists())
    if case_id is not None:
        statement = statement.where(signature.c.case_id == case_id)
    for row in connection.execute(statement.limit(MOST_PROBLEMS)):
        report.problems.append(
            Problem(
                f"signature case:{row.case_id} #{row.event_seq}",
                "没有对应的审计事件",
                "there is no event it belongs to",
            )
        )


# ---- heads -------------------------------------------------------------------------------------------------------------


def _heads(connection: Connection, report: Report, *, case_id: int | None = None) -> None:
    """Compare the last event of each stream with the head that the stream's own row keeps."""
    case_stream = literal("case:") + cast(process_case.c.id, String)
    heads = [(case_stream, process_case, process_case.c.event_seq, process_case.c.event_hash)]
    if case_id is None:
        heads.append((audit_stream.c.stream, audit_stream, audit_stream.c.seq, audit_stream.c.hash))
    for stream, table, seq, digest in heads:
        event = audit_event.alias()
        statement = (
            select(stream.label("stream"), seq.label("seq"), event.c.hash)
            .select_from(table.outerjoin(event, and_(event.c.stream == stream, event.c.seq == seq)))
            .where(or_(event.c.hash.is_(None), event.c.hash != digest), seq > 0)
        )
        if case_id is not None:
            statement = statement.where(process_case.c.id == case_id)
        for row in connection.execute(statement.limit(MOST_PROBLEMS)):
            report.problems.append(
                Problem(
                    f"audit_event {row.stream} #{row.seq}",
                    f"{table.name} 记录的最后一个事件缺失或不符",
                    f"{table.name} names it as the last event, but it is missing or another one",
                )
            )
    if case_id is None:
        _headless(connection, report)
        return
    last = select(func.max(audit_event.c.seq)).where(audit_event.c.stream == f"case:{case_id}").scalar_subquery()
    found = connection.execute(select(last, process_case.c.event_seq).where(process_case.c.id == case_id)).one_or_none()
    if found is not None and found[0] is not None and found[0] > found[1]:
        report.problems.append(_beyond(f"case:{case_id}", found[0]))


def _headless(connection: Connection, report: Report) -> None:
    last = (
        select(audit_event.c.stream, func.max(audit_event.c.seq).label("seq")).group_by(audit_event.c.stream).subquery()
    )
    case_head = (
        select(process_case.c.event_seq)
        .where(literal("case:") + cast(process_case.c.id, String) == last.c.stream)
        .scalar_subquery()
    )
    head = select(audit_stream.c.seq).where(audit_stream.c.stream == last.c.stream).scalar_subquery()
    known = func.coalesce(head, case_head, literal_column("-1")) if connection.dialect.name == "sqlite" else None
    if known is None:
        # PostgreSQL plans a join on a computed text badly inside a subquery; number and text are compared separately.
        number = cast(func.nullif(func.substr(last.c.stream, 6), ""), process_case.c.id.type)
        case_head = (
            select(process_case.c.event_seq)
            .where(last.c.stream.op("~")("^case:[0-9]{1,18}$"), process_case.c.id == number)
            .scalar_subquery()
        )
        known = func.coalesce(head, case_head, literal_column("-1"))
    for row in connection.execute(select(last.c.stream, last.c.seq).where(last.c.seq > known).limit(MOST_PROBLEMS)):
        report.problems.append(_beyond(row.stream, row.seq))


def _beyond(stream: str, seq: int) -> Problem:
    return Problem(
        f"audit_event {stream} #{seq}",
        "超出该链登记的末尾,没有任何记录指向它",
        "it lies beyond the head its stream has, so no verb wrote it",
    )


# ---- order and checkpoints ---------------------------------------------------------------------------------------------


def _checkpoints(connection: Connection, keys: PublicKeys, folder: Path | None, report: Report) -> None:
    before: CheckpointRow | None = None
    roots: dict[int, CheckpointRow] = {}
    rows = [
        CheckpointRow(*row)
        for row in connection.execute(
            select(*(checkpoint.c[name] for name in CheckpointRow._fields)).order_by(checkpoint.c.no)
        )
    ]
    for expected, row in enumerate(rows, 1):
        if row.no != expected:
            report.problems.append(
                Problem(
                    row.where,
                    f"锚点编号不连续,应为 {expected}",
                    f"expected checkpoint number {expected}: one is missing",
                )
            )
        check_checkpoint(row, before, keys, report.problems)
        roots[row.size] = before = row
    report.checkpoints = len(rows)
    if before is not None:
        report.covered, report.anchored_at = before.size, before.made_at
    _order(connection, roots, report)
    if folder is not None:
        _copy(rows, folder, report)


def _order(connection: Connection, roots: Mapping[int, CheckpointRow], report: Report) -> None:
    tree = Frontier()
    statement = (
        select(event_order.c.position, event_order.c.stream, event_order.c.seq, event_order.c.hash, audit_event.c.hash)
        .select_from(
            event_order.outerjoin(
                audit_event, and_(audit_event.c.stream == event_order.c.stream, audit_event.c.seq == event_order.c.seq)
            )
        )
        .where(event_order.c.position < max(roots, default=0))
        .order_by(event_order.c.position)
    )
    reached = set(roots)
    for row in _streaming(connection, statement):
        position, stream, seq, ordered, found = tuple(row)
        where = f"event_order {position}"
        if position != tree.size:
            report.problems.append(
                Problem(where, f"全局次序应为 {tree.size}", f"expected place {tree.size} of the order: one is missing")
            )
        if found != ordered:
            report.problems.append(
                Problem(
                    f"audit_event {stream} #{seq}",
                    "事件缺失" if found is None else "已锚定的事件被改写",
                    f"{where} covers it, but it is {'missing' if found is None else 'another one now'}",
                )
            )
        if len(report.problems) >= MOST_PROBLEMS:
            return
        tree.add(str(ordered))
        signed = roots.get(tree.size)
        if signed is not None:
            reached.discard(tree.size)
            if tree.root() != signed.root:
                report.problems.append(
                    Problem(
                        signed.where, "锚定的事件与签署的根不符", "the events it covers do not give the root it signed"
                    )
                )
    report.problems.extend(
        Problem(
            roots[size].where,
            f"锚定了 {size} 个事件,现在没有这么多",
            f"it covers {size} events, but there are not so many now",
        )
        for size in sorted(reached)
    )
    # One statement, so that a checkpoint made at this very moment is seen whole or not at all.
    newest = select(func.coalesce(func.max(checkpoint.c.size), 0)).scalar_subquery()
    beyond = (
        select(event_order.c.position).where(event_order.c.position >= newest).order_by(event_order.c.position).limit(1)
    )
    for row in connection.execute(beyond):
        report.problems.append(
            Problem(
                f"event_order {row.position}",
                "没有锚点覆盖",
                "no checkpoint covers it, though each place comes with one",
            )
        )


def _copy(rows: list[CheckpointRow], folder: Path, report: Report) -> None:
    try:
        copied = checkpoints.read_copy(folder)
    except EngineError as error:
        report.problems.append(Problem(checkpoints.COPY, "锚点副本无法读取", error.reason))
        return
    for number, (row, entry) in enumerate(zip(rows, copied, strict=False), 1):
        if (row.body, row.key_id, row.value) != (entry["body"], entry["key_id"], entry["value"]):
            report.problems.append(
                Problem(
                    f"checkpoint #{number}",
                    "与副本中的锚点不同",
                    f"it is not the one in {checkpoints.COPY}: one was rewritten",
                )
            )
    if len(copied) > len(rows):
        report.problems.append(
            Problem(
                f"checkpoint #{len(rows) + 1}",
                f"副本中有 {len(copied)} 个锚点,数据库只有 {len(rows)} 个:数据库被退回到以前的状态",
                f"{checkpoints.COPY} has {len(copied)} checkpoints, the database {len(rows)}: it was put back to an earlier state",
            )
        )
    # A crash may come between the commit and the file; the next checkpoint makes up for one, never for more.
    if len(copied) < len(rows) - 1:
        report.problems.append(
            Problem(
                checkpoints.COPY,
                f"副本缺少 {len(rows) - len(copied)} 个锚点",
                f"it lacks {len(rows) - len(copied)} of the {len(rows)} checkpoints",
            )
        )


def _places(connection: Connection, report: Report, stream: str) -> None:
    rows = connection.execute(
        select(audit_event.c.seq, audit_event.c.hash, event_order.c.position, event_order.c.hash.label("ordered"))
        .select_from(
            event_order.outerjoin(
                audit_event, and_(audit_event.c.stream == event_order.c.stream, audit_event.c.seq == event_order.c.seq)
            )
        )
        .where(event_order.c.stream == stream)
        .order_by(event_order.c.seq)
    ).all()
    for row in rows:
        if row.hash != row.ordered:
            report.problems.append(
                Problem(
                    f"audit_event {stream} #{row.seq}",
                    "已锚定的事件被改写",
                    "it was changed after a checkpoint covered it",
                )
            )
    report.covered = len(rows)
    if rows and report.covered >= report.events:
        place = max(row.position for row in rows)
        made_at = connection.execute(
            select(checkpoint.c.made_at).where(checkpoint.c.size > place).order_by(checkpoint.c.no).limit(1)
        ).scalar()
        report.anchored_at = str(made_at or "")


def _streaming(connection: Connection, statement: Any) -> Iterator[Row[Any]]:
    result = connection.execution_options(stream_results=True, max_row_buffer=_PAGE).execute(statement)
    for page in result.partitions(_PAGE):
        yield from page
