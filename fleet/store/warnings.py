"""Keeps what the warnings remember, and puts their alerts into the outbox in the same commit.

Implements `keepers.warnings.keeper.WarningsStore`. Rows in, values out; decides nothing.
"""

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from fleet.store import outbox, watches
from fleet.store.engine import Database
from fleet.store.lease import Lease, hold
from fleet.store.tables import (
    warning_commits,
    warning_digest,
    warning_progress,
    warning_unknowns,
)
from fleet.store.watches import Reading
from fleet.telemetry.messages import Message
from keepers.warnings.alerts import Alert, DigestEntry
from keepers.warnings.observation import Unknowns, UnknownWatch, WarningChange, WarningState
from units import BlockHash, BlockNumber, Head, Netuid, Timestamp

_WHOLE_BOOK = -1


class StoredWarnings:
    """The warnings bot's memory; one bot writes it.

    A `load` that is given up is gone on with by the next one.

    Args:
        database: with this bot's tables in it.
        lease: of who may write; None where nobody else can be there.
    """

    def __init__(self, database: Database, lease: Lease | None = None) -> None:
        self._database = database
        self._lease = lease
        self._begun: Reading | None = None

    async def load(self) -> WarningState:
        """The state as the last commit left it; an empty one when there was none."""
        async with self._database.reading() as connection:
            reading = await self._reading_on(connection)
            state = WarningState(
                head=await _load_head(connection),
                watches=reading.watches,
                unknowns=await _load_unknowns(connection),
                digest=await _load_digest(connection),
            )
        self._begun = None  # the watches are the caller's now
        return state

    async def _reading_on(self, connection: AsyncConnection) -> Reading:
        """The watches; what an attempt before this one has read holds if nobody wrote since."""
        commits = await _load_commits(connection)
        begun = self._begun
        if begun is None or begun.commits != commits:
            begun = self._begun = Reading(commits)
        await watches.read_on(connection, begun)
        return begun

    async def commit(self, change: WarningChange) -> frozenset[str]:
        """Stores the change and its alerts as a whole; returns the ids that are new.

        Raises:
            Fenced: another process tells people by now.
        """
        async with self._database.writing() as connection:
            if self._lease is not None:
                await connection.run_sync(hold, self._lease)
            await _count_commit(connection)
            await _store_head(connection, change.head)
            await watches.forget(connection, change.gone)
            await watches.store(connection, change.watches)
            await _store_unknowns(connection, change.unknowns)
            await _store_digest(connection, change)
            return await outbox.enqueue(connection, [_message(alert) for alert in change.alerts])


def _message(alert: Alert) -> Message:
    return Message(
        id=alert.id,
        severity=alert.severity.value,
        title=alert.title,
        body=alert.text,
        block=alert.block,
        created_at=alert.time,
        rank=0 if alert.ratio_bps is None else alert.ratio_bps,
    )


async def _store_head(connection: AsyncConnection, head: Head | None) -> None:
    await connection.execute(delete(warning_progress))
    if head is None:
        return
    row = {
        "only": 1,
        "number": head.number,
        "hash": head.hash,
        "parent_hash": head.parent_hash,
        "time": head.time,
    }
    await connection.execute(insert(warning_progress), row)


async def _load_head(connection: AsyncConnection) -> Head | None:
    row = (await connection.execute(select(warning_progress))).one_or_none()
    if row is None:
        return None
    return Head(
        number=BlockNumber(row.number),
        hash=BlockHash(row.hash),
        parent_hash=BlockHash(row.parent_hash),
        time=Timestamp(row.time),
    )


async def _count_commit(connection: AsyncConnection) -> None:
    number = warning_commits.c.number
    counted = await connection.execute(update(warning_commits).values(number=number + 1))
    if not counted.rowcount:
        await connection.execute(insert(warning_commits).values(only=1, number=1))


async def _load_commits(connection: AsyncConnection) -> int:
    return int(await connection.scalar(select(warning_commits.c.number)) or 0)


async def _store_unknowns(connection: AsyncConnection, unknowns: Unknowns) -> None:
    await connection.execute(delete(warning_unknowns))
    rows = [
        {
            "netuid": _WHOLE_BOOK if netuid is None else netuid,
            "since": watch.since,
            "is_alerted": watch.is_alerted,
        }
        for netuid, watch in unknowns.items()
    ]
    if rows:
        await connection.execute(insert(warning_unknowns), rows)


async def _load_unknowns(connection: AsyncConnection) -> dict[Netuid | None, UnknownWatch]:
    return {
        None if row.netuid == _WHOLE_BOOK else Netuid(row.netuid): UnknownWatch(
            since=BlockNumber(row.since), is_alerted=row.is_alerted
        )
        for row in await connection.execute(select(warning_unknowns))
    }


async def _store_digest(connection: AsyncConnection, change: WarningChange) -> None:
    if change.is_digest_sent:
        await connection.execute(delete(warning_digest))
    rows = [
        {"alert_id": alert.id, "line": alert.text, "time": alert.time} for alert in change.collected
    ]
    if rows:
        await connection.execute(insert(warning_digest), rows)


async def _load_digest(connection: AsyncConnection) -> tuple[DigestEntry, ...]:
    rows = await connection.execute(select(warning_digest).order_by(warning_digest.c.ordinal))
    return tuple(
        DigestEntry(alert_id=row.alert_id, line=row.line, time=Timestamp(row.time)) for row in rows
    )
