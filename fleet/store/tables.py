"""Every table of the store, on one metadata, one section a subject. Rows and types, no queries.

Integers that can pass 63 bits (wei) are decimal text. Times are Unix seconds, `…_since` heights.
"""

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
    text,
)

metadata = MetaData()

SCHEMA = 9
"""The newest version in `migrations/versions/`, whose tables these are."""

# --- stamp: which world this store belongs to -----------------------------------------------

stamp = Table(
    "stamp",
    metadata,
    Column("only", Integer, CheckConstraint('"only" = 1'), primary_key=True),
    # the version of the tables, for programs from before the migrations
    Column("schema", Integer, nullable=False),
    Column("chain_id", BigInteger, nullable=False),
    Column("genesis", String(66), nullable=False),
    Column("exchange", String(42), nullable=False),
)

# --- contracts: the code that was accepted ---------------------------------------------------

code_pins = Table(
    "code_pins",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("address", String(42), primary_key=True),
    Column("code_hash", String(66), nullable=False),
    # where an EIP-1967 proxy points, and the hash of the code there
    Column("implementation", String(42)),
    Column("implementation_hash", String(66)),
    Column("accepted_at", BigInteger, nullable=False),
)

# --- warnings: the state machine's memory ---------------------------------------------------

warning_progress = Table(
    "warning_progress",
    metadata,
    Column("only", Integer, CheckConstraint('"only" = 1'), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("hash", String(66), nullable=False),
    Column("parent_hash", String(66), nullable=False),
    Column("time", BigInteger, nullable=False),
)

warning_watches = Table(
    "warning_watches",
    metadata,
    Column("position_id", LargeBinary(16), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    # a word a tier, the highest first: see `watches.py`
    Column("tiers", Text, nullable=False),
    sqlite_with_rowid=False,
)

warning_commits = Table(
    "warning_commits",
    metadata,
    Column("only", Integer, CheckConstraint('"only" = 1'), primary_key=True),
    # counted up with each: who reads in pieces knows by it that they are of one moment
    Column("number", BigInteger, nullable=False),
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
    # the lower the worse, among messages of one severity
    Column("rank", Integer, nullable=False, server_default="0"),
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

# --- journal: every nonce of every key, and all that was ever signed for it ------------------

journal_entries = Table(
    "journal_entries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("namespace", String(128), nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("ending", String(16)),
    Column("idempotency_key", String(256), nullable=False),
    Column("to", String(42), nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("value", String(80), nullable=False),
    Column("gas_limit", BigInteger, nullable=False),
    Column("lane", Integer, nullable=False),
    Column("valid_until", BigInteger, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("spend_limit", String(80)),
    Column("decided_at", BigInteger),
    # names, one a line
    Column("subjects", Text, nullable=False),
    Column("mined_as", String(66)),
    Column("mined_in", BigInteger),
    Column("mined_in_hash", String(66)),
)

JOURNAL_DONE = ("final", "released")
"""States after which nothing more is done about an entry."""

_HELD = text("state <> 'released'")
_UNSETTLED = text("state <> 'released' AND ending IS NULL")

Index(
    "journal_one_holder_a_nonce",
    journal_entries.c.namespace,
    journal_entries.c.nonce,
    unique=True,
    sqlite_where=_HELD,
    postgresql_where=_HELD,
)
Index(
    "journal_one_flight_a_key",
    journal_entries.c.namespace,
    journal_entries.c.idempotency_key,
    unique=True,
    sqlite_where=_UNSETTLED,
    postgresql_where=_UNSETTLED,
)

journal_attempts = Table(
    "journal_attempts",
    metadata,
    Column("entry_id", Integer, ForeignKey("journal_entries.id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("tx_hash", String(66), nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("max_fee", String(80), nullable=False),
    Column("tip", String(80)),
    Column("kind", String(16), nullable=False),
    Column("block", BigInteger, nullable=False),
    Index("journal_attempts_by_hash", "tx_hash"),
)

# --- decisions: what liquidations were decided on, and what became of them --------------------

decisions = Table(
    "decisions",
    metadata,
    Column("entry_id", Integer, ForeignKey("journal_entries.id"), primary_key=True),
    # chain time of the block it was decided at
    Column("time", BigInteger, nullable=False, index=True),
    Column("record", Text, nullable=False),
    # from the final receipt
    Column("report", Text),
)

decision_subjects = Table(
    "decision_subjects",
    metadata,
    # a position id, 32 hexadecimal digits
    Column("subject", String(80), primary_key=True),
    Column("entry_id", Integer, ForeignKey("decisions.entry_id"), primary_key=True, index=True),
)

# --- quotes: what was read of Subtensor ---------------------------------------------------------

quotes = Table(
    "quotes",
    metadata,
    # a finalized block of Subtensor
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", String(66), nullable=False),
    Column("time", BigInteger, nullable=False, index=True),
    # RAO per Alpha by netuid, as JSON
    Column("prices", Text, nullable=False),
    # what each endpoint was worth and, where it was not agreed with, said; as JSON by its name
    Column("said", Text),
    # what was made of each price, as JSON by netuid
    Column("verdicts", Text),
)

# --- payments: what each nonce of each key cost, kept for ever ----------------------------------

payments = Table(
    "payments",
    metadata,
    Column("namespace", String(128), primary_key=True),
    Column("nonce", BigInteger, primary_key=True, autoincrement=False),
    Column("tx_hash", String(66)),
    Column("lane", Integer, nullable=False),
    Column("fee", String(80), nullable=False),
    # chain time at which it was final
    Column("time", BigInteger, nullable=False, index=True),
    Column("had_effect", Boolean, nullable=False),
)

# --- leases: which process works with which key -----------------------------------------------

leases = Table(
    "leases",
    metadata,
    # the workload
    Column("name", String(64), primary_key=True),
    # empty where the workload uses no key
    Column("account", String(42), nullable=False),
    # a process's random id; empty when it was given back
    Column("holder", String(64), nullable=False),
    # counted up with every holder
    Column("epoch", BigInteger, nullable=False),
    # milliseconds by the database's clock
    Column("expires_ms", BigInteger, nullable=False),
    # for people
    Column("host", String(255), nullable=False),
    Column("pid", BigInteger, nullable=False),
    # tells on the same machine whether it is gone
    Column("mark", String(160), nullable=False),
    Index("leases_of_an_account", "account"),
)

# --- spending: what each lane of a key paid for gas, and which wait for an operator -------------

spend_hours = Table(
    "spend_hours",
    metadata,
    Column("namespace", String(128), primary_key=True),
    Column("lane", Integer, primary_key=True, autoincrement=False),
    # hours since 1970, of chain time
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("with_effect", String(80), nullable=False),
    Column("without_effect", String(80), nullable=False),
)

spend_stops = Table(
    "spend_stops",
    metadata,
    Column("namespace", String(128), primary_key=True),
    Column("lane", Integer, primary_key=True, autoincrement=False),
    Column("reason", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
)

spend_resets = Table(
    "spend_resets",
    metadata,
    Column("namespace", String(128), primary_key=True),
    Column("lane", Integer, primary_key=True, autoincrement=False),
    # what has a lower one no longer counts, final or not
    Column("nonce", BigInteger, nullable=False),
)
