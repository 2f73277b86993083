"""From a finalized head to a decision over 1, 3 and 5 endpoints, and a runtime that is exchanged.

Both sides use substrate-interface against the same stand-ins, which have a process of their own.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import Final

from bench.figure import Benchmark, Figure, Scale, Series, percentile
from bench.plain_sources import PlainReader
from bench.standins import MARKETS, UPGRADED, StandIns, standing_in
from oracle.due import PublicationPolicy
from oracle.feed import FeedRowView, MarketFeed, SuspensionReason
from oracle.judge import Judge, JudgePolicy
from oracle.publication import Publish, decide
from oracle.quotes import Reading
from oracle.sources.endpoint import Endpoint
from oracle.sources.policy import SourcePolicy
from oracle.sources.quorum import QuorumPolicy, QuorumSource
from oracle.sources.subtensor import SubtensorEndpoint
from units import BlockHash, BlockNumber, Head, Netuid, PriceWei, Timestamp

_ENDPOINTS: Final = (1, 3, 5)
_BLOCKS_SHARE: Final = 4  # one block for so many transactions of the scale: 50 at the standard
_PERCENTILES: Final = (50, 99)
_MS: Final = 1_000
_TICK_S: Final = 0.002
_NO_ROW: Final = FeedRowView(
    price=PriceWei(0),
    source_block=BlockNumber(0),
    source_time=Timestamp(0),
    landed_time=None,
    suspended_at=BlockNumber(0),
    suspension=SuspensionReason.NONE,
)


class NotDecidedError(Exception):
    """A block did not end in twelve prices: its time is no figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """Some blocks of one side: seconds from the head to the end, computing, requests."""

    seconds: tuple[float, ...]
    computing_s: float
    requests: int

    def figures(self) -> tuple[float, ...]:
        """p50, p99, computing (milliseconds) and requests a block."""
        count = len(self.seconds)
        times = [percentile(self.seconds, each) * _MS for each in _PERCENTILES]
        return (*times, self.computing_s * _MS / count, self.requests / count)


