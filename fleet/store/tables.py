"""Every table of the store, on one metadata, one section a subject. Rows and types, no queries.

Integers that can pass 63 bits (wei) are stored as decimal text by their owner. Times are Unix
seconds; `block` and `…_since` are heights.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

SCHEMA = 1
"""Counted up with every change of a table that an existing store does not have."""

# --- stamp: which world this store belongs to -----------------------------------------------

stamp = Table(
    "stamp",
    metadata,
    Column("only", Integer, CheckConstraint("only = 1"), primary_key=True),
    Column("schema", Integer, nullable=False),
    Column("chain_id", BigInteger, nullable=False),
    Column("genesis", String(66), nullable=False),
    Column("exchange", String(42), nullable=False),
)

# --- warnings: the state machine's memory ---------------------------------------------------

warning_progress = Table(
    "warning_progress",
    metadata,
    Column("only", Integer, CheckConstraint("only = 1"), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("hash", String(66), nullable=False),
    Column("parent_hash", String(66), nullable=False),
    Column("time", BigInteger, nullable=False),
)

warning_tiers = Table(
    "warning_tiers",
    metadata,
    Column("position_id", String(34), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("tier_bps", Integer, primary_key=True, autoincrement=False),
    Column("stage", String(16), nullable=False),
    Column("episode", Integer, nullable=False),
    Column("below_since", BigInteger),
    Column("is_found", Boolean, nullable=False),
)

warning_unknowns = Table(
    "warning_unknowns",
    metadata,
    # -1 stands for the whole book
    Column("netuid", Integer, primary_key=True, autoincrement=False),
    Column("since", BigInteger, nullable=False),
    Column("is_alerted", Boolean, nullable=False),
)

warning_digest = Table(
    "warning_digest",
    metadata,
    Column("ordinal", Integer, primary_key=True),
    Column("alert_id", String(200), nullable=False, unique=True),
    Column("line", Text, nullable=False),
    Column("time", BigInteger, nullable=False),
)

# --- outbox: what must be told to people at least once --------------------------------------

outbox = Table(
    "outbox",
    metadata,
    Column("ordinal", Integer, primary_key=True),
    Column("id", String(200), nullable=False, unique=True),
    Column("severity", String(16), nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("block", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("settled_at", BigInteger),
    Index("outbox_open", "settled_at", "ordinal"),
)

outbox_deliveries = Table(
    "outbox_deliveries",
    metadata,
    Column("message_id", String(200), primary_key=True),
    Column("channel", String(80), primary_key=True),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", BigInteger, nullable=False),
    # set when it was delivered, or given up
    Column("closed_at", BigInteger),
)
