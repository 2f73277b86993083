"""The journal's rows and the account as they lie in the store, read without the sender's help.

The audit must see what is written, not what the code that wrote it makes of it.
"""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import select

from devnet.chaos.workload import piece_number
from fleet.store.engine import Database
from fleet.store.tables import journal_entries as entries
from fleet.store.tables import spend_hours
from fleet.transactions.attempt import State
from fleet.transactions.request import Lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One entry that holds its nonce. `piece` is None for the sender's own transactions."""

    piece: int | None
    nonce: int
    lane: Lane
    state: str
    ending: str | None
    mined_as: str | None


async def read_rows(database: Database, namespace: str) -> list[Row]:
    """Every entry that was not released, by nonce."""
    wanted = (
        select(entries)
        .where(entries.c.namespace == namespace, entries.c.state != State.RELEASED.value)
        .order_by(entries.c.nonce)
    )
    async with database.reading() as connection:
        found = (await connection.execute(wanted)).all()
    return [
        Row(
            piece=piece_number(each.idempotency_key),
            nonce=each.nonce,
            lane=Lane(each.lane),
            state=each.state,
            ending=each.ending,
            mined_as=each.mined_as,
        )
        for each in found
    ]


async def read_spending(database: Database, namespace: str) -> dict[Lane, int]:
    """What the account says each lane has paid for gas, in wei."""
    wanted = select(spend_hours).where(spend_hours.c.namespace == namespace)
    found: Counter[Lane] = Counter()
    async with database.reading() as connection:
        for hour in await connection.execute(wanted):
            found[Lane(hour.lane)] += int(hour.with_effect) + int(hour.without_effect)
    return dict(found)


async def ended_pieces(database: Database, namespace: str) -> set[int]:
    """The pieces of which the journal holds an outcome."""
    rows = await read_rows(database, namespace)
    return {row.piece for row in rows if row.piece is not None and row.ending is not None}


def states_in_flight(rows: list[Row]) -> Counter[str]:
    """How many entries are on their way, by state."""
    return Counter(row.state for row in rows if row.state != State.FINAL.value)
