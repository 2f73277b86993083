"""What the warnings know of each position: a row each, a word a tier. Rows in, values out.

A word is the tier in basis points, the first letter of its stage, and its episode; an f follows
where the position was found below it, and @ with a block since when it was seen below. So
`3500s2 2500a1f@5190004` is: of 35 % alerted, twice armed; of 25 % armed, found below it, and below
since block 5190004. Most of a million are alike, and each kind is read once.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from sqlalchemy import BigInteger, Dialect, LargeBinary, bindparam, delete, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from fleet.store.tables import warning_watches
from keepers.liquidation.positions import PositionKey
from keepers.warnings.tiers import Stage, TierWatch, Watch
from units import BlockNumber, Bps, PositionId, Sequence

_ROWS_A_TURN: Final = 2_000
"""Read at once, some milliseconds; between two others have a turn."""

_KINDS_MAX: Final = 100_000
_WORD: Final = re.compile(r"(-?\d+)([ars])(\d+)(f?)(?:@(\d+))?")
_STAGES: Final = {stage.value[0]: stage for stage in Stage}
_COLUMNS: Final = warning_watches.c


@dataclass(slots=True)
class Reading:
    """What was read so far: all up to position `last`, as they stood after so many commits."""

    commits: int
    watches: dict[PositionKey, Watch] = field(default_factory=dict)
    last: tuple[bytes, int] = (b"", 0)


async def read_on(connection: AsyncConnection, reading: Reading) -> None:
    """Reads the rest, piece by piece; given up meanwhile, the pieces that were read are kept."""
    following = (
        select(_COLUMNS.position_id, _COLUMNS.sequence, _COLUMNS.tiers)
        .where(
            tuple_(_COLUMNS.position_id, _COLUMNS.sequence)
            > tuple_(bindparam("id", type_=LargeBinary()), bindparam("at", type_=BigInteger()))
        )
        .order_by(_COLUMNS.position_id, _COLUMNS.sequence)
        .limit(_ROWS_A_TURN)
    )
    while True:
        id_, at = reading.last
        rows = (await connection.execute(following, {"id": id_, "at": at})).all()
        for id_, at, words in rows:
            key = PositionKey(id=PositionId(id_), sequence=Sequence(at))
            reading.watches[key] = watch_of(words)
        reading.last = id_, at
        if len(rows) < _ROWS_A_TURN:
            return


async def forget(connection: AsyncConnection, keys: Iterable[PositionKey]) -> None:
    """Takes the rows of these out, where there are any."""
    rows = [{"id": key.id, "at": key.sequence} for key in keys]
    if rows:
        its = _COLUMNS.position_id == bindparam("id"), _COLUMNS.sequence == bindparam("at")
        await connection.execute(delete(warning_watches).where(*its), rows)


async def store(connection: AsyncConnection, watches: Mapping[PositionKey, Watch]) -> None:
    """Puts these rows in, or in place of those that are there."""
    if not watches:
        return
    written = {id(watch): watch for watch in watches.values()}
    words = {at: words_of(watch) for at, watch in written.items()}
    rows = [(key.id, key.sequence, words[id(watch)]) for key, watch in watches.items()]
    await connection.exec_driver_sql(_replacing(connection.dialect), rows)


def words_of(watch: Watch) -> str:
    """A watch as it is stored."""
    return " ".join(map(_word, watch))


@lru_cache(maxsize=_KINDS_MAX)
def watch_of(words: str) -> Watch:
    """What `words_of` has written; the same object for the same words. Raises ValueError."""
    return tuple(map(_tier, words.split()))


def _word(tier: TierWatch) -> str:
    found = "f" if tier.is_found else ""
    since = "" if tier.below_since is None else f"@{tier.below_since}"
    return f"{tier.tier_bps}{tier.stage.value[0]}{tier.episode}{found}{since}"


def _tier(word: str) -> TierWatch:
    parts = _WORD.fullmatch(word)
    if parts is None:
        raise ValueError(f"the store's warnings say {word!r} of a tier")
    tier, stage, episode, found, since = parts.groups()
    return TierWatch(
        tier_bps=Bps(int(tier)),
        stage=_STAGES[stage],
        episode=int(episode),
        below_since=None if since is None else BlockNumber(int(since)),
        is_found=bool(found),
    )


@lru_cache(maxsize=4)
def _replacing(dialect: Dialect) -> str:
    """As SQL, for SQLAlchemy takes longer for a row's parameters than a database for the row."""
    room = sqlite if dialect.name == sqlite.dialect.name else postgresql
    put = room.insert(warning_watches)
    return str(
        put.on_conflict_do_update(
            index_elements=[_COLUMNS.position_id, _COLUMNS.sequence],
            set_={"tiers": put.excluded.tiers},
        ).compile(dialect=dialect)
    )
