"""What a key has spent, by lane and hour, and the lanes that wait for an operator.

Written in the journal's own transactions, so nothing is counted twice or forgotten. Decides
nothing.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from fleet.store.engine import Database
from fleet.store.tables import journal_entries as entries
from fleet.store.tables import payments
from fleet.store.tables import spend_hours as hours
from fleet.store.tables import spend_resets as resets
from fleet.store.tables import spend_stops as stops
from fleet.transactions.attempt import Entry
from fleet.transactions.request import Lane
from fleet.transactions.spending import WINDOW_HOURS, Account, Spend, Spent
from units import Timestamp


def book(connection: Connection, namespace: str, spend: Spend, stop: str | None) -> None:
    """Adds one transaction inside the caller's database transaction, and a stop if there is one.

    What an operator has forgiven is not added.
    """
    if spend.nonce >= _forgiven(connection.execute(_resets(namespace)).all()).get(spend.lane, 0):
        _add(connection, namespace, spend)
    if stop is not None:
        put_stop(connection, namespace, spend.lane, stop, spend.time)


def _add(connection: Connection, namespace: str, spend: Spend) -> None:
    own = (hours.c.namespace == namespace, hours.c.lane == spend.lane.value)
    found = _spent(connection.execute(_of(namespace)).all())
    before = found.get((spend.lane, spend.hour))
    after = (before or Spent()).plus(spend)
    columns = {
        "with_effect": str(after.with_effect),
        "without_effect": str(after.without_effect),
    }
    if before is None:
        key = {"namespace": namespace, "lane": spend.lane.value, "hour": spend.hour}
        connection.execute(delete(hours).where(*own, hours.c.hour <= spend.hour - WINDOW_HOURS))
        connection.execute(insert(hours).values(key | columns))
    else:
        this_hour = update(hours).where(*own, hours.c.hour == spend.hour)
        connection.execute(this_hour.values(columns))


def put_stop(
    connection: Connection, namespace: str, lane: Lane, reason: str, since: Timestamp
) -> None:
    """Stops a lane inside the caller's database transaction; nothing when it is already."""
    key = {"namespace": namespace, "lane": lane.value}
    own = select(stops).where(stops.c.namespace == namespace, stops.c.lane == lane.value)
    if connection.execute(own).first() is None:
        connection.execute(insert(stops).values(key | {"reason": reason, "since": since}))


def pay(connection: Connection, namespace: str, entry: Entry, spend: Spend) -> None:
    """Notes what one nonce cost, for ever, inside the caller's database transaction."""
    row = {
        "namespace": namespace,
        "nonce": entry.nonce,
        "tx_hash": None if entry.inclusion is None else entry.inclusion.tx_hash,
        "lane": spend.lane.value,
        "fee": str(spend.fee),
        "time": spend.time,
        "had_effect": spend.had_effect,
    }
    connection.execute(insert(payments).values(row))


async def read_account(database: Database, namespace: str) -> Account:
    """What the namespace has spent in the hours that are kept."""
    async with database.reading() as connection:
        found = _spent((await connection.execute(_of(namespace))).all())
        rows = await connection.execute(select(stops).where(stops.c.namespace == namespace))
        stopped = {Lane(row.lane): row.reason for row in rows}
        forgiven = _forgiven((await connection.execute(_resets(namespace))).all())
        return Account(hours=found, stopped=stopped, forgiven=forgiven)


async def stopped_lanes(database: Database) -> dict[str, dict[Lane, str]]:
    """Every stopped lane of every namespace, with the reason."""
    found: dict[str, dict[Lane, str]] = {}
    async with database.reading() as connection:
        for row in await connection.execute(select(stops).order_by(stops.c.namespace)):
            found.setdefault(row.namespace, {})[Lane(row.lane)] = row.reason
    return found


async def reset(database: Database, namespace: str, lane: Lane) -> None:
    """Lets a stopped lane go on, with a clean slate: what it spent no longer counts.

    Neither does what stands in blocks that are not final yet, whenever they become so.
    """
    highest = select(func.max(entries.c.nonce)).where(entries.c.namespace == namespace)
    async with database.writing() as connection:
        for table in (hours, stops, resets):
            own = (table.c.namespace == namespace, table.c.lane == lane.value)
            await connection.execute(delete(table).where(*own))
        last = await connection.scalar(highest)
        row = {"namespace": namespace, "lane": lane.value, "nonce": 0 if last is None else last + 1}
        await connection.execute(insert(resets).values(row))


def _of(namespace: str) -> Select[Any]:
    return select(hours).where(hours.c.namespace == namespace)


def _resets(namespace: str) -> Select[Any]:
    return select(resets).where(resets.c.namespace == namespace)


def _forgiven(rows: Sequence[Row[Any]]) -> dict[Lane, int]:
    return {Lane(row.lane): row.nonce for row in rows}


def _spent(rows: Sequence[Row[Any]]) -> dict[tuple[Lane, int], Spent]:
    return {
        (Lane(row.lane), row.hour): Spent(
            with_effect=int(row.with_effect), without_effect=int(row.without_effect)
        )
        for row in rows
    }
