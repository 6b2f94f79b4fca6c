"""Every table, in one place, so that the whole of what is stored can be read from top to bottom.

The key of every hot table starts with what its query filters on (DESIGN.md §6). What belongs to a case is numbered within the
case (`case_id`, `no`, where `no` is the execution's own reference), so a verb needs no round trip to learn a key, and the same acts
give the same rows on both databases.
Moments are texts of fixed width (see :mod:`engine.instants`), money is integer fen, JSON is canonical text. Nothing here
cascades: people are deactivated, definitions superseded, audit rows never touched (triggers in migrations/ refuse it).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers a row by itself only in a column declared exactly INTEGER.
Key = BigInteger().with_variant(Integer, "sqlite")
Instant = String(27)
Digest = String(64)
Code = String(12)

# ---- places and people -------------------------------------------------------------------------------------------------

region = Table(
    "region",
    metadata,
    Column("code", Code, primary_key=True, comment="2, 4, 6, 9 or 12 digits; a code is a prefix"),
    Column("name", Text, nullable=False),
    Column("parent", Code, nullable=True),
    Column("level", Integer, nullable=False, comment="number of digits of the code"),
    Column("source", Text, nullable=False),
    Column("as_of", String(10), nullable=False, comment="the day the source speaks of"),
    Index("ix_region_parent", "parent"),
)

person = Table(
    "person",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("staff_no", String(32), nullable=False, unique=True, comment="what one logs in with"),
    Column("name", Text, nullable=False),
    Column("id_hash", Digest, nullable=False, unique=True, comment="keyed hash of the ID number: the natural person"),
    Column("password_hash", Text, nullable=False),
    Column("must_change_password", Boolean, nullable=False, server_default=false()),
    Column("created_at", Instant, nullable=False),
    Column("deactivated_at", Instant, nullable=True),
    Column("last_login_at", Instant, nullable=True),
)

post = Table(
    "post",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("person_id", Key, ForeignKey("person.id"), nullable=False),
    Column("role", String(32), nullable=False, comment="role code of workflows/organisation.json"),
    Column("region_code", Code, nullable=False, comment="the jurisdiction"),
    Column("body", Text, nullable=False, comment="the organisation's name as it signs"),
    Column("from_date", String(10), nullable=False),
    Column("to_date", String(10), nullable=True, comment="last day in the post; empty while it runs"),
    Index("ix_post_role_region_code", "role", "region_code"),
    Index("ix_post_person_id", "person_id"),
)

relative = Table(
    "relative",
    metadata,
    Column("person_id", Key, ForeignKey("person.id"), primary_key=True),
    Column("id_hash", Digest, primary_key=True, comment="keyed hash of the relative's ID number"),
    Column("relation", Text, nullable=False),
    Column("declared_at", Instant, nullable=False),
)

session = Table(
    "session",
    metadata,
    Column("token_hash", Digest, primary_key=True, comment="the cookie holds only the token"),
    Column("person_id", Key, ForeignKey("person.id"), nullable=False),
    Column("post_id", Key, nullable=True, comment="the post chosen; empty until one is"),
    Column("created_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant, nullable=True),
    Column(
        "client", Text, nullable=False, server_default="", comment="browser and address, for the list of my sessions"
    ),
    Index("ix_session_person_id", "person_id"),
)

login_throttle = Table(
    "login_throttle",
    metadata,
    Column("subject", String(80), primary_key=True, comment="account:… or address:…"),
    Column("failures", Integer, nullable=False),
    Column("window_started_at", Instant, nullable=False),
    Column("blocked_until", Instant, nullable=True),
)

# ---- definitions and calendars -----------------------------------------------------------------------------------------

definition = Table(
    "definition",
    metadata,
    Column("digest", Digest, primary_key=True),
    Column("process_id", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column(
        "bundle", LargeBinary, nullable=False, comment="drawing, tables, forms, dictionary and parameters as deployed"
    ),
    Column("deployed_at", Instant, nullable=False),
    Column("deployed_by", Text, nullable=False),
    UniqueConstraint("process_id", "version"),
)

calendar_day = Table(
    "calendar_day",
    metadata,
    Column(
        "region_code", Code, primary_key=True, comment="empty for the whole country, a county's code for its additions"
    ),
    Column("day", String(10), primary_key=True),
    Column("working", Boolean, nullable=False),
    Column("source", Text, nullable=False),
)

# ---- the register ------------------------------------------------------------------------------------------------------

household = Table(
    "household",
    metadata,
    Column("household_no", String(24), primary_key=True),
    Column("region_code", Code, nullable=False, comment="the village"),
    Column("village_group", Text, nullable=False),
    Column("head_name", Text, nullable=False),
    Column("head_initials", String(16), nullable=False, comment="pinyin initials, for search"),
    Column("category", String(16), nullable=False, comment="JD, DB, TK, LOW, ILL, NONE"),
    Column("status", String(24), nullable=False),
    Column("member_count", Integer, nullable=False),
    Column("registered_on", String(10), nullable=True),
    Column("phone", Text, nullable=False, server_default=""),
    Column("bank_name", Text, nullable=False, server_default=""),
    Column("bank_card", Text, nullable=False, server_default=""),
    Column("test_data", Boolean, nullable=False, server_default=false()),
    Column("details", Text, nullable=False, server_default="{}"),
    Index("ix_household_region_code_head_name", "region_code", "head_name"),
    Index("ix_household_region_code_head_initials", "region_code", "head_initials"),
)

member = Table(
    "member",
    metadata,
    Column("person_no", String(28), primary_key=True),
    Column("household_no", String(24), ForeignKey("household.household_no"), nullable=False),
    Column("name", Text, nullable=False),
    Column("relation", Text, nullable=False),
    Column("id_no", Text, nullable=False),
    Column("id_hash", Digest, nullable=False),
    Column("id_last4", String(4), nullable=False),
    Column("birth_date", String(10), nullable=False),
    Column("sex", String(1), nullable=False),
    Column("health", Text, nullable=False, server_default=""),
    Column("insured", Boolean, nullable=False, server_default=false()),
    Column("died_on", String(10), nullable=True),
    Column("details", Text, nullable=False, server_default="{}"),
    Index("ix_member_household_no", "household_no"),
    Index("ix_member_id_hash", "id_hash"),
    Index("ix_member_id_last4", "id_last4"),
)

ledger_entry = Table(
    "ledger_entry",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("household_no", String(24), nullable=False),
    Column("person_no", String(28), nullable=True),
    Column("kind", String(24), nullable=False, comment="MEDICAL, …"),
    Column("case_id", Key, nullable=True),
    Column("amount_fen", BigInteger, nullable=True),
    Column("year", Integer, nullable=False, comment="the year whose limit it counts against"),
    Column("effective_on", String(10), nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("details", Text, nullable=False, server_default="{}"),
    UniqueConstraint("case_id", "kind", name="uq_ledger_entry_once_per_case"),
    Index("ix_ledger_entry_household_no_year", "household_no", "year"),
    Index("ix_ledger_entry_person_no_kind_year", "person_no", "kind", "year"),
)

settlement = Table(
    "settlement",
    metadata,
    Column("settlement_no", String(64), primary_key=True, comment="an insurer's settlement is claimed once (X15)"),
    Column("case_id", Key, nullable=False),
    Column("recorded_at", Instant, nullable=False),
)

# ---- cases -------------------------------------------------------------------------------------------------------------

case_counter = Table(
    "case_counter",
    metadata,
    Column("prefix", String(24), primary_key=True, comment="process, county and year of the number"),
    Column("last_no", Integer, nullable=False),
)

process_case = Table(
    "process_case",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("case_no", String(32), nullable=False, unique=True),
    Column("process_id", String(64), nullable=False),
    Column("definition_digest", Digest, ForeignKey("definition.digest"), nullable=False),
    Column("region_code", Code, nullable=False, comment="the village"),
    Column("household_no", String(24), nullable=False),
    Column("person_no", String(28), nullable=True, comment="whom the case is about, within the household"),
    Column("subject_name", Text, nullable=False, comment="head of household, as lists show it"),
    Column("initials", String(16), nullable=False, server_default=""),
    Column("summary", Text, nullable=False, comment="JSON: what a row of a list tells besides"),
    Column("status", String(20), nullable=False, comment="OPEN, COMPLETED, REJECTED, WITHDRAWN, NOTHING_TO_PAY"),
    Column("level", Integer, nullable=False, comment="digits of the level that holds it now"),
    Column("revision", Integer, nullable=False, comment="goes up with every verb"),
    Column("state", LargeBinary, nullable=False, comment="hot state of the execution, with its MAC"),
    Column("kin", Text, nullable=False, comment="JSON: keyed hashes of the household members' ID numbers"),
    Column("papers_digest", Digest, nullable=False, comment="running digest over the papers in the case"),
    Column(
        "decided",
        Boolean,
        nullable=False,
        server_default=false(),
        comment="the county has decided: no withdrawal any more",
    ),
    Column("event_seq", Integer, nullable=False),
    Column("event_hash", Digest, nullable=False),
    Column("returns", Integer, nullable=False, server_default="0"),
    Column("started_by", Key, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("ended_at", Instant, nullable=True),
    Column("ended_by", String(64), nullable=True, comment="element id of the end reached"),
    Index("ix_process_case_region_code_status", "region_code", "status"),
    Index("ix_process_case_started_by_opened_at", "started_by", "opened_at"),
    # A household has at most one running case of a kind.
    Index(
        "uq_process_case_running",
        "household_no",
        "process_id",
        "person_no",
        unique=True,
        sqlite_where=text("status = 'OPEN'"),
        postgresql_where=text("status = 'OPEN'"),
    ),
)

task = Table(
    "task",
    metadata,
    Column("case_id", Key, ForeignKey("process_case.id"), primary_key=True),
    Column("no", Integer, primary_key=True, comment="the execution's own name for it"),
    Column("element_id", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("level", Integer, nullable=False),
    Column("region_code", Code, nullable=False, comment="the body's jurisdiction"),
    Column("role", String(32), nullable=False, comment="the post that holds it now"),
    Column("duty", String(12), nullable=False),
    Column("form", String(64), nullable=False),
    Column("list_name", String(32), nullable=True),
    Column("state", String(10), nullable=False, comment="OPEN, DONE, CANCELLED"),
    Column("claimed_by", Key, nullable=True, comment="person"),
    Column("claimed_post", Key, nullable=True),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant, nullable=True),
    Column("outcome", String(24), nullable=True),
    Column("closed_by", Key, nullable=True),
    Column("limit_days", Integer, nullable=True),
    Column("due_at", Instant, nullable=True),
    Column("provisional", Boolean, nullable=False, server_default=false()),
    Column("stage", String(10), nullable=False, server_default="NONE"),
    Column("clock", Text, nullable=False, server_default="{}", comment="JSON: start, pauses, extensions"),
    # The inbox: one body's open tasks of one post, most urgent first.
    Index(
        "ix_task_inbox",
        "role",
        "region_code",
        "due_at",
        sqlite_where=text("state = 'OPEN'"),
        postgresql_where=text("state = 'OPEN'"),
    ),
    Index(
        "ix_task_open",
        "case_id",
        "no",
        sqlite_where=text("state = 'OPEN'"),
        postgresql_where=text("state = 'OPEN'"),
    ),
    Index(
        "ix_task_claimed",
        "claimed_by",
        sqlite_where=text("state = 'OPEN'"),
        postgresql_where=text("state = 'OPEN'"),
    ),
    Index("ix_task_closed_by_closed_at", "closed_by", "closed_at"),
)

timer = Table(
    "timer",
    metadata,
    Column("case_id", Key, ForeignKey("process_case.id"), primary_key=True),
    Column("no", Integer, primary_key=True, comment="the execution's own name for the wait"),
    Column("task_no", Integer, nullable=True, comment="the task whose limit it watches; empty for a waiting event"),
    Column("element_id", String(64), nullable=False),
    Column("stage", String(10), nullable=False, comment="the stage it brings; EVENT for a drawn intermediate timer"),
    Column("due_at", Instant, nullable=False),
    Column("state", String(10), nullable=False, comment="ARMED, PAUSED, FIRED, CANCELLED, FAILED"),
    Column("provisional", Boolean, nullable=False, server_default=false()),
    # A case that goes to and fro has many moments behind it; the verbs ask only for those that are armed.
    Index(
        "ix_timer_armed",
        "case_id",
        "task_no",
        sqlite_where=text("state = 'ARMED'"),
        postgresql_where=text("state = 'ARMED'"),
    ),
    Index(
        "ix_timer_due",
        "due_at",
        sqlite_where=text("state = 'ARMED'"),
        postgresql_where=text("state = 'ARMED'"),
    ),
)

case_duty = Table(
    "case_duty",
    metadata,
    Column("case_id", Key, ForeignKey("process_case.id"), primary_key=True),
    Column("person_hash", Digest, primary_key=True, comment="one natural person, one duty on a case"),
    Column("duty", String(12), nullable=False),
    CheckConstraint("duty in ('survey','review','approve','pay','file')", name="known_duty"),
)

signature = Table(
    "signature",
    metadata,
    Column("case_id", Key, ForeignKey("process_case.id"), primary_key=True),
    Column("event_seq", Integer, primary_key=True),
    Column("task_no", Integer, nullable=False),
    Column("person_id", Key, nullable=False),
    Column("person_hash", Digest, nullable=False),
    Column("duty", String(12), nullable=False),
    Column("payload", Text, nullable=False, comment="canonical JSON of what the signer saw and decided"),
    Column("payload_digest", Digest, nullable=False),
    Column("algorithm", String(16), nullable=False),
    Column("key_id", String(16), nullable=False),
    Column("value", Text, nullable=False, comment="base64"),
    Column("signed_at", Instant, nullable=False),
    UniqueConstraint("case_id", "task_no", name="uq_signature_once_per_task"),
)

draft = Table(
    "draft",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("person_id", Key, nullable=False),
    Column("post_id", Key, nullable=False),
    Column("subject", String(64), nullable=False, comment="start:<process> or task:<case>-<no>"),
    Column("household_no", String(24), nullable=True),
    Column("content", Text, nullable=False, comment="JSON, exactly as typed"),
    Column("updated_at", Instant, nullable=False),
    Column("used_at", Instant, nullable=True),
    Index("ix_draft_person_id_subject", "person_id", "subject"),
)

attachment = Table(
    "attachment",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("draft_id", String(32), nullable=True),
    Column("case_id", Key, nullable=True),
    Column("slot", String(48), nullable=False),
    Column("file_name", Text, nullable=False),
    Column("media_type", String(80), nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", Digest, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("uploaded_by", Key, nullable=False),
    Column("uploaded_at", Instant, nullable=False),
    Column("replaced_at", Instant, nullable=True),
    Index("ix_attachment_case_id", "case_id"),
    Index("ix_attachment_draft_id", "draft_id"),
)

incident = Table(
    "incident",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("case_id", Key, nullable=True),
    Column("region_code", Code, nullable=False, server_default=""),
    Column("verb", String(24), nullable=False),
    Column("subject", Text, nullable=False, comment="JSON: what was asked for, enough to try again"),
    Column("element_id", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("resolved_at", Instant, nullable=True),
    Column("attempts", Integer, nullable=False, server_default="1"),
    Index("ix_incident_resolved_at", "resolved_at"),
)

# ---- the audit chain ---------------------------------------------------------------------------------------------------

audit_event = Table(
    "audit_event",
    metadata,
    Column("stream", String(40), primary_key=True, comment="case:<id>, person:<id>, system"),
    Column("seq", Integer, primary_key=True, comment="from 1, without gaps"),
    Column("case_id", Key, nullable=True),
    Column("kind", String(32), nullable=False, comment="past tense: task_completed"),
    Column("at", Instant, nullable=False),
    Column("actor_id", Key, nullable=True, comment="person; empty for the clock and the system"),
    Column("region_code", Code, nullable=False, server_default=""),
    Column("body", Text, nullable=False, comment="canonical JSON of the whole event"),
    Column("prev_hash", Digest, nullable=False),
    Column("hash", Digest, nullable=False),
    Index("ix_audit_event_actor_id_at", "actor_id", "at"),
    Index("ix_audit_event_at", "at"),
)

audit_stream = Table(
    "audit_stream",
    metadata,
    Column("stream", String(40), primary_key=True, comment="heads of the streams that are not cases"),
    Column("seq", Integer, nullable=False),
    Column("hash", Digest, nullable=False),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("no", Integer, primary_key=True),
    Column("size", BigInteger, nullable=False, comment="events covered"),
    Column("root", Digest, nullable=False, comment="Merkle root over the ordered event hashes"),
    Column("body", Text, nullable=False, comment="canonical JSON that is signed"),
    Column("key_id", String(16), nullable=False),
    Column("value", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
)

event_order = Table(
    "event_order",
    metadata,
    Column("position", BigInteger, primary_key=True, comment="global order given by the checkpointer, from 0"),
    Column("stream", String(40), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("hash", Digest, nullable=False),
    UniqueConstraint("stream", "seq"),
)

# ---- what is owed ------------------------------------------------------------------------------------------------------

message = Table(
    "message",
    metadata,
    Column("dedupe_key", String(120), primary_key=True, comment="case, event, kind and addressee: owed once"),
    Column("kind", String(32), nullable=False),
    Column("case_id", Key, nullable=True),
    Column("task_no", Integer, nullable=True),
    Column("role", String(32), nullable=True, comment="to whoever holds this post…"),
    Column("region_code", Code, nullable=True, comment="…in this jurisdiction at the moment of sending"),
    Column("person_id", Key, nullable=True, comment="or to one person"),
    Column("content", Text, nullable=False, comment="JSON: numbers and step names, no personal data"),
    Column("created_at", Instant, nullable=False),
    Column("state", String(10), nullable=False, comment="OWED, SENT, FAILED"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", Instant, nullable=False),
    Column("last_error", Text, nullable=True),
    Index(
        "ix_message_owed",
        "next_at",
        sqlite_where=text("state = 'OWED'"),
        postgresql_where=text("state = 'OWED'"),
    ),
    Index("ix_message_case_id", "case_id"),
)

notice = Table(
    "notice",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("dedupe_key", String(160), nullable=False, unique=True),
    Column("person_id", Key, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("case_id", Key, nullable=True),
    Column("task_no", Integer, nullable=True),
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default="", comment="why this person was reached"),
    Column("created_at", Instant, nullable=False),
    Column("read_at", Instant, nullable=True),
    Index("ix_notice_person_id_created_at", "person_id", "created_at"),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("message_key", String(120), nullable=False),
    Column("person_id", Key, nullable=True),
    Column("channel", String(16), nullable=False),
    Column("message_id", Text, nullable=False, comment="stable, so that a duplicate can be recognised"),
    Column("state", String(10), nullable=False, comment="SENDING, SENT, FAILED"),
    Column("attempted_at", Instant, nullable=False),
    Column("error", Text, nullable=True),
    UniqueConstraint("message_key", "person_id", "channel"),
)

job = Table(
    "job",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("kind", String(32), nullable=False),
    Column("dedupe_key", String(120), nullable=False, unique=True),
    Column("case_id", Key, nullable=True),
    Column("payload", Text, nullable=False, server_default="{}"),
    Column("run_at", Instant, nullable=False),
    Column("state", String(10), nullable=False, comment="READY, LEASED, DONE, FAILED"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("lease_owner", String(64), nullable=True),
    Column("lease_until", Instant, nullable=True),
    Column("last_error", Text, nullable=True),
    Index(
        "ix_job_ready",
        "run_at",
        sqlite_where=text("state in ('READY','LEASED')"),
        postgresql_where=text("state in ('READY','LEASED')"),
    ),
)
