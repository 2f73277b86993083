"""A step of the warnings bot among a crowd, of whom few come into another stretch between tiers.

Processor time of the whole process: the sorting of ladders, in another thread, is in it. The
memory is one that keeps nothing on a disk.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from time import process_time
from typing import Final

from bench.crowd import CROSSING, PRICE, markets_at, table_of
from bench.figure import Benchmark, Figure, Scale, Series
from bench.nomination import WrongAnswerError
from bench.restart import head_of
from keepers.liquidation.assessment import viewing
from keepers.liquidation.book import Book
from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.positions import BlockEvents
from keepers.liquidation.steps import finished
from keepers.liquidation.versions import Positions
from keepers.warnings.keeper import WarningsKeeper
from keepers.warnings.lookout import Lookout
from keepers.warnings.observation import (
    BlocksRead,
    WarningChange,
    WarningState,
    applied,
    observe_block,
)
from keepers.warnings.stretches import stretches
from keepers.warnings.survey import Survey, everybody
from keepers.warnings.tiers import WarningPolicy
from units import BlockNumber, Head

_MS: Final = 1_000
_STEPS: Final = 50
_POLICY: Final = WarningPolicy()


class _World:
    """A book whose prices alone change, a log of nothing, a memory in memory."""

    def __init__(self, positions: Positions) -> None:
        self._positions = positions
        self.state = WarningState()
        self.book = Book(head=head_of(0), positions=positions, markets={})

    def grow(self, price: int) -> Head:
        """The next block, with every market at this price."""
        head = head_of(self.book.head.number + 1)
        self.book = Book(head=head, positions=self._positions, markets=markets_at(price, head))
        return head

    async def book_at(self, head: Head) -> Book:
        del head
        return self.book

    async def events(self, first: BlockNumber, last: Head) -> tuple[BlockEvents, ...] | Unreadable:
        del first, last
        return ()

    async def load(self) -> WarningState:
        return replace(self.state, watches=dict(self.state.watches))

    async def commit(self, change: WarningChange) -> frozenset[str]:
        self.state = applied(self.state, change)
        return frozenset(alert.id for alert in change.alerts)


async def measure(scale: Scale, tick: Callable[[], None]) -> Sequence[Figure]:
    """A step with a hundred who moved, and the first, at which everybody is new."""
    runs = []
    for _ in range(scale.runs):
        runs.append(await _run(Positions(table_of(scale.positions))))
        tick()
    return _figures(scale, runs)


async def _run(positions: Positions) -> dict[str, float]:
    world = _World(positions)
    lookout = Lookout(world, _POLICY)
    bot = WarningsKeeper(risks=lookout, log=world, store=world, policy=_POLICY)
    began = process_time()
    await bot.step(world.grow(PRICE))
    first = process_time() - began
    moved = await _price(world, lookout)
    began = process_time()
    for at in range(_STEPS):
        await bot.step(world.grow(PRICE if at % 2 else moved))
    few = (process_time() - began) / _STEPS
    looked_at, plain = await _compared(world, lookout, moved)
    return {"first": first, "few": few * _MS, "plain": plain * _MS, "looked at": looked_at}


async def _price(world: _World, lookout: Lookout) -> int:
    """The highest price below the first, found by halving, at which a hundred are looked at."""
    low, high = PRICE * 99 // 100, PRICE
    while high - low > PRICE // 10**7:
        middle = (low + high) // 2
        enough = len((await _survey(world, lookout, middle)).risks) >= CROSSING
        low, high = (middle, high) if enough else (low, middle)
    return low


async def _survey(world: _World, lookout: Lookout, price: int) -> Survey:
    found = await lookout.survey(world.grow(price), anew=False)
    if not isinstance(found, Survey):
        raise WrongAnswerError(found.reason)
    return found


async def _compared(world: _World, lookout: Lookout, price: int) -> tuple[int, float]:
    """How many are looked at, and the time of a look at everybody, which must come to the same."""
    few = await _survey(world, lookout, price)
    began = process_time()
    every = everybody(finished(viewing(world.book)), stretches(_POLICY))
    change = observe_block(world.state, every, BlocksRead(blocks=()), _POLICY, {})
    elapsed = process_time() - began
    if change != observe_block(world.state, few, BlocksRead(blocks=()), _POLICY, {}):
        raise WrongAnswerError("a look at everybody comes to something else")
    return len(few.risks), elapsed


def _figures(scale: Scale, runs: Sequence[Mapping[str, float]]) -> tuple[Figure, ...]:
    series = {name: Series(runs=tuple(run[name] for run in runs)) for name in runs[0]}
    return (
        Figure(
            name=f"a step of the warnings among {scale.positions:,} positions, "
            f"{series['looked at'].median:.0f} of them looked at",
            unit="ms",
            fleet=series["few"],
            baseline=series["plain"],
            baseline_is="a look at every position",
        ),
        Figure(
            name=f"the first step of the warnings, at which {scale.positions:,} positions are new",
            unit="ms",
            fleet=Series(runs=tuple(first * _MS for first in series["first"].runs)),
            baseline=series["plain"],
            baseline_is="a look at every position that is known",
        ),
    )


WARNED = Benchmark(name="warnings", measure=measure)
