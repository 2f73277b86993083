"""JSON-RPC requests a transaction, counted by a proxy in front of the node, not by either sender.

Public endpoints of chain 964 allow about one request a second, so this is what decides whether a
fleet can live there. Counted to the end: the fleet's requests include settling at every head until
nothing is in flight, the baseline's one look at each receipt once it is there.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from bench.figure import Benchmark, Figure, Scale, Series
from bench.fleet_sender import FleetSender, opened_sender
from bench.ground import PLAIN_FIRST, Ground, WorkMissingError, opened
from bench.plain import PlainSender
from devnet.faults.plan import Plan
from devnet.faults.proxy import FaultProxy, running_proxy
from fleet.transactions.request import Submitted

_PER_BLOCK = (1, 8)
_BLOCKS = 10
_LAST_BLOCKS = 4
"""Blocks after the last transaction, in which the fleet makes sure that all is final."""


async def measure(scale: Scale, tick: Callable[[], None]) -> Sequence[Figure]:
    """Requests a transaction, for a caller with one a block and for one with eight.

    It is a count, so no run differs from another but by a defect; each is made all the same.
    """
    found: dict[int, list[tuple[Counter[str], Counter[str]]]] = {each: [] for each in _PER_BLOCK}
    for _ in range(scale.runs):
        for per_block, counts in found.items():
            counts.append(await _count(per_block))
        tick()
    return tuple(_figure(per_block, counts) for per_block, counts in found.items())


def _figure(per_block: int, counts: Sequence[tuple[Counter[str], Counter[str]]]) -> Figure:
    transactions = per_block * _BLOCKS
    ours = counts[0][0]
    return Figure(
        name=f"JSON-RPC requests a transaction, {per_block} a block",
        unit="requests",
        fleet=Series(runs=tuple(run.total() / transactions for run, _ in counts)),
        baseline=Series(runs=tuple(run.total() / transactions for _, run in counts)),
        baseline_is="web3.py, and one look at each receipt",
        parts={method: number / transactions for method, number in ours.most_common()},
    )


async def _count(per_block: int) -> tuple[Counter[str], Counter[str]]:
    async with opened() as ground, running_proxy(ground.url) as proxy:
        ours = await _count_fleet(ground, proxy, per_block)
        proxy.follow(Plan())
        theirs = await _count_plain(ground, proxy, per_block)
        await ground.check_done(per_block * _BLOCKS)
        return ours, theirs


async def _count_fleet(ground: Ground, proxy: FaultProxy, per_block: int) -> Counter[str]:
    async with opened_sender(ground, url=proxy.rpc_url) as fleet:
        proxy.follow(Plan())  # what a start costs is not a transaction's
        for block in range(_BLOCKS):
            for piece in range(block * per_block, (block + 1) * per_block):
                await _submit(fleet, piece)
            await ground.seal()
            await fleet.settle()
        for _ in range(_LAST_BLOCKS):
            await ground.seal()
            await fleet.settle()
    return proxy.asked


async def _submit(fleet: FleetSender, piece: int) -> None:
    answer = await fleet.submit(piece)
    if not isinstance(answer, Submitted):
        raise WorkMissingError(f"piece {piece}: {answer}")


async def _count_plain(ground: Ground, proxy: FaultProxy, per_block: int) -> Counter[str]:
    plain = PlainSender(url=proxy.rpc_url, account=ground.plain)
    for block in range(_BLOCKS):
        first = PLAIN_FIRST + block * per_block
        hashes = [
            await asyncio.to_thread(plain.send, piece) for piece in range(first, first + per_block)
        ]
        await ground.seal()
        for tx_hash in hashes:
            await asyncio.to_thread(plain.receipt, tx_hash)
    return proxy.asked


CALLS = Benchmark(name="JSON-RPC requests", measure=measure)
