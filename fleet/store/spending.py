"""What a key has spent, by lane and hour, and the lanes that wait for an operator.

Written in the journal's own transactions, so nothing is counted twice or forgotten. Decides
nothing.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from fleet.store.engine import Database
from fleet.store.tables import payments
from fleet.store.tables import spend_hours as hours
from fleet.store.tables import spend_stops as stops
from fleet.transactions.attempt import Entry
from fleet.transactions.request import Lane
from fleet.transactions.spending import WINDOW_HOURS, Account, Spend, Spent


def book(connection: Connection, namespace: str, spend: Spend, stop: str | None) -> None:
    """Adds one transaction inside the caller's database transaction, and a stop if there is one."""
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
    if stop is not None:
        key = {"namespace": namespace, "lane": spend.lane.value}
        connection.execute(insert(stops).values(key | {"reason": stop, "since": spend.time}))


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
        return Account(hours=found, stopped={Lane(row.lane): row.reason for row in rows})


async def stopped_lanes(database: Database) -> dict[str, dict[Lane, str]]:
    """Every stopped lane of every namespace, with the reason."""
    found: dict[str, dict[Lane, str]] = {}
    async with database.reading() as connection:
        for row in await connection.execute(select(stops).order_by(stops.c.namespace)):
            found.setdefault(row.namespace, {})[Lane(row.lane)] = row.reason
    return found


async def reset(database: Database, namespace: str, lane: Lane) -> None:
    """Lets a stopped lane go on, with a clean slate: what it spent no longer counts."""
    async with database.writing() as connection:
        for table in (hours, stops):
            own = (table.c.namespace == namespace, table.c.lane == lane.value)
            await connection.execute(delete(table).where(*own))


def _of(namespace: str) -> Select[Any]:
    return select(hours).where(hours.c.namespace == namespace)


def _spent(rows: Sequence[Row[Any]]) -> dict[tuple[Lane, int], Spent]:
    return {
        (Lane(row.lane), row.hour): Spent(
            with_effect=int(row.with_effect), without_effect=int(row.without_effect)
        )
        for row in rows
    }
