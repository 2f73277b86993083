"""What the warnings remember of a crowd, stored and read again: a row a position, or a row a tier.

Processor time of the whole process, the database's threads in it; SQLite in a file.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, String, Table, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.crowd import positions
from bench.figure import Benchmark, Figure, Scale, Series
from bench.nomination import WrongAnswerError
from fleet.store.engine import Database, open_database
from fleet.store.warnings import StoredWarnings
from keepers.liquidation.positions import PositionKey
from keepers.warnings.observation import WarningChange, WarningState
from keepers.warnings.portions import PORTION, dealt, portions
from keepers.warnings.tiers import WarningPolicy, Watch, observe
from units import BlockNumber, Bps

_POSITIONS_MAX: Final = 200_000
"""Of a million a run takes two minutes, nearly all of it the baseline's."""
_ROWS_A_TURN: Final = 1_000
_RATIOS: Final = (4_200, 3_400, 2_700, 2_300)
"""Above every tier, and found inside each."""

Held = Mapping[PositionKey, Watch]

_tiers = Table(
    "plain_tiers",
    MetaData(),
    Column("position_id", String(34), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("tier_bps", Integer, primary_key=True, autoincrement=False),
    Column("stage", String(16), nullable=False),
    Column("episode", Integer, nullable=False),
    Column("below_since", BigInteger),
    Column("is_found", Boolean, nullable=False),
)


async def measure(scale: Scale, tick: Callable[[], None]) -> Sequence[Figure]:
    """Storing, then reading, run by run."""
    count, runs = min(scale.positions, _POSITIONS_MAX), list[tuple[float, float, float, float]]()
    held = watches(count)
    for _ in range(scale.runs):
        with TemporaryDirectory() as folder:
            database = await open_database(f"sqlite+aiosqlite:///{Path(folder) / 'store.db'}")
            try:
                runs.append((*await _fleet(database, held), *await _plain(database, held)))
            finally:
                await database.close()
        tick()
    return _figures(count, runs)


def watches(count: int) -> Held:
    """One of each ratio after the other, each kind one object."""
    policy, block = WarningPolicy(), BlockNumber(1)
    kinds = [observe(None, Bps(ratio), block, policy)[0] for ratio in _RATIOS]
    return {each.key: kinds[at % len(kinds)] for at, each in enumerate(positions(count))}


async def _fleet(database: Database, held: Held) -> tuple[float, float]:
    change = WarningChange(
        head=None,
        watches=held,
        departed={},
        gone=frozenset(),
        unknowns={},
        is_digest_sent=False,
        collected=(),
        alerts=(),
    )
    began = process_time()
    for part in portions(WarningState(), change, dealt(change)):
        await StoredWarnings(database).commit(part)
    stored = process_time()
    found = (await StoredWarnings(database).load()).watches
    elapsed = stored - began, process_time() - stored
    if found != held:
        raise WrongAnswerError("other watches were read than were stored")
    return elapsed


async def _plain(database: Database, held: Held) -> tuple[float, float]:
    async with database.writing() as connection:
        await connection.run_sync(_tiers.metadata.create_all)
    began, keys = process_time(), list(held)
    for at in range(0, len(keys), PORTION):
        rows = [row for key in keys[at : at + PORTION] for row in _rows(key, held[key])]
        async with database.writing() as connection:
            await connection.execute(insert(_tiers), rows)
    stored = process_time()
    async with database.reading() as connection:
        count = await _read(connection)
    if count != sum(map(len, held.values())):
        raise WrongAnswerError("other tiers were read than were stored")
    return stored - began, process_time() - stored


def _rows(key: PositionKey, watch: Watch) -> Iterator[dict[str, Any]]:
    for tier in watch:
        yield {
            "position_id": f"0x{key.id.hex()}",
            "sequence": key.sequence,
            "tier_bps": tier.tier_bps,
            "stage": tier.stage.value,
            "episode": tier.episode,
            "below_since": tier.below_since,
            "is_found": tier.is_found,
        }


async def _read(connection: AsyncConnection) -> int:
    count, columns = 0, _tiers.c
    query = select(_tiers).order_by(columns.position_id, columns.sequence, columns.tier_bps)
    async with connection.stream(query) as found:
        async for rows in found.partitions(_ROWS_A_TURN):
            count += len(rows)
    return count


def _figures(count: int, runs: Sequence[tuple[float, float, float, float]]) -> tuple[Figure, ...]:
    stored, read, plainly_stored, plainly_read = (Series(runs=r) for r in zip(*runs, strict=True))
    what = f"what the warnings remember of {count:,} positions"
    return (
        Figure(
            name=f"{what}, stored for the first time",
            unit="s",
            fleet=stored,
            baseline=plainly_stored,
            baseline_is="a row a tier, inserted by SQLAlchemy in any order",
        ),
        Figure(
            name=f"{what}, read again",
            unit="s",
            fleet=read,
            baseline=plainly_read,
            baseline_is="a row a tier, of which nothing is made",
        ),
    )


REMEMBERED = Benchmark(name="memory of the warnings", measure=measure)