async def measure(scale: Scale, tick: Callable[[], None]) -> Sequence[Figure]:
    """Every number of endpoints, fleet then baseline, run by run; then the exchanged runtime."""
    blocks = max(3, scale.transactions // _BLOCKS_SHARE)
    pairs: dict[int, list[tuple[tuple[float, ...], tuple[float, ...]]]] = {}
    lags: list[tuple[float, float]] = []
    for _ in range(scale.runs):
        for count in _ENDPOINTS:
            async with standing_in(count) as nodes:
                ours = (await _fleet(nodes, blocks)).figures()
                theirs = (await _plain(nodes, blocks)).figures()
                pairs.setdefault(count, []).append((ours, theirs))
        lags.append((await _lag(_exchange), await _lag(_plain_exchange)))
        tick()
    found = [figure for count, runs in pairs.items() for figure in _figures(count, runs)]
    return (*found, _lag_figure(lags))


def _figures(
    count: int, runs: Sequence[tuple[tuple[float, ...], tuple[float, ...]]]
) -> list[Figure]:
    named = (
        ("finalized head to decision, p50", "ms"),
        ("finalized head to decision, p99", "ms"),
        ("processor time a block", "ms"),
        ("round trips a block", "requests"),
    )
    return [
        Figure(
            name=f"{name}, {count} endpoint{'s' if count > 1 else ''}",
            unit=unit,
            fleet=Series(runs=tuple(ours[at] for ours, _ in runs)),
            baseline=Series(runs=tuple(theirs[at] for _, theirs in runs)),
            baseline_is="12 × query and one runtime_call at each endpoint, one after the other",
        )
        for at, (name, unit) in enumerate(named)
    ]


def _lag_figure(lags: Sequence[tuple[float, float]]) -> Figure:
    ours, theirs = zip(*lags, strict=True)
    return Figure(
        name="longest stall of the event loop while the runtime is exchanged",
        unit="ms",
        fleet=Series(runs=ours),
        baseline=Series(runs=theirs),
        baseline_is="the same client decoding the new metadata in a thread of this process",
    )


@asynccontextmanager
async def quorum_over(nodes: StandIns) -> AsyncIterator[QuorumSource]:
    """The fleet's source over all of these, more than half of which must agree."""
    async with AsyncExitStack() as closing:
        endpoints = [
            Endpoint(
                name=str(index),
                operator=str(index),
                source=await closing.enter_async_context(
                    SubtensorEndpoint(
                        url=url, markets=MARKETS, policy=SourcePolicy(), genesis=nodes.genesis
                    )
                ),
            )
            for index, url in enumerate(nodes.urls)
        ]
        policy = QuorumPolicy(agreement=len(endpoints) // 2 + 1, straggler_s=0.0)
        yield await closing.enter_async_context(QuorumSource(endpoints, policy))


async def _fleet(nodes: StandIns, blocks: int) -> Blocks:
    async with quorum_over(nodes) as source, aclosing(source.heads()) as heads:
        first = await anext(heads)
        await source.read(first.number)  # decodes the runtime
        judge = Judge(markets=MARKETS, pins=await _pins(source, first.number), policy=JudgePolicy())
        asked, began_computing, seconds = await nodes.tell("asked"), process_time(), []
        for _ in range(blocks):
            began = perf_counter()
            wanted = await nodes.tell("advance")
            while (await anext(heads)).number < wanted:
                pass
            _decide(judge, await source.read(wanted))
            seconds.append(perf_counter() - began)
        computing = process_time() - began_computing
        return Blocks(
            seconds=tuple(seconds),
            computing_s=computing,
            requests=await nodes.tell("asked") - asked,
        )


async def _pins(source: QuorumSource, number: BlockNumber) -> dict[Netuid, BlockNumber]:
    said = await source.read(number)
    if not isinstance(said, Reading) or said.identities is None:
        raise NotDecidedError(said)
    return {netuid: each.registered_at for netuid, each in said.identities.items()}


def _decide(judge: Judge, said: object) -> None:
    if not isinstance(said, Reading):
        raise NotDecidedError(said)
    number = said.block.number
    head = Head(
        number=BlockNumber(number + 2),
        hash=BlockHash("0x"),
        parent_hash=BlockHash("0x"),
        time=Timestamp(said.block.time + 24),
    )
    known = judge.known([said], dict.fromkeys(MARKETS, _NO_ROW), head)
    market, policy = MarketFeed(row=_NO_ROW), PublicationPolicy()
    if not all(isinstance(decide(each, market, head, policy), Publish) for each in known.values()):
        raise NotDecidedError(known)


async def _plain(nodes: StandIns, blocks: int) -> Blocks:
    reader = await asyncio.to_thread(PlainReader, nodes.urls)
    try:
        asked, began_computing, seconds = await nodes.tell("asked"), process_time(), []
        for _ in range(blocks):
            began = perf_counter()
            await nodes.tell("advance")
            prices = await asyncio.to_thread(reader.read_next)
            seconds.append(perf_counter() - began)
            if not prices.keys() >= set(MARKETS):
                raise NotDecidedError(prices)
        computing = process_time() - began_computing
        return Blocks(
            seconds=tuple(seconds),
            computing_s=computing,
            requests=await nodes.tell("asked") - asked,
        )
    finally:
        await asyncio.to_thread(reader.close)


async def _exchange(nodes: StandIns, watched: Callable[[], None]) -> None:
    """Blocks until the identities of the new runtime are read; prices never stop."""
    async with quorum_over(nodes) as source:
        await source.finalized()
        await source.read(BlockNumber(await nodes.tell("advance") - 1))
        await nodes.tell("upgrade")
        watched()
        while True:
            wanted = await nodes.tell("advance")
            await source.finalized()
            said = await source.read(wanted)
            if not isinstance(said, Reading) or said.prices is None:
                raise NotDecidedError(said)
            if said.block.spec_version == UPGRADED and said.identities is not None:
                return
            await asyncio.sleep(0.02)


async def _plain_exchange(nodes: StandIns, watched: Callable[[], None]) -> None:
    reader = await asyncio.to_thread(PlainReader, nodes.urls)
    try:
        await nodes.tell("upgrade")
        watched()
        for _ in range(4):  # the new runtime rules a finalized block by then
            await nodes.tell("advance")
            await asyncio.to_thread(reader.read_next)
    finally:
        await asyncio.to_thread(reader.close)


async def _lag(work: Callable[..., object]) -> float:
    """The longest that a task which wants to run every 2 ms had to wait, in ms."""
    longest = 0.0

    def begin() -> None:
        nonlocal longest
        longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            began = perf_counter()
            await asyncio.sleep(_TICK_S)
            longest = max(longest, perf_counter() - began - _TICK_S)

    async with standing_in(1) as nodes, asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(watch())
        await work(nodes, begin)  # type: ignore[misc] # it is a coroutine
        watching.cancel()
    return longest * _MS


SOURCES = Benchmark(name="from a finalized head to a decision", measure=measure)
