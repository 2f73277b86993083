"""What a key has spent, by lane and hour, and the lanes that wait for an operator.

Written in the journal's own transactions, so nothing is counted twice or forgotten. Decides
nothing.
"""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from fleet.store.engine import Database
from fleet.store.prepared import Prepared
from fleet.store.tables import journal_entries as entries
from fleet.store.tables import payments
from fleet.store.tables import spend_hours as hours
from fleet.store.tables import spend_resets as resets
from fleet.store.tables import spend_stops as stops
from fleet.transactions.attempt import Entry, State
from fleet.transactions.request import Lane
from fleet.transactions.spending import WINDOW_HOURS, Account, Spend, Spent
from units import Timestamp

_NEW_STOP = Prepared(insert(stops))
_NEW_PAYMENT = Prepared(insert(payments))
_NEW_HOUR = Prepared(insert(hours))


def _of_lane(table: Table) -> ColumnElement[bool]:
    """Named unlike the columns, which in an update are the new values."""
    of_namespace = table.c.namespace == bindparam("of_namespace")
    return and_(of_namespace, table.c.lane == bindparam("of_lane"))


_THIS_HOUR = and_(_of_lane(hours), hours.c.hour == bindparam("of_hour"))
_SPENT = Prepared(select(hours.c.with_effect, hours.c.without_effect).where(_THIS_HOUR))
_SPENT_MORE = Prepared(update(hours).where(_THIS_HOUR), columns=("with_effect", "without_effect"))
_OLD_HOURS = Prepared(delete(hours).where(_of_lane(hours), hours.c.hour <= bindparam("until")))
_STOPPED = Prepared(select(stops.c.since).where(_of_lane(stops)))
_FORGIVEN = Prepared(select(resets.c.nonce).where(_of_lane(resets)))


def book(connection: Connection, namespace: str, spend: Spend, stop: str | None) -> None:
    """Adds one transaction inside the caller's database transaction, and a stop if there is one.

    What an operator has forgiven is not added.
    """
    forgiven = _FORGIVEN.rows(connection, _lane(namespace, spend.lane))
    if all(spend.nonce >= below for (below,) in forgiven):
        _add(connection, namespace, spend)
    if stop is not None:
        put_stop(connection, namespace, spend.lane, stop, spend.time)


def _add(connection: Connection, namespace: str, spend: Spend) -> None:
    of_lane = _lane(namespace, spend.lane)
    this_hour = of_lane | {"of_hour": spend.hour}
    found = _SPENT.rows(connection, this_hour)
    if found:
        _SPENT_MORE.run(connection, this_hour | _sums(_spent(*found[0]).plus(spend)))
        return
    _OLD_HOURS.run(connection, of_lane | {"until": spend.hour - WINDOW_HOURS})
    key = {"namespace": namespace, "lane": spend.lane.value, "hour": spend.hour}
    _NEW_HOUR.run(connection, key | _sums(Spent().plus(spend)))


def put_stop(
    connection: Connection, namespace: str, lane: Lane, reason: str, since: Timestamp
) -> None:
    """Stops a lane inside the caller's database transaction; nothing when it is already."""
    if not _STOPPED.rows(connection, _lane(namespace, lane)):
        key = {"namespace": namespace, "lane": lane.value}
        _NEW_STOP.run(connection, key | {"reason": reason, "since": since})


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
    _NEW_PAYMENT.run(connection, row)


async def read_account(database: Database, namespace: str) -> Account:
    """What the namespace has spent in the hours that are kept."""
    async with database.reading() as connection:
        spent, stopped, forgiven = [
            (await connection.execute(select(table).where(table.c.namespace == namespace))).all()
            for table in (hours, stops, resets)
        ]
    return Account(
        hours={
            (Lane(row.lane), row.hour): _spent(row.with_effect, row.without_effect) for row in spent
        },
        stopped={Lane(row.lane): row.reason for row in stopped},
        forgiven={Lane(row.lane): row.nonce for row in forgiven},
    )


async def stopped_lanes(database: Database) -> dict[str, dict[Lane, str]]:
    """Every stopped lane of every namespace, with the reason."""
    found: dict[str, dict[Lane, str]] = {}
    async with database.reading() as connection:
        for row in await connection.execute(select(stops).order_by(stops.c.namespace)):
            found.setdefault(row.namespace, {})[Lane(row.lane)] = row.reason
    return found


async def reset(database: Database, namespace: str, lane: Lane) -> None:
    """Lets a stopped lane go on, with a clean slate: what it spent no longer counts.

    Neither does what stands in blocks that are not final yet, whenever they become so. A nonce that
    was given back counts: whatever gets it next comes after the reset.
    """
    held = and_(entries.c.namespace == namespace, entries.c.state != State.RELEASED.value)
    highest = select(func.max(entries.c.nonce)).where(held)
    async with database.writing() as connection:
        for table in (hours, stops, resets):
            own = (table.c.namespace == namespace, table.c.lane == lane.value)
            await connection.execute(delete(table).where(*own))
        last = await connection.scalar(highest)
        row = {"namespace": namespace, "lane": lane.value, "nonce": 0 if last is None else last + 1}
        await connection.execute(insert(resets).values(row))


def _lane(namespace: str, lane: Lane) -> dict[str, Any]:
    return {"of_namespace": namespace, "of_lane": lane.value}


def _spent(with_effect: str, without_effect: str) -> Spent:
    return Spent(with_effect=int(with_effect), without_effect=int(without_effect))


def _sums(spent: Spent) -> dict[str, str]:
    return {
        "with_effect": str(spent.with_effect),
        "without_effect": str(spent.without_effect),
    }
