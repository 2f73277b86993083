from dataclasses import replace

import pytest

from fleet.store.engine import Database, StoreError
from fleet.store.stamp import Stamp, claim, recognise
from units import Address, BlockHash

WORLD = Stamp(
    chain_id=964,
    genesis=BlockHash("0x" + "11" * 32),
    exchange=Address("0x00000000000000000000000000000000000000AA"),
)


async def test_claim__same_world_again__accepted(database: Database) -> None:
    await claim(database, WORLD)
    await claim(database, WORLD)


@pytest.mark.parametrize(
    "other",
    [
        replace(WORLD, chain_id=945),
        replace(WORLD, genesis=BlockHash("0x" + "22" * 32)),
        replace(WORLD, exchange=Address("0x00000000000000000000000000000000000000BB")),
    ],
    ids=["chain", "genesis", "exchange"],
)
async def test_claim__another_world__refused_in_one_line(database: Database, other: Stamp) -> None:
    await claim(database, WORLD)

    with pytest.raises(StoreError) as refusal:
        await claim(database, other)

    belongs = f"belongs to {WORLD}; this fleet works on {other}"
    assert str(refusal.value) == f"the store {database.where} {belongs}"
    assert "\n" not in str(refusal.value)


async def recognised(database: Database, world: Stamp) -> None:
    await recognise(database, chain_id=world.chain_id, exchange=world.exchange)


async def test_recognise__this_world__accepted_whatever_its_genesis(database: Database) -> None:
    await claim(database, WORLD)
    await recognised(database, WORLD)


async def test_recognise__another_exchange_or_chain_or_nobody_s__refused(
    database: Database,
) -> None:
    with pytest.raises(StoreError, match="nothing was ever kept in it"):
        await recognised(database, WORLD)
    await claim(database, WORLD)
    for other in (
        replace(WORLD, chain_id=945),
        replace(WORLD, exchange=Address("0x00000000000000000000000000000000000000BB")),
    ):
        with pytest.raises(StoreError, match="belongs to"):
            await recognised(database, other)
