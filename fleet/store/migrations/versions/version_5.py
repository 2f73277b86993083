"""Version 5: every table as it was when the history begins."""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Text,
    UniqueConstraint,
    text,
)

revision = "5"
down_revision = None


def upgrade() -> None:
    """Makes the tables of an empty store."""
    _stamp()
    _warnings()
    _outbox()
    _journal()
    _decisions()
    _quotes_and_payments()
    _leases()
    _spending()


def _stamp() -> None:
    op.create_table(
        "stamp",
        Column("only", Integer(), nullable=False),
        Column("schema", Integer(), nullable=False),
        Column("chain_id", BigInteger(), nullable=False),
        Column("genesis", String(length=66), nullable=False),
        Column("exchange", String(length=42), nullable=False),
        CheckConstraint('"only" = 1'),
        PrimaryKeyConstraint("only"),
    )


def _warnings() -> None:
    op.create_table(
        "warning_progress",
        Column("only", Integer(), nullable=False),
        Column("number", BigInteger(), nullable=False),
        Column("hash", String(length=66), nullable=False),
        Column("parent_hash", String(length=66), nullable=False),
        Column("time", BigInteger(), nullable=False),
        CheckConstraint('"only" = 1'),
        PrimaryKeyConstraint("only"),
    )
    op.create_table(
        "warning_tiers",
        Column("position_id", String(length=34), nullable=False),
        Column("sequence", BigInteger(), autoincrement=False, nullable=False),
        Column("tier_bps", Integer(), autoincrement=False, nullable=False),
        Column("stage", String(length=16), nullable=False),
        Column("episode", Integer(), nullable=False),
        Column("below_since", BigInteger()),
        Column("is_found", Boolean(), nullable=False),
        PrimaryKeyConstraint("position_id", "sequence", "tier_bps"),
    )
    op.create_table(
        "warning_unknowns",
        Column("netuid", Integer(), autoincrement=False, nullable=False),
        Column("since", BigInteger(), nullable=False),
        Column("is_alerted", Boolean(), nullable=False),
        PrimaryKeyConstraint("netuid"),
    )
    op.create_table(
        "warning_digest",
        Column("ordinal", Integer(), nullable=False),
        Column("alert_id", String(length=200), nullable=False),
        Column("line", Text(), nullable=False),
        Column("time", BigInteger(), nullable=False),
        PrimaryKeyConstraint("ordinal"),
        UniqueConstraint("alert_id"),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        Column("ordinal", Integer(), nullable=False),
        Column("id", String(length=200), nullable=False),
        Column("severity", String(length=16), nullable=False),
        Column("title", Text(), nullable=False),
        Column("body", Text(), nullable=False),
        Column("block", BigInteger(), nullable=False),
        Column("created_at", BigInteger(), nullable=False),
        Column("settled_at", BigInteger()),
        PrimaryKeyConstraint("ordinal"),
        UniqueConstraint("id"),
    )
    op.create_index("outbox_open", "outbox", ["settled_at", "ordinal"])
    op.create_table(
        "outbox_deliveries",
        Column("message_id", String(length=200), nullable=False),
        Column("channel", String(length=80), nullable=False),
        Column("attempts", Integer(), nullable=False),
        Column("next_attempt_at", BigInteger(), nullable=False),
        Column("closed_at", BigInteger()),
        PrimaryKeyConstraint("message_id", "channel"),
    )


