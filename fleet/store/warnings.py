"""Keeps what the warnings remember, and puts their alerts into the outbox in the same commit.

Implements `keepers.warnings.keeper.WarningsStore`. Rows in, values out; decides nothing.
"""

from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from fleet.store import outbox
from fleet.store.engine import Database
from fleet.store.lease import Lease, hold
from fleet.store.tables import (
    warning_digest,
    warning_progress,
    warning_tiers,
    warning_unknowns,
)
from fleet.telemetry.messages import Message
from keepers.liquidation.positions import PositionKey
from keepers.warnings.alerts import Alert, DigestEntry
from keepers.warnings.observation import Unknowns, UnknownWatch, WarningChange, WarningState
from keepers.warnings.tiers import Stage, TierWatch, Watch
from units import BlockHash, BlockNumber, Bps, Head, Netuid, PositionId, Sequence, Timestamp

_WHOLE_BOOK = -1
_ROWS_A_TURN = 1_000


class StoredWarnings:
    """The warnings bot's memory; one bot writes it.

    Args:
        database: with this bot's tables in it.
        lease: of who may write; None where nobody else can be there.
    """

    def __init__(self, database: Database, lease: Lease | None = None) -> None:
        self._database = database
        self._lease = lease

    async def load(self) -> WarningState:
        """The state as the last commit left it; an empty one when there was none."""
        async with self._database.reading() as connection:
            return WarningState(
                head=await _load_head(connection),
                watches=await _load_watches(connection),
                unknowns=await _load_unknowns(connection),
                digest=await _load_digest(connection),
            )

    async def commit(self, change: WarningChange) -> frozenset[str]:
        """Stores the change and its alerts as a whole; returns the ids that are new.

        Raises:
            Fenced: another process tells people by now.
        """
        async with self._database.writing() as connection:
            if self._lease is not None:
                await connection.run_sync(hold, self._lease)
            await _store_head(connection, change.head)
            await _store_watches(connection, change)
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


async def _store_watches(connection: AsyncConnection, change: WarningChange) -> None:
    keys = [{"id": _hex(key), "at": key.sequence} for key in (*change.gone, *change.watches)]
    if keys:
        table = warning_tiers
        forget = delete(table).where(
            table.c.position_id == bindparam("id"), table.c.sequence == bindparam("at")
        )
        await connection.execute(forget, keys)
    rows = [row for key, watch in change.watches.items() for row in _rows(key, watch)]
    if rows:
        await connection.execute(insert(warning_tiers), rows)


def _rows(key: PositionKey, watch: Watch) -> list[dict[str, Any]]:
    return [
        {
            "position_id": _hex(key),
            "sequence": key.sequence,
            "tier_bps": tier.tier_bps,
            "stage": tier.stage.value,
            "episode": tier.episode,
            "below_since": tier.below_since,
            "is_found": tier.is_found,
        }
        for tier in watch
    ]


async def _load_watches(connection: AsyncConnection) -> dict[PositionKey, Watch]:
    """In pieces, between which others have a turn; most tiers and watches are alike, kept once."""
    columns = warning_tiers.c
    query = select(warning_tiers).order_by(
        columns.position_id, columns.sequence, columns.tier_bps.desc()
    )
    watches: dict[PositionKey, Watch] = {}
    alike: dict[Watch, Watch] = {}
    tier = cache(_tier)
    last: list[Row[Any]] = []  # the rows of a position may come in two pieces
    async with connection.stream(query) as rows:
        async for some in rows.partitions(_ROWS_A_TURN):
            for named, each in groupby([*last, *some], key=_named):
                last = list(each)
                watch = tuple(tier(*row[2:]) for row in last)
                watches[_key(*named)] = alike.setdefault(watch, watch)
    return watches


_named = itemgetter(0, 1)
"""Whose row it is: position id and sequence, as they are stored."""


def _key(id_: str, sequence: int) -> PositionKey:
    return PositionKey(id=PositionId(bytes.fromhex(id_[2:])), sequence=Sequence(sequence))


def _tier(
    tier_bps: int, stage: str, episode: int, below_since: int | None, is_found: bool
) -> TierWatch:
    return TierWatch(
        tier_bps=Bps(tier_bps),
        stage=Stage(stage),
        episode=episode,
        below_since=None if below_since is None else BlockNumber(below_since),
        is_found=is_found,
    )


def _hex(key: PositionKey) -> str:
    return f"0x{key.id.hex()}"


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
