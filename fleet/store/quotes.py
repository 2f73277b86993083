"""What was read of Subtensor, block by block, for as long as people may ask. Decides nothing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, func, insert, select

from fleet.store.engine import Database
from fleet.store.tables import quotes
from units import BlockHash, BlockNumber, Netuid, Rao, Seconds, Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one endpoint was worth at a block, and what it said where that was something else."""

    standing: str
    hash: BlockHash | None = None
    prices: Mapping[Netuid, Rao] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The prices of one finalized Subtensor block; a market that had none is not in it.

    `said` is what each endpoint said of it, `verdicts` what was made of each market's price.
    """

    block: BlockNumber
    hash: BlockHash
    time: Timestamp
    prices: Mapping[Netuid, Rao]
    said: Mapping[str, Said] = field(default_factory=dict)
    verdicts: Mapping[Netuid, str] = field(default_factory=dict)


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
            prices=_prices(json.loads(row.prices)),
            said={name: _said(each) for name, each in json.loads(row.said or "{}").items()},
            verdicts={Netuid(int(n)): str(v) for n, v in json.loads(row.verdicts or "{}").items()},
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
    said = {
        name: {"standing": each.standing, "hash": each.hash, "prices": _as_text(each.prices)}
        for name, each in quote.said.items()
    }
    return {
        "block": quote.block,
        "hash": quote.hash,
        "time": quote.time,
        "prices": _json(_as_text(quote.prices)),
        "said": _json(said),
        "verdicts": _json({str(netuid): verdict for netuid, verdict in quote.verdicts.items()}),
    }


def _as_text(prices: Mapping[Netuid, Rao]) -> dict[str, str]:
    """As text, so that no reader makes floats of them."""
    return {str(netuid): str(rao) for netuid, rao in prices.items()}


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _prices(written: Mapping[str, str]) -> dict[Netuid, Rao]:
    return {Netuid(int(netuid)): Rao(int(rao)) for netuid, rao in written.items()}


def _said(written: Mapping[str, Any]) -> Said:
    found = written["hash"]
    return Said(
        standing=written["standing"],
        hash=None if found is None else BlockHash(found),
        prices=_prices(written["prices"]),
    )