def _journal() -> None:
    op.create_table(
        "journal_entries",
        Column("id", Integer(), nullable=False),
        Column("namespace", String(length=128), nullable=False),
        Column("nonce", BigInteger(), nullable=False),
        Column("state", String(length=16), nullable=False),
        Column("ending", String(length=16)),
        Column("idempotency_key", String(length=256), nullable=False),
        Column("to", String(length=42), nullable=False),
        Column("data", LargeBinary(), nullable=False),
        Column("value", String(length=80), nullable=False),
        Column("gas_limit", BigInteger(), nullable=False),
        Column("lane", Integer(), nullable=False),
        Column("valid_until", BigInteger(), nullable=False),
        Column("purpose", Text(), nullable=False),
        Column("spend_limit", String(length=80)),
        Column("decided_at", BigInteger()),
        Column("subjects", Text(), nullable=False),
        Column("mined_as", String(length=66)),
        Column("mined_in", BigInteger()),
        Column("mined_in_hash", String(length=66)),
        PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "journal_one_flight_a_key",
        "journal_entries",
        ["namespace", "idempotency_key"],
        unique=True,
        sqlite_where=text("state <> 'released' AND ending IS NULL"),
        postgresql_where=text("state <> 'released' AND ending IS NULL"),
    )
    op.create_index(
        "journal_one_holder_a_nonce",
        "journal_entries",
        ["namespace", "nonce"],
        unique=True,
        sqlite_where=text("state <> 'released'"),
        postgresql_where=text("state <> 'released'"),
    )
    op.create_table(
        "journal_attempts",
        Column("entry_id", Integer(), nullable=False),
        Column("ordinal", Integer(), autoincrement=False, nullable=False),
        Column("tx_hash", String(length=66), nullable=False),
        Column("raw", LargeBinary(), nullable=False),
        Column("max_fee", String(length=80), nullable=False),
        Column("tip", String(length=80)),
        Column("kind", String(length=16), nullable=False),
        Column("block", BigInteger(), nullable=False),
        ForeignKeyConstraint(
            ["entry_id"],
            ["journal_entries.id"],
        ),
        PrimaryKeyConstraint("entry_id", "ordinal"),
    )
    op.create_index("journal_attempts_by_hash", "journal_attempts", ["tx_hash"])


def _decisions() -> None:
    op.create_table(
        "decisions",
        Column("entry_id", Integer(), nullable=False),
        Column("time", BigInteger(), nullable=False),
        Column("record", Text(), nullable=False),
        Column("report", Text()),
        ForeignKeyConstraint(
            ["entry_id"],
            ["journal_entries.id"],
        ),
        PrimaryKeyConstraint("entry_id"),
    )
    op.create_index(("ix_decisions_time"), "decisions", ["time"])
    op.create_table(
        "decision_subjects",
        Column("subject", String(length=80), nullable=False),
        Column("entry_id", Integer(), nullable=False),
        ForeignKeyConstraint(
            ["entry_id"],
            ["decisions.entry_id"],
        ),
        PrimaryKeyConstraint("subject", "entry_id"),
    )
    op.create_index(("ix_decision_subjects_entry_id"), "decision_subjects", ["entry_id"])


def _quotes_and_payments() -> None:
    op.create_table(
        "quotes",
        Column("block", BigInteger(), autoincrement=False, nullable=False),
        Column("hash", String(length=66), nullable=False),
        Column("time", BigInteger(), nullable=False),
        Column("prices", Text(), nullable=False),
        PrimaryKeyConstraint("block"),
    )
    op.create_index(("ix_quotes_time"), "quotes", ["time"])
    op.create_table(
        "payments",
        Column("namespace", String(length=128), nullable=False),
        Column("nonce", BigInteger(), autoincrement=False, nullable=False),
        Column("tx_hash", String(length=66)),
        Column("lane", Integer(), nullable=False),
        Column("fee", String(length=80), nullable=False),
        Column("time", BigInteger(), nullable=False),
        Column("had_effect", Boolean(), nullable=False),
        PrimaryKeyConstraint("namespace", "nonce"),
    )
    op.create_index(("ix_payments_time"), "payments", ["time"])


def _leases() -> None:
    op.create_table(
        "leases",
        Column("name", String(length=64), nullable=False),
        Column("account", String(length=42), nullable=False),
        Column("holder", String(length=64), nullable=False),
        Column("epoch", BigInteger(), nullable=False),
        Column("expires_ms", BigInteger(), nullable=False),
        Column("host", String(length=255), nullable=False),
        Column("pid", BigInteger(), nullable=False),
        Column("mark", String(length=160), nullable=False),
        PrimaryKeyConstraint("name"),
    )
    op.create_index("leases_of_an_account", "leases", ["account"])


def _spending() -> None:
    op.create_table(
        "spend_hours",
        Column("namespace", String(length=128), nullable=False),
        Column("lane", Integer(), autoincrement=False, nullable=False),
        Column("hour", BigInteger(), autoincrement=False, nullable=False),
        Column("with_effect", String(length=80), nullable=False),
        Column("without_effect", String(length=80), nullable=False),
        PrimaryKeyConstraint("namespace", "lane", "hour"),
    )
    op.create_table(
        "spend_stops",
        Column("namespace", String(length=128), nullable=False),
        Column("lane", Integer(), autoincrement=False, nullable=False),
        Column("reason", Text(), nullable=False),
        Column("since", BigInteger(), nullable=False),
        PrimaryKeyConstraint("namespace", "lane"),
    )
