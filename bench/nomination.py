"""Who falls at a price vector: the ladder beside a full scan, and the scan beside the memory.

Processor time of this thread throughout: nothing here waits for anything.
"""

import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from time import thread_time
from typing import Final

import numpy as np

from bench.crowd import PRICE, crossing_terms, falling, positions, table_of, terms_at
from bench.figure import Benchmark, Figure, Scale, Series
from keepers.liquidation.packing import packed
from keepers.liquidation.standing import Terms
from keepers.liquidation.table import Table
from units import Netuid

_REPEATS: Final = 25
_MEMORY_SHARE: Final = 5  # the allocations of so small a part of the crowd are traced
_MS: Final = 1_000


class WrongAnswerError(Exception):
    """The ladder and a look at every position disagree: its speed is no figure."""


async def measure(scale: Scale, tick: Callable[[], None]) -> Sequence[Figure]:
    """Nomination, referee and memory."""
    table = table_of(scale.positions)
    _sort(table)
    terms = crossing_terms(table)
    runs = []
    for _ in range(scale.runs):
        runs.append(_run(table, terms))
        tick()
    return (*_figures(scale, runs), _memory(scale.positions // _MEMORY_SHARE))


def _run(table: Table, terms: Mapping[Netuid, Terms]) -> dict[str, float]:
    nominated = table.nominate(terms)
    every = list(table.records())
    _, plain = _timed(lambda: falling(every, terms), repeats=1)
    found, exact = _timed(lambda: falling(nominated, terms))
    if found != falling(every, terms):
        raise WrongAnswerError(f"{found} of the {len(nominated)} nominated fall, others do too")
    return {
        "ladder": _timed(lambda: table.nominate(terms))[1],
        "scan": _timed(lambda: table.scan(terms))[1],
        "pass": _timed(lambda: _one_pass(table))[1],
        "exact": exact,
        "plain": plain,
        "nominated": len(nominated),
    }


def _timed(work: Callable[[], object], repeats: int = _REPEATS) -> tuple[object, float]:
    """The answer, and the milliseconds of the run in the middle."""
    samples, answer = [], None
    for _ in range(repeats):
        began = thread_time()
        answer = work()
        samples.append((thread_time() - began) * _MS)
    return answer, median(samples)


def _one_pass(table: Table) -> list[tuple[np.float64, np.float64]]:
    """Reads what a scan reads, and does the least with it; a free row's level is not finite."""
    lineups = [bucket.lineup for bucket in table.buckets.values()]
    with np.errstate(invalid="ignore"):
        return [
            (np.add.reduce(each.level[: each.used]), np.add.reduce(each.slope[: each.used]))
            for each in lineups
        ]


def _figures(scale: Scale, runs: Sequence[Mapping[str, float]]) -> tuple[Figure, ...]:
    series = {name: Series(runs=tuple(run[name] for run in runs)) for name in runs[0]}
    both = zip(series["ladder"].runs, series["exact"].runs, strict=True)
    return (
        Figure(
            name=f"nomination among {scale.positions:,} positions",
            unit="ms",
            fleet=series["ladder"],
            baseline=series["scan"],
            baseline_is="a vectorised look at every position",
            parts={"positions nominated": series["nominated"].median},
        ),
        Figure(
            name="the same, verified in exact integers",
            unit="ms",
            fleet=Series(runs=tuple(nominated + exact for nominated, exact in both)),
            baseline=series["plain"],
            baseline_is="a plain loop over every position",
            parts={"exact verification": series["exact"].median},
        ),
        Figure(
            name="referee: a look at every position",
            unit="ms",
            fleet=series["scan"],
            baseline=series["pass"],
            baseline_is="one pass over the same arrays",
        ),
    )


def _memory(count: int) -> Figure:
    records = [packed(position) for position in positions(count)]
    return Figure(
        name="memory of the book",
        unit="bytes/position",
        fleet=Series(runs=(_traced(lambda: _filled(records)) / count,)),
        baseline=Series(
            runs=(_traced(lambda: {each.key.id: each for each in positions(count)}) / count,)
        ),
        baseline_is="a dictionary of Position objects",
    )


def _filled(records: Sequence[bytes]) -> Table:
    table = Table()
    table.fill(records)
    _sort(table)
    return table


def _sort(table: Table) -> None:
    for sorting in table.sortings(terms_at(PRICE)):
        sorting.take(sorting.order())


def _traced(make: Callable[[], object]) -> int:
    """Bytes that stay allocated for what is made, whoever allocates them."""
    tracemalloc.start()
    try:
        made = make()
        bytes_held, _ = tracemalloc.get_traced_memory()
        del made
    finally:
        tracemalloc.stop()
    return bytes_held


NOMINATION = Benchmark(name="nomination", measure=measure)
