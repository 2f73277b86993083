"""Keeps messages until every channel is done with them; filled in other rooms' transactions.

Implements `fleet.telemetry.notify.Outbox`. Knows neither what the messages are about nor how
they are delivered.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, and_, case, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from fleet.store.engine import Database
from fleet.store.tables import outbox, outbox_deliveries
from fleet.telemetry.messages import URGENCY, Message, Pending
from fleet.telemetry.storms import Group
from units import BlockNumber, Timestamp

_PARAMETERS_MAX = 500  # of one statement, below the limit of every database


async def enqueue(connection: AsyncConnection, messages: Sequence[Message]) -> frozenset[str]:
    """Adds messages inside the caller's transaction; an id that is known already is left alone.

    Returns:
        The ids that are new.
    """
    by_id = {message.id: message for message in messages}
    known = await _known(connection, list(by_id))
    new = [message for id_, message in by_id.items() if id_ not in known]
    if new:
        await connection.execute(insert(outbox), [_row(message) for message in new])
    return frozenset(message.id for message in new)


async def _known(connection: AsyncConnection, ids: list[str]) -> set[str]:
    known: set[str] = set()
    for start in range(0, len(ids), _PARAMETERS_MAX):
        some = ids[start : start + _PARAMETERS_MAX]
        known.update(await connection.scalars(select(outbox.c.id).where(outbox.c.id.in_(some))))
    return known


def _row(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "severity": message.severity,
        "title": message.title,
        "body": message.body,
        "block": message.block,
        "created_at": message.created_at,
        "rank": message.rank,
    }


class StoredOutbox:
    """The outbox of one store; one notifier drains it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pending(
        self, channel: str, severities: frozenset[str], now: Timestamp, limit: int
    ) -> tuple[Pending, ...]:
        """What the channel should be given now, most urgent first, then oldest first."""
        deliveries = outbox_deliveries
        urgency = case({s: place for place, s in enumerate(URGENCY)}, value=outbox.c.severity)
        query = (
            select(outbox, deliveries.c.attempts)
            .outerjoin(
                deliveries,
                and_(deliveries.c.message_id == outbox.c.id, deliveries.c.channel == channel),
            )
            .where(
                outbox.c.settled_at.is_(None),
                outbox.c.severity.in_(sorted(severities)),
                deliveries.c.closed_at.is_(None),
                or_(deliveries.c.next_attempt_at.is_(None), deliveries.c.next_attempt_at <= now),
            )
            .order_by(urgency, outbox.c.ordinal)
            .limit(limit)
        )
        async with self._database.reading() as connection:
            return tuple(_pending(row) for row in await connection.execute(query))

    async def close(self, group: Group, channel: str, now: Timestamp) -> None:
        """The channel is done with these messages: it took them, or is not asked again."""
        await self._attempted(group, channel, next_attempt_at=now, closed_at=now)

    async def postpone(self, group: Group, channel: str, until: Timestamp) -> None:
        """The channel did not take them and is asked again from `until` on."""
        await self._attempted(group, channel, next_attempt_at=until, closed_at=None)

    async def settle(self, channels: Mapping[str, frozenset[str]], now: Timestamp) -> int:
        """Settles messages with which every channel of their severity is done; counts the rest."""
        if await self._still_open() == 0:  # the usual case needs no lock
            return 0
        async with self._database.writing() as connection:
            for severity, names in channels.items():
                await connection.execute(_settlement(severity, names, now))
        return await self._still_open()

    async def _still_open(self) -> int:
        count = select(func.count()).select_from(outbox).where(outbox.c.settled_at.is_(None))
        async with self._database.reading() as connection:
            return (await connection.execute(count)).scalar_one()

    async def _attempted(
        self,
        group: Group,
        channel: str,
        *,
        next_attempt_at: Timestamp,
        closed_at: Timestamp | None,
    ) -> None:
        table = outbox_deliveries
        same = {"channel": channel, "next_attempt_at": next_attempt_at, "closed_at": closed_at}
        async with self._database.writing() as connection:
            for start in range(0, len(group), _PARAMETERS_MAX):
                some = group[start : start + _PARAMETERS_MAX]
                these = table.c.message_id.in_([each.message.id for each in some])
                await connection.execute(delete(table).where(these, table.c.channel == channel))
                rows = [
                    {"message_id": each.message.id, "attempts": each.attempts + 1, **same}
                    for each in some
                ]
                await connection.execute(insert(table), rows)


async def prune_outbox(database: Database, before: Timestamp) -> int:
    """Deletes messages settled before `before`, and their deliveries; returns how many."""
    async with database.writing() as connection:
        old = select(outbox.c.id).where(outbox.c.settled_at < before)
        await connection.execute(
            delete(outbox_deliveries).where(outbox_deliveries.c.message_id.in_(old))
        )
        return (
            await connection.execute(delete(outbox).where(outbox.c.settled_at < before))
        ).rowcount


def _settlement(severity: str, channels: frozenset[str], now: Timestamp) -> Any:
    done = (
        select(func.count())
        .where(
            outbox_deliveries.c.message_id == outbox.c.id,
            outbox_deliveries.c.channel.in_(sorted(channels)),
            outbox_deliveries.c.closed_at.is_not(None),
        )
        .scalar_subquery()
    )
    return (
        update(outbox)
        .where(outbox.c.severity == severity, outbox.c.settled_at.is_(None), done == len(channels))
        .values(settled_at=now)
    )


def _pending(row: Row[Any]) -> Pending:
    message = Message(
        id=row.id,
        severity=row.severity,
        title=row.title,
        body=row.body,
        block=BlockNumber(row.block),
        created_at=Timestamp(row.created_at),
        rank=row.rank,
    )
    return Pending(message=message, attempts=row.attempts or 0)
