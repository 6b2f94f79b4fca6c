"""The first schema: places, people, definitions, the register, cases, the audit chain and what is owed.

Audit rows, signatures, ledger entries, checkpoints and the global order are appended and never changed: triggers refuse UPDATE and DELETE,
on PostgreSQL TRUNCATE as well (DESIGN.md §3.9). Whoever owns the database can drop a trigger; that is what the chain and the checkpoints
are for.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

APPEND_ONLY = ("audit_event", "signature", "ledger_entry", "checkpoint", "event_order")

# SQLite's REPLACE takes a row away without asking the trigger on DELETE, so a row whose key is taken is refused before it comes in.
KEYS = {
    "audit_event": (("stream", "seq"),),
    "signature": (("case_id", "event_seq"), ("case_id", "task_no")),
    "ledger_entry": (("id",), ("case_id", "kind")),
    "checkpoint": (("no",),),
    "event_order": (("position",), ("stream", "seq")),
}


def upgrade() -> None:
    create_tables()
    protect()


def protect() -> None:
    """Let the append-only tables refuse to be changed."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'rows of % are appended and never changed', TG_TABLE_NAME; END $$"
        )
        for table in APPEND_ONLY:
            op.execute(
                f"CREATE TRIGGER {table}_is_appended BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            )
            op.execute(
                f"CREATE TRIGGER {table}_is_kept BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
        return
    for table in APPEND_ONLY:
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{act.lower()} BEFORE {act} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are appended and never changed'); END"
            )
        taken = " OR ".join(
            f"EXISTS (SELECT 1 FROM {table} WHERE {' AND '.join(f'{name} = NEW.{name}' for name in key)})"  # noqa: S608
            for key in KEYS[table]
        )
        op.execute(
            f"CREATE TRIGGER {table}_refuses_replace BEFORE INSERT ON {table} WHEN {taken} BEGIN SELECT "
            f"RAISE(ABORT, 'UNIQUE constraint failed: rows of {table} are appended and never changed'); END"
        )


def downgrade() -> None:
    raise NotImplementedError(
        "The first schema holds the audit trail and is not taken away again; restore a backup instead"
    )


def create_tables() -> None:
    """Create every table with its indexes, those referred to first."""
    op.create_table(
        "attachment",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("draft_id", sa.String(length=32), nullable=True),
        sa.Column("case_id", KEY, nullable=True),
        sa.Column("slot", sa.String(length=48), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.String(length=80), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("uploaded_by", KEY, nullable=False),
        sa.Column("uploaded_at", sa.String(length=27), nullable=False),
        sa.Column("replaced_at", sa.String(length=27), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
    )
    op.create_index("ix_attachment_case_id", "attachment", ["case_id"], unique=False)
    op.create_index("ix_attachment_draft_id", "attachment", ["draft_id"], unique=False)
    op.create_table(
        "audit_event",
        sa.Column("stream", sa.String(length=40), nullable=False, comment="case:<id>, person:<id>, system"),
        sa.Column("seq", sa.Integer(), nullable=False, comment="from 1, without gaps"),
        sa.Column("case_id", KEY, nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False, comment="past tense: task_completed"),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("actor_id", KEY, nullable=True, comment="person; empty for the clock and the system"),
        sa.Column("region_code", sa.String(length=12), server_default="", nullable=False),
        sa.Column("body", sa.Text(), nullable=False, comment="canonical JSON of the whole event"),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("stream", "seq", name=op.f("pk_audit_event")),
    )
    op.create_index("ix_audit_event_actor_id_at", "audit_event", ["actor_id", "at"], unique=False)
    op.create_index("ix_audit_event_at", "audit_event", ["at"], unique=False)
    op.create_table(
        "audit_stream",
        sa.Column("stream", sa.String(length=40), nullable=False, comment="heads of the streams that are not cases"),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("stream", name=op.f("pk_audit_stream")),
    )
    op.create_table(
        "calendar_day",
        sa.Column(
            "region_code",
            sa.String(length=12),
            nullable=False,
            comment="empty for the whole country, a county's code for its additions",
        ),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("working", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("region_code", "day", name=op.f("pk_calendar_day")),
    )
    op.create_table(
        "case_counter",
        sa.Column("prefix", sa.String(length=24), nullable=False, comment="process, county and year of the number"),
        sa.Column("last_no", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("prefix", name=op.f("pk_case_counter")),
    )
    op.create_table(
        "checkpoint",
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False, comment="events covered"),
        sa.Column("root", sa.String(length=64), nullable=False, comment="Merkle root over the ordered event hashes"),
        sa.Column("body", sa.Text(), nullable=False, comment="canonical JSON that is signed"),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("made_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_checkpoint")),
    )
    op.create_table(
        "definition",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("process_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column(
            "bundle",
            sa.LargeBinary(),
            nullable=False,
            comment="drawing, tables, forms, dictionary and parameters as deployed",
        ),
        sa.Column("deployed_at", sa.String(length=27), nullable=False),
        sa.Column("deployed_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_definition")),
        sa.UniqueConstraint("process_id", "version", name=op.f("uq_definition_process_id_version")),
    )
    op.create_table(
        "delivery",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("message_key", sa.String(length=120), nullable=False),
        sa.Column("person_id", KEY, nullable=True),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False, comment="stable, so that a duplicate can be recognised"),
        sa.Column("state", sa.String(length=10), nullable=False, comment="SENDING, SENT, FAILED"),
        sa.Column("attempted_at", sa.String(length=27), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint(
            "message_key", "person_id", "channel", name=op.f("uq_delivery_message_key_person_id_channel")
        ),
    )
    op.create_table(
        "draft",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("post_id", KEY, nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False, comment="start:<process> or task:<case>-<no>"),
        sa.Column("household_no", sa.String(length=24), nullable=True),
        sa.Column("content", sa.Text(), nullable=False, comment="JSON, exactly as typed"),
        sa.Column("updated_at", sa.String(length=27), nullable=False),
        sa.Column("used_at", sa.String(length=27), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft")),
    )
    op.create_index("ix_draft_person_id_subject", "draft", ["person_id", "subject"], unique=False)
    op.create_table(
        "event_order",
        sa.Column(
            "position", sa.BigInteger(), nullable=False, comment="global order given by the checkpointer, from 0"
        ),
        sa.Column("stream", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_event_order")),
        sa.UniqueConstraint("stream", "seq", name=op.f("uq_event_order_stream_seq")),
    )
    op.create_table(
        "household",
        sa.Column("household_no", sa.String(length=24), nullable=False),
        sa.Column("region_code", sa.String(length=12), nullable=False, comment="the village"),
        sa.Column("village_group", sa.Text(), nullable=False),
        sa.Column("head_name", sa.Text(), nullable=False),
        sa.Column("head_initials", sa.String(length=16), nullable=False, comment="pinyin initials, for search"),
        sa.Column("category", sa.String(length=16), nullable=False, comment="JD, DB, TK, LOW, ILL, NONE"),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("member_count", sa.Integer(), nullable=False),
        sa.Column("registered_on", sa.String(length=10), nullable=True),
        sa.Column("phone", sa.Text(), server_default="", nullable=False),
        sa.Column("bank_name", sa.Text(), server_default="", nullable=False),
        sa.Column("bank_card", sa.Text(), server_default="", nullable=False),
        sa.Column("test_data", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("details", sa.Text(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("household_no", name=op.f("pk_household")),
    )
    op.create_index(
        "ix_household_region_code_head_initials", "household", ["region_code", "head_initials"], unique=False
    )
    op.create_index("ix_household_region_code_head_name", "household", ["region_code", "head_name"], unique=False)
    op.create_table(
        "incident",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("case_id", KEY, nullable=True),
        sa.Column("region_code", sa.String(length=12), server_default="", nullable=False),
        sa.Column("verb", sa.String(length=24), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False, comment="JSON: what was asked for, enough to try again"),
        sa.Column("element_id", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.String(length=27), nullable=False),
        sa.Column("resolved_at", sa.String(length=27), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
    )
    op.create_index("ix_incident_resolved_at", "incident", ["resolved_at"], unique=False)
    op.create_table(
        "job",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("dedupe_key", sa.String(length=120), nullable=False),
        sa.Column("case_id", KEY, nullable=True),
        sa.Column("payload", sa.Text(), server_default="{}", nullable=False),
        sa.Column("run_at", sa.String(length=27), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False, comment="READY, LEASED, DONE, FAILED"),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("lease_until", sa.String(length=27), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_job_dedupe_key")),
    )
    op.create_index(
        "ix_job_ready",
        "job",
        ["run_at"],
        unique=False,
        sqlite_where=sa.text("state in ('READY','LEASED')"),
        postgresql_where=sa.text("state in ('READY','LEASED')"),
    )
    op.create_table(
        "ledger_entry",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("household_no", sa.String(length=24), nullable=False),
        sa.Column("person_no", sa.String(length=28), nullable=True),
        sa.Column("kind", sa.String(length=24), nullable=False, comment="MEDICAL, …"),
        sa.Column("case_id", KEY, nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.Column("year", sa.Integer(), nullable=False, comment="the year whose limit it counts against"),
        sa.Column("effective_on", sa.String(length=10), nullable=False),
        sa.Column("recorded_at", sa.String(length=27), nullable=False),
        sa.Column("details", sa.Text(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint("case_id", "kind", name="uq_ledger_entry_once_per_case"),
    )
    op.create_index("ix_ledger_entry_household_no_year", "ledger_entry", ["household_no", "year"], unique=False)
    op.create_index("ix_ledger_entry_person_no_kind_year", "ledger_entry", ["person_no", "kind", "year"], unique=False)
    op.create_table(
        "login_throttle",
        sa.Column("subject", sa.String(length=80), nullable=False, comment="account:… or address:…"),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("window_started_at", sa.String(length=27), nullable=False),
        sa.Column("blocked_until", sa.String(length=27), nullable=True),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_login_throttle")),
    )
    op.create_table(
        "message",
        sa.Column(
            "dedupe_key", sa.String(length=120), nullable=False, comment="case, event, kind and addressee: owed once"
        ),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("case_id", KEY, nullable=True),
        sa.Column("task_no", sa.Integer(), nullable=True),
        sa.Column("role", sa.String(length=32), nullable=True, comment="to whoever holds this post…"),
        sa.Column(
            "region_code", sa.String(length=12), nullable=True, comment="…in this jurisdiction at the moment of sending"
        ),
        sa.Column("person_id", KEY, nullable=True, comment="or to one person"),
        sa.Column("content", sa.Text(), nullable=False, comment="JSON: numbers and step names, no personal data"),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False, comment="OWED, SENT, FAILED"),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.String(length=27), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("dedupe_key", name=op.f("pk_message")),
    )
    op.create_index("ix_message_case_id", "message", ["case_id"], unique=False)
    op.create_index(
        "ix_message_owed",
        "message",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("state = 'OWED'"),
        postgresql_where=sa.text("state = 'OWED'"),
    )
    op.create_table(
        "notice",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("dedupe_key", sa.String(length=160), nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("case_id", KEY, nullable=True),
        sa.Column("task_no", sa.Integer(), nullable=True),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False, comment="why this person was reached"),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("read_at", sa.String(length=27), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_notice_dedupe_key")),
    )
    op.create_index("ix_notice_person_id_created_at", "notice", ["person_id", "created_at"], unique=False)
    op.create_table(
        "person",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("staff_no", sa.String(length=32), nullable=False, comment="what one logs in with"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "id_hash", sa.String(length=64), nullable=False, comment="keyed hash of the ID number: the natural person"
        ),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("deactivated_at", sa.String(length=27), nullable=True),
        sa.Column("last_login_at", sa.String(length=27), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("id_hash", name=op.f("uq_person_id_hash")),
        sa.UniqueConstraint("staff_no", name=op.f("uq_person_staff_no")),
    )
    op.create_table(
        "region",
        sa.Column("code", sa.String(length=12), nullable=False, comment="2, 4, 6, 9 or 12 digits; a code is a prefix"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent", sa.String(length=12), nullable=True),
        sa.Column("level", sa.Integer(), nullable=False, comment="number of digits of the code"),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("as_of", sa.String(length=10), nullable=False, comment="the day the source speaks of"),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_region")),
    )
    op.create_index("ix_region_parent", "region", ["parent"], unique=False)
    op.create_table(
        "settlement",
        sa.Column(
            "settlement_no",
            sa.String(length=64),
            nullable=False,
            comment="an insurer's settlement is claimed once (X15)",
        ),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("recorded_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("settlement_no", name=op.f("pk_settlement")),
    )
    op.create_table(
        "member",
        sa.Column("person_no", sa.String(length=28), nullable=False),
        sa.Column("household_no", sa.String(length=24), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("id_no", sa.Text(), nullable=False),
        sa.Column("id_hash", sa.String(length=64), nullable=False),
        sa.Column("id_last4", sa.String(length=4), nullable=False),
        sa.Column("birth_date", sa.String(length=10), nullable=False),
        sa.Column("sex", sa.String(length=1), nullable=False),
        sa.Column("health", sa.Text(), server_default="", nullable=False),
        sa.Column("insured", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("died_on", sa.String(length=10), nullable=True),
        sa.Column("details", sa.Text(), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(
            ["household_no"], ["household.household_no"], name=op.f("fk_member_household_no_household")
        ),
        sa.PrimaryKeyConstraint("person_no", name=op.f("pk_member")),
    )
    op.create_index("ix_member_household_no", "member", ["household_no"], unique=False)
    op.create_index("ix_member_id_hash", "member", ["id_hash"], unique=False)
    op.create_index("ix_member_id_last4", "member", ["id_last4"], unique=False)
    op.create_table(
        "post",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False, comment="role code of workflows/organisation.json"),
        sa.Column("region_code", sa.String(length=12), nullable=False, comment="the jurisdiction"),
        sa.Column("body", sa.Text(), nullable=False, comment="the organisation's name as it signs"),
        sa.Column("from_date", sa.String(length=10), nullable=False),
        sa.Column("to_date", sa.String(length=10), nullable=True, comment="last day in the post; empty while it runs"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_post_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post")),
    )
    op.create_index("ix_post_person_id", "post", ["person_id"], unique=False)
    op.create_index("ix_post_role_region_code", "post", ["role", "region_code"], unique=False)
    op.create_table(
        "process_case",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("case_no", sa.String(length=32), nullable=False),
        sa.Column("process_id", sa.String(length=64), nullable=False),
        sa.Column("definition_digest", sa.String(length=64), nullable=False),
        sa.Column("region_code", sa.String(length=12), nullable=False, comment="the village"),
        sa.Column("household_no", sa.String(length=24), nullable=False),
        sa.Column(
            "person_no", sa.String(length=28), nullable=True, comment="whom the case is about, within the household"
        ),
        sa.Column("subject_name", sa.Text(), nullable=False, comment="head of household, as lists show it"),
        sa.Column("initials", sa.String(length=16), server_default="", nullable=False),
        sa.Column("summary", sa.Text(), nullable=False, comment="JSON: what a row of a list tells besides"),
        sa.Column(
            "status",
            sa.String(length=20),
            nullable=False,
            comment="OPEN, COMPLETED, REJECTED, WITHDRAWN, NOTHING_TO_PAY",
        ),
        sa.Column("level", sa.Integer(), nullable=False, comment="digits of the level that holds it now"),
        sa.Column("revision", sa.Integer(), nullable=False, comment="goes up with every verb"),
        sa.Column("state", sa.LargeBinary(), nullable=False, comment="hot state of the execution, with its MAC"),
        sa.Column("kin", sa.Text(), nullable=False, comment="JSON: keyed hashes of the household members' ID numbers"),
        sa.Column(
            "papers_digest", sa.String(length=64), nullable=False, comment="running digest over the papers in the case"
        ),
        sa.Column(
            "decided",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="the county has decided: no withdrawal any more",
        ),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("event_hash", sa.String(length=64), nullable=False),
        sa.Column("returns", sa.Integer(), server_default="0", nullable=False),
        sa.Column("started_by", KEY, nullable=False),
        sa.Column("opened_at", sa.String(length=27), nullable=False),
        sa.Column("ended_at", sa.String(length=27), nullable=True),
        sa.Column("ended_by", sa.String(length=64), nullable=True, comment="element id of the end reached"),
        sa.ForeignKeyConstraint(
            ["definition_digest"], ["definition.digest"], name=op.f("fk_process_case_definition_digest_definition")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_process_case")),
        sa.UniqueConstraint("case_no", name=op.f("uq_process_case_case_no")),
    )
    op.create_index("ix_process_case_region_code_status", "process_case", ["region_code", "status"], unique=False)
    op.create_index("ix_process_case_started_by_opened_at", "process_case", ["started_by", "opened_at"], unique=False)
    op.create_index(
        "uq_process_case_running",
        "process_case",
        ["household_no", "process_id", "person_no"],
        unique=True,
        sqlite_where=sa.text("status = 'OPEN'"),
        postgresql_where=sa.text("status = 'OPEN'"),
    )
    op.create_table(
        "relative",
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("id_hash", sa.String(length=64), nullable=False, comment="keyed hash of the relative's ID number"),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("declared_at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_relative_person_id_person")),
        sa.PrimaryKeyConstraint("person_id", "id_hash", name=op.f("pk_relative")),
    )
    op.create_table(
        "session",
        sa.Column("token_hash", sa.String(length=64), nullable=False, comment="the cookie holds only the token"),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("post_id", KEY, nullable=True, comment="the post chosen; empty until one is"),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("last_seen_at", sa.String(length=27), nullable=False),
        sa.Column("expires_at", sa.String(length=27), nullable=False),
        sa.Column("revoked_at", sa.String(length=27), nullable=True),
        sa.Column(
            "client",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="browser and address, for the list of my sessions",
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_session_person_id_person")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_session")),
    )
    op.create_index("ix_session_person_id", "session", ["person_id"], unique=False)
    op.create_table(
        "case_duty",
        sa.Column("case_id", KEY, nullable=False),
        sa.Column(
            "person_hash", sa.String(length=64), nullable=False, comment="one natural person, one duty on a case"
        ),
        sa.Column("duty", sa.String(length=12), nullable=False),
        sa.CheckConstraint("duty in ('survey','review','approve','pay','file')", name=op.f("ck_case_duty_known_duty")),
        sa.ForeignKeyConstraint(["case_id"], ["process_case.id"], name=op.f("fk_case_duty_case_id_process_case")),
        sa.PrimaryKeyConstraint("case_id", "person_hash", name=op.f("pk_case_duty")),
    )
    op.create_table(
        "signature",
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("task_no", sa.Integer(), nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("person_hash", sa.String(length=64), nullable=False),
        sa.Column("duty", sa.String(length=12), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False, comment="canonical JSON of what the signer saw and decided"),
        sa.Column("payload_digest", sa.String(length=64), nullable=False),
        sa.Column("algorithm", sa.String(length=16), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("value", sa.Text(), nullable=False, comment="base64"),
        sa.Column("signed_at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["process_case.id"], name=op.f("fk_signature_case_id_process_case")),
        sa.PrimaryKeyConstraint("case_id", "event_seq", name=op.f("pk_signature")),
        sa.UniqueConstraint("case_id", "task_no", name="uq_signature_once_per_task"),
    )
    op.create_table(
        "task",
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("no", sa.Integer(), nullable=False, comment="the execution's own name for it"),
        sa.Column("element_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("region_code", sa.String(length=12), nullable=False, comment="the body's jurisdiction"),
        sa.Column("role", sa.String(length=32), nullable=False, comment="the post that holds it now"),
        sa.Column("duty", sa.String(length=12), nullable=False),
        sa.Column("form", sa.String(length=64), nullable=False),
        sa.Column("list_name", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False, comment="OPEN, DONE, CANCELLED"),
        sa.Column("claimed_by", KEY, nullable=True, comment="person"),
        sa.Column("claimed_post", KEY, nullable=True),
        sa.Column("opened_at", sa.String(length=27), nullable=False),
        sa.Column("closed_at", sa.String(length=27), nullable=True),
        sa.Column("outcome", sa.String(length=24), nullable=True),
        sa.Column("closed_by", KEY, nullable=True),
        sa.Column("limit_days", sa.Integer(), nullable=True),
        sa.Column("due_at", sa.String(length=27), nullable=True),
        sa.Column("provisional", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("stage", sa.String(length=10), server_default="NONE", nullable=False),
        sa.Column("clock", sa.Text(), server_default="{}", nullable=False, comment="JSON: start, pauses, extensions"),
        sa.ForeignKeyConstraint(["case_id"], ["process_case.id"], name=op.f("fk_task_case_id_process_case")),
        sa.PrimaryKeyConstraint("case_id", "no", name=op.f("pk_task")),
    )
    op.create_index(
        "ix_task_open",
        "task",
        ["case_id", "no"],
        unique=False,
        sqlite_where=sa.text("state = 'OPEN'"),
        postgresql_where=sa.text("state = 'OPEN'"),
    )
    op.create_index(
        "ix_task_claimed",
        "task",
        ["claimed_by"],
        unique=False,
        sqlite_where=sa.text("state = 'OPEN'"),
        postgresql_where=sa.text("state = 'OPEN'"),
    )
    op.create_index("ix_task_closed_by_closed_at", "task", ["closed_by", "closed_at"], unique=False)
    op.create_index(
        "ix_task_inbox",
        "task",
        ["role", "region_code", "due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'OPEN'"),
        postgresql_where=sa.text("state = 'OPEN'"),
    )
    op.create_table(
        "timer",
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("no", sa.Integer(), nullable=False, comment="the execution's own name for the wait"),
        sa.Column(
            "task_no", sa.Integer(), nullable=True, comment="the task whose limit it watches; empty for a waiting event"
        ),
        sa.Column("element_id", sa.String(length=64), nullable=False),
        sa.Column(
            "stage",
            sa.String(length=10),
            nullable=False,
            comment="the stage it brings; EVENT for a drawn intermediate timer",
        ),
        sa.Column("due_at", sa.String(length=27), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False, comment="ARMED, PAUSED, FIRED, CANCELLED, FAILED"),
        sa.Column("provisional", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["process_case.id"], name=op.f("fk_timer_case_id_process_case")),
        sa.PrimaryKeyConstraint("case_id", "no", name=op.f("pk_timer")),
    )
    op.create_index(
        "ix_timer_armed",
        "timer",
        ["case_id", "task_no"],
        unique=False,
        sqlite_where=sa.text("state = 'ARMED'"),
        postgresql_where=sa.text("state = 'ARMED'"),
    )
    op.create_index(
        "ix_timer_due",
        "timer",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'ARMED'"),
        postgresql_where=sa.text("state = 'ARMED'"),
    )
