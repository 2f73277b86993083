"""From a finalized head to a signed transaction: read, judge, encode, journal, sign.

The price moves back and forth by less than the guard holds; at the lower one a hundred positions
fall, so that every other push takes liquidations along. All rounds count.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter, process_time
from typing import Final

from bench.crowd import CROSSING, PRICE, positions
from bench.figure import Benchmark, Figure, Scale, Series, percentile
from bench.ground import WorkMissingError, opened
from bench.market_place import MarketPlace, opened_market_place
from bench.plain_feeder import PlainFeeder
from bench.plain_sources import PlainReader
from keepers.liquidation.book import Book
from keepers.liquidation.standing import Terms, sorting_terms
from oracle.feeder import FeedOutcome
from oracle.ports import Sent
from units import BLOCK_TIME, ONE, Netuid, PriceWei, Timestamp

_POSITIONS_MAX: Final = 100_000
_WARM: Final = 4  # the first price of a market goes alone, and caches are cold
_BASELINE_SHARE: Final = 40  # one round of the baseline for so many of ours
_RAO: Final = ONE // 10**9
_MS: Final = 1_000
_STEP_BPS: Final = 20  # how far the price moves from round to round


@dataclass(slots=True)
class _Run:
    """Milliseconds since the head came, a number a round."""

    signed: list[float] = field(default_factory=list)
    computed: list[float] = field(default_factory=list)
    rehearsed: list[float] = field(default_factory=list)
    accepted: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)


async def measure(scale: Scale, tick: Callable[[], None]) -> Sequence[Figure]:
    """p50 and p99 of the way to a signature, and of what follows."""
    count, runs = min(scale.positions, _POSITIONS_MAX), []
    for _ in range(scale.runs):
        async with opened() as ground, opened_market_place(ground, count) as place:
            runs.append(await _run(place, count, scale.transactions))
        tick()
    return [_figure(count, percent, runs) for percent in (50, 99)]


def _figure(count: int, percent: int, runs: Sequence[_Run]) -> Figure:
    def series(of: Callable[[_Run], Sequence[float]]) -> Series:
        return Series(runs=tuple(percentile(of(run), percent) for run in runs))

    return Figure(
        name=f"finalized head to signed among {count:,} positions, p{percent}",
        unit="ms",
        fleet=series(lambda run: run.signed),
        baseline=series(lambda run: run.plain),
        baseline_is="substrate-interface, web3.py's reads and encoder, a loop, eth-account",
        parts={
            "processor time of it": series(lambda run: run.computed).median,
            "simulated as well": series(lambda run: run.rehearsed).median,
            "journaled and accepted by the node": series(lambda run: run.accepted).median,
        },
    )


async def _run(place: MarketPlace, count: int, rounds: int) -> _Run:
    prices, run = _two_prices(place), _Run()
    for number in range(_WARM + rounds):
        await _round(place, prices[number % 2], run if number >= _WARM else _Run())
    await _baseline(place, prices[0], count, max(1, rounds // _BASELINE_SHARE), run)
    return run


async def _round(place: MarketPlace, rao: int, run: _Run) -> None:
    source = await place.next_block(rao)
    watch = place.fleet.stopwatch
    ended = watch.ended
    ended.clear()
    watch.watches_processor = True
    began, busy = perf_counter(), process_time()
    outcome = await place.feeder.step(source)
    accepted = perf_counter()
    _require_sent(outcome)
    run.signed.append((ended["signing"] - began) * _MS)
    run.computed.append((watch.computed["signing"] - busy) * _MS)
    run.rehearsed.append((max(ended["signing"], ended["simulate"]) - began) * _MS)
    run.accepted.append((accepted - began) * _MS)
    await place.upkeep.step(await place.fleet.node.head())


def _require_sent(outcome: FeedOutcome) -> None:
    push = outcome.push
    if push is None or not isinstance(push.submission, Sent) or push.risk_unknown:
        raise WorkMissingError(f"nothing was pushed, or it went alone: {push or outcome}")


async def _baseline(place: MarketPlace, rao: int, count: int, rounds: int, run: _Run) -> None:
    reader = await asyncio.to_thread(PlainReader, place.nodes.urls)
    plain = PlainFeeder(
        url=place.ground.url,
        account=place.ground.plain,
        deployment=place.deployment,
        crowd=list(positions(count)),
    )
    try:
        for _ in range(rounds):
            source = await place.next_block(rao)
            terms = _terms(place, rao * _RAO)
            of = (int(source.number), int(place.source.time))
            seconds, fallen = await asyncio.to_thread(plain.timed, reader.read_next, terms, of)
            if not fallen:
                raise WorkMissingError("nobody fell at the baseline's price")
            run.plain.append(seconds * _MS)
    finally:
        await asyncio.to_thread(reader.close)


def _two_prices(place: MarketPlace) -> tuple[int, int]:
    """In RAO: one at which at least a hundred fall, found by halving, and one a step above it."""
    book = _book(place)
    low, high = PRICE // 2, PRICE
    wanted = min(CROSSING, len(book.positions) // 50)
    while high - low > PRICE // 10**6:
        middle = (low + high) // 2
        enough = len(book.positions.scan(_terms(place, middle))) >= wanted
        low, high = (middle, high) if enough else (low, middle)
    return low // _RAO, low * (10_000 + _STEP_BPS) // 10_000 // _RAO


def _terms(place: MarketPlace, price: int) -> Mapping[Netuid, Terms]:
    book = _book(place)
    lands_at = Timestamp(book.head.time + BLOCK_TIME)
    return {
        netuid: Terms(
            netuid=netuid,
            price=PriceWei(price),
            index=sorting_terms(market, lands_at).index,
            parameters=market.parameters,
        )
        for netuid, market in book.markets.items()
    }


def _book(place: MarketPlace) -> Book:
    book = place.follower.book
    assert book is not None, "it was opened with one"
    return book


DECISION = Benchmark(name="decision", measure=measure)
