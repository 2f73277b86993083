"""Version 9: one row for what the warnings know of a position, where it was one a tier."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Text,
    column,
    insert,
    select,
    table,
    tuple_,
)

revision = "9"
down_revision = "8"

_ROWS_AT_ONCE: Final = 3_000

_OLD: Final = table(
    "warning_tiers",
    column("position_id", String(34)),
    column("sequence", BigInteger()),
    column("tier_bps", Integer()),
    column("stage", String(16)),
    column("episode", Integer()),
    column("below_since", BigInteger()),
    column("is_found", Boolean()),
)


def upgrade() -> None:
    """Takes all watches over; how often they were stored is counted from now on."""
    new = op.create_table(
        "warning_watches",
        Column("position_id", LargeBinary(length=16), nullable=False),
        Column("sequence", BigInteger(), autoincrement=False, nullable=False),
        Column("tiers", Text(), nullable=False),
        PrimaryKeyConstraint("position_id", "sequence"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "warning_commits",
        Column("only", Integer(), nullable=False),
        Column("number", BigInteger(), nullable=False),
        CheckConstraint('"only" = 1'),
        PrimaryKeyConstraint("only"),
    )
    connection = op.get_bind()
    for rows in _by_position(connection):
        connection.execute(insert(new), rows)
    op.drop_table("warning_tiers")
    op.execute("UPDATE stamp SET schema = 9")


def _by_position(connection: Connection) -> Iterator[list[dict[str, Any]]]:
    """A million positions are three million rows: some thousand at a time."""
    waiting: list[Sequence[Any]] = []  # the tiers of a position may come in two pieces
    for rows in _pieces(connection):
        found = [list(of) for _, of in groupby([*waiting, *rows], key=lambda row: row[:2])]
        waiting = found.pop()
        if found:
            yield [_row(tiers) for tiers in found]
    if waiting:
        yield [_row(waiting)]


def _pieces(connection: Connection) -> Iterator[Sequence[Sequence[Any]]]:
    place = _OLD.c.position_id, _OLD.c.sequence, _OLD.c.tier_bps
    query = select(_OLD).order_by(*place).limit(_ROWS_AT_ONCE)
    rows = connection.execute(query).all()
    while rows:
        yield rows
        rows = connection.execute(query.where(tuple_(*place) > tuple_(*rows[-1][:3]))).all()


def _row(tiers: Sequence[Sequence[Any]]) -> dict[str, Any]:
    position_id, sequence, *_ = tiers[0]
    return {
        "position_id": bytes.fromhex(position_id[2:]),
        "sequence": sequence,
        "tiers": " ".join(_word(*tier[2:]) for tier in reversed(tiers)),
    }


def _word(bps: int, stage: str, episode: int, since: int | None, is_found: bool) -> str:
    found, below = "f" if is_found else "", "" if since is None else f"@{since}"
    return f"{bps}{stage[0]}{episode}{found}{below}"
