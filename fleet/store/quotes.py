"""What was read of Subtensor, block by block, for as long as people may ask. Decides nothing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select

from fleet.store.engine import Database
from fleet.store.tables import quotes
from units import BlockHash, BlockNumber, Netuid, Rao, Seconds, Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The prices of one finalized Subtensor block; a market that had none is not in it."""

    block: BlockNumber
    hash: BlockHash
    time: Timestamp
    prices: Mapping[Netuid, Rao]


async def keep_quotes(database: Database, new: Sequence[Quote]) -> None:
    """Adds quotes; of a block that is known already the first one stays."""
    by_block = {quote.block: quote for quote in reversed(new)}
    async with database.writing() as connection:
        known = select(quotes.c.block).where(quotes.c.block.in_(by_block))
        for block in await connection.scalars(known):
            del by_block[block]
        if by_block:
            await connection.execute(insert(quotes), [_row(each) for each in by_block.values()])


async def read_quotes(
    database: Database, blocks: Sequence[BlockNumber]
) -> dict[BlockNumber, Quote]:
    """Those of these blocks that are kept."""
    async with database.reading() as connection:
        rows = (await connection.execute(select(quotes).where(quotes.c.block.in_(blocks)))).all()
    return {
        BlockNumber(row.block): Quote(
            block=BlockNumber(row.block),
            hash=BlockHash(row.hash),
            time=Timestamp(row.time),
            prices={Netuid(int(n)): Rao(int(rao)) for n, rao in json.loads(row.prices).items()},
        )
        for row in rows
    }


async def prune_quotes(database: Database, kept: Seconds) -> int:
    """Forgets quotes older than `kept` before the newest one; returns how many."""
    async with database.writing() as connection:
        newest = await connection.scalar(select(func.max(quotes.c.time)))
        if newest is None:
            return 0
        old = delete(quotes).where(quotes.c.time < newest - kept)
        return (await connection.execute(old)).rowcount


def _row(quote: Quote) -> dict[str, object]:
    prices = {str(netuid): str(rao) for netuid, rao in quote.prices.items()}
    return {
        "block": quote.block,
        "hash": quote.hash,
        "time": quote.time,
        "prices": json.dumps(prices, separators=(",", ":")),
    }
