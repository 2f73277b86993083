"""How long the upkeep of a million positions keeps the event loop from everybody else.

The longest turn of the loop's thread, in its processor time, beside the same work at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Sequence
from functools import partial
from time import thread_time
from typing import Final

from bench.crowd import PRICE, table_of, terms_at
from bench.figure import Benchmark, Figure, Scale, Series
from bench.restart import STAMP, crowded_book, head_of, stream
from keepers.liquidation.book import following
from keepers.liquidation.checkpoint import freezing
from keepers.liquidation.moves import BlockMoves
from keepers.liquidation.steps import finished
from keepers.liquidation.table import Table
from keepers.liquidation.turns import in_turns
from protocol.moves import reading

_MS: Final = 1_000
_LOGS_EACH: Final = 100


async def measure(scale: Scale, tick: Callable[[], None]) -> Sequence[Figure]:
    """Sorting, following many blocks, copying for the checkpoint."""
    table, logs = table_of(scale.positions), stream(scale.transactions * _LOGS_EACH)
    blocks = finished(reading(logs))
    runs: list[list[tuple[float, float]]] = []
    for _ in range(scale.runs):
        runs.append(await _run(table, blocks))
        tick()
    names = (
        f"following {len(logs):,} events",
        "copying it for a checkpoint",
        "sorting its ladders",
    )
    return [_figure(scale, names[at], [run[at] for run in runs]) for at in range(len(names))]


async def _run(table: Table, blocks: Sequence[BlockMoves]) -> list[tuple[float, float]]:
    """The longest turn and the whole, of each work."""
    book, head = crowded_book(table), head_of(blocks[-1].number)
    found = []
    for work in (partial(following, book, blocks, head), partial(freezing, book, STAMP)):
        longest = await _longest(in_turns(work()))
        found.append((longest, _at_once(partial(_done, work))))
    assert book.positions.table is table, "asked for, it is as it was"
    return [*found, (await _longest(_sorted(table)), _at_once(partial(_sort, table)))]


def _figure(scale: Scale, name: str, runs: Sequence[tuple[float, float]]) -> Figure:
    return Figure(
        name=f"longest turn of the loop with {scale.positions:,} positions, {name}",
        unit="ms",
        fleet=Series(runs=tuple(ours for ours, _ in runs)),
        baseline=Series(runs=tuple(theirs for _, theirs in runs)),
        baseline_is="the same at once",
    )


async def _longest(work: Awaitable[object]) -> float:
    """The longest that somebody else on this loop has to wait while it is done."""
    longest, last = 0.0, thread_time()
    task = asyncio.ensure_future(work)
    while not task.done():
        await asyncio.sleep(0)
        now = thread_time()
        longest, last = max(longest, now - last), now
    await task
    return longest * _MS


def _done(work: Callable[[], Generator[None, None, object]]) -> object:
    return finished(work())


def _at_once(work: Callable[[], object]) -> float:
    began = thread_time()
    work()
    return (thread_time() - began) * _MS


async def _sorted(table: Table) -> None:
    _forget_order(table)
    for sorting in table.sortings(terms_at(PRICE)):
        sorting.take(await asyncio.to_thread(sorting.order))


def _sort(table: Table) -> None:
    _forget_order(table)
    for sorting in table.sortings(terms_at(PRICE)):
        sorting.take(sorting.order())


def _forget_order(table: Table) -> None:
    for bucket in table.buckets.values():
        bucket.forget_order()


PAUSES = Benchmark(name="pauses", measure=measure)
