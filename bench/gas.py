"""What a push and a liquidation use of gas, by how many travel together. Counted, not timed.

Every transaction is mined on a node with the reference exchange and then undone, so that each meets
the same state: rows that have had a price before, longs of one market at 3x that fall by 18 %.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from bench.figure import Benchmark, Figure, Scale, Series
from bench.hand import Call, send
from devnet.demo.shocks import deep_enough
from devnet.parameters import MARKETS
from devnet.population import Crowd
from devnet.tape import Tape, TapeRow
from devnet.views import ExchangeViews
from devnet.world import World, WorldOptions, running_world
from units import BLOCK_TIME, BlockNumber, Netuid, Rao, Timestamp

BATCHES: Final = (1, 10, 100, 300)
_SPARE: Final = 40
_PRICE, _FALLEN = 10**17, 82 * 10**15
_BLOCKS_MAX: Final = 60
_CROWD: Final = Crowd(
    at_maximum_leverage=1.0,
    long=1.0,
    in_the_rush=1.0,
    rush_of_the_run=0.01,
    leaving=0.0,
    reducing=0.0,
    withdrawing=0.0,
    coming_back=0.0,
    in_one_market=1.0,
)
Update = tuple[int, int, int, int]


class TooFewPositionsError(Exception):
    """The crowd did not open as many positions as are to be liquidated."""


async def measure(scale: Scale, tick: Callable[[], None]) -> Sequence[Figure]:
    """Gas a market pushed, and gas a liquidation."""
    runs: list[dict[str, float]] = []
    async with _crowded_world() as world:
        ids = await _position_ids(world)
        for run in range(scale.runs):
            runs.append(await _run(world, ids[run % _SPARE :]))
            tick()
    return (
        _figure(f"gas a market pushed, {len(MARKETS)} a transaction", "push", "push alone", runs),
        *(
            _figure(f"gas a liquidation, {count} with a push", f"{count}", "alone", runs)
            for count in BATCHES
        ),
    )


async def _run(world: World, ids: Sequence[bytes]) -> dict[str, float]:
    """Gas a market and gas a liquidation beyond the push, by how many went together."""
    everywhere = [_update(world, netuid, _PRICE) for netuid in MARKETS]
    crowded = world.traders.traders[0].mind.plan.netuid
    fall = [_update(world, crowded, _FALLEN)]
    alone = await _gas(world, _push(world, fall))
    found = {
        "push": await _gas(world, _push(world, everywhere)) / len(everywhere),
        "push alone": alone,
        "alone": await _gas(world, _liquidation(world, ids[:1]), after=_push(world, fall)),
    }
    for count in BATCHES:
        together = await _gas(world, _together(world, fall, ids[:count]))
        found[f"{count}"] = (together - alone) / count
    return found


def _figure(name: str, ours: str, theirs: str, runs: Sequence[Mapping[str, float]]) -> Figure:
    return Figure(
        name=name,
        unit="gas",
        fleet=Series(runs=tuple(run[ours] for run in runs)),
        baseline=Series(runs=tuple(run[theirs] for run in runs)),
        baseline_is="a transaction for each",
    )


def _push(world: World, updates: Sequence[Update]) -> Call:
    return Call(to=world.deployment.price_feed, function="push", arguments=(updates,))


def _liquidation(world: World, ids: Sequence[bytes]) -> Call:
    keeper = world.fleet.all.address
    return Call(to=world.deployment.exchange, function="liquidate", arguments=(ids, keeper))


def _together(world: World, updates: Sequence[Update], ids: Sequence[bytes]) -> Call:
    router = world.deployment.keeper_router
    return Call(to=router, function="pushAndLiquidate", arguments=(updates, ids))


def _update(world: World, netuid: Netuid, price: int) -> Update:
    return (netuid, price, world.head.head.number, world.head.head.time)


async def _gas(world: World, call: Call, *, after: Call | None = None) -> int:
    """What it uses in a block of its own, behind another block; both are undone."""
    snapshot = await world.node.call("evm_snapshot")
    base_fee, time = world.chain.base_fee, world.head.head.time
    try:
        if after is not None:
            time = Timestamp(time + BLOCK_TIME)
            await _mined(world, after, time)
        used = await _mined(world, call, Timestamp(time + BLOCK_TIME))
    finally:
        await world.node.call("evm_revert", snapshot)
        world.chain.base_fee = base_fee
    return used


async def _mined(world: World, call: Call, time: Timestamp) -> int:
    await send(world, world.fleet.all, call)
    block = await world.chain.seal(time)
    (receipt,) = block.receipts
    assert receipt.succeeded, f"{call.function} reverted"
    return receipt.gas_used


@asynccontextmanager
async def _crowded_world() -> AsyncIterator[World]:
    """A world whose crowd has opened its positions, and the first of them can be liquidated."""
    tape = Tape.of_rows(
        TapeRow(
            block=BlockNumber(5_000_000 + 10 * row),
            time=Timestamp(1_735_689_600 + 120 * row),
            prices=dict.fromkeys(MARKETS, Rao(_PRICE // 10**9)),
        )
        for row in range(_BLOCKS_MAX)
    )
    count = max(BATCHES) + _SPARE
    options = WorldOptions(
        tape=tape,
        first=tape.first_block,
        blocks=300,
        traders=count,
        crowd=_CROWD,
        beta=deep_enough(2 * count),
    )
    async with running_world(options) as world:
        first = _push(world, [_update(world, netuid, _PRICE) for netuid in MARKETS])
        await send(world, world.fleet.all, first)
        yield world


async def _position_ids(world: World) -> list[bytes]:
    views = ExchangeViews(world.node, world.deployment)
    wanted = max(BATCHES) + _SPARE
    for _ in range(_BLOCKS_MAX):
        head = (await world.advance(in_step=False)).head
        ids = await views.position_ids(head.number)
        if len(ids) >= wanted:
            return ids
    raise TooFewPositionsError(f"{len(ids)} positions are open, {wanted} are wanted")


GAS = Benchmark(name="gas", measure=measure)
