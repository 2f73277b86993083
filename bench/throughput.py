"""Requests a second that one key sustains, until every one of them stands in a block.

The chain seals a block every fraction of a second all the while. The fleet's caller hands over
several requests at a time and settles at every head; the baseline sends one after the other and
never looks back, which is less than it would have to do. Both runs end when the chain has all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from time import perf_counter

from bench.figure import Benchmark, Figure, Scale, Series
from bench.fleet_sender import FleetSender, opened_sender
from bench.ground import PLAIN_FIRST, Ground, WorkMissingError, opened
from bench.plain import PlainSender
from fleet.transactions.request import Refused
from units import Address

_BLOCK_SECONDS = 0.1
_AT_A_TIME = 8
_REFUSALS_MAX = 200


async def measure(scale: Scale, tick: Callable[[], None]) -> Sequence[Figure]:
    """Requests a second."""
    ours, theirs = [], []
    for _ in range(scale.runs):
        async with opened() as ground, opened_sender(ground) as fleet:
            ours.append(await _rate_of_fleet(ground, fleet, scale.transactions))
            theirs.append(await _rate_of_plain(ground, scale.transactions))
            await ground.check_done(scale.transactions)
        tick()
    return (
        Figure(
            name="sustained by one key",
            unit="requests/s",
            fleet=Series(runs=tuple(ours)),
            baseline=Series(runs=tuple(theirs)),
            baseline_is="a sequential web3.py sender that waits for no block",
        ),
    )


async def _rate_of_fleet(ground: Ground, fleet: FleetSender, count: int) -> float:
    address = ground.fleet.address
    return await _rate(
        ground, address, count, lambda: _hand_over(ground, fleet, count), fleet.settle
    )


async def _rate_of_plain(ground: Ground, count: int) -> float:
    plain = PlainSender(url=ground.url, account=ground.plain)

    def send() -> None:
        for piece in range(PLAIN_FIRST, PLAIN_FIRST + count):
            plain.send(piece)

    async def look_nowhere() -> int:
        return 0

    return await _rate(
        ground, ground.plain.address, count, lambda: asyncio.to_thread(send), look_nowhere
    )


async def _rate(
    ground: Ground,
    account: Address,
    count: int,
    work: Callable[[], Awaitable[None]],
    settle: Callable[[], Awaitable[int]],
) -> float:
    target = await ground.sent(account) + count
    began = perf_counter()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_seal_until(ground, account, target, settle), name="bench: blocks")
        await work()
    return count / (perf_counter() - began)


async def _seal_until(
    ground: Ground, account: Address, target: int, settle: Callable[[], Awaitable[int]]
) -> None:
    while await ground.sent(account) < target:
        await asyncio.sleep(_BLOCK_SECONDS)
        await ground.seal()
        await settle()


async def _hand_over(ground: Ground, fleet: FleetSender, count: int) -> None:
    pieces = iter(range(count))
    async with asyncio.TaskGroup() as tasks:
        for _ in range(_AT_A_TIME):
            tasks.create_task(_hand_over_some(ground, fleet, pieces), name="bench: caller")


async def _hand_over_some(ground: Ground, fleet: FleetSender, pieces: Iterator[int]) -> None:
    for piece in pieces:
        await _hand_over_one(ground, fleet, piece)


async def _hand_over_one(ground: Ground, fleet: FleetSender, piece: int) -> None:
    for _ in range(_REFUSALS_MAX):
        answer = await fleet.submit(piece)
        if not isinstance(answer, Refused):
            return
        await ground.next_block()  # as much is in flight as may be
    raise WorkMissingError(f"piece {piece}: {answer}")


THROUGHPUT = Benchmark(name="throughput", measure=measure)
