"""What a rhythm is: where wakes come from, and in which order bots take their turns.

Knows no chain and no devnet: `chain_rhythm.py` and `lockstep_rhythm.py` are the two there are.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import count
from typing import Any, Protocol

from fleet.runtime.barrier import Barrier
from fleet.runtime.clock import Clock
from fleet.runtime.service import Service
from fleet.runtime.wakes import Closed, Inbox
from oracle.quotes import SourceHead
from units import BlockNumber, Head


class Order(IntEnum):
    """Who goes first within a block where a devnet waits for each in turn."""

    TRANSACTIONS = 0
    BOOK = 5
    FEEDER = 10
    LIQUIDATOR = 20
    FUNDING = 30
    WARNINGS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class FeederWake:
    """A finalized head to read, or none: then the feeder looks whether that is a stall by now."""

    number: BlockNumber
    finalized: SourceHead | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A tick of the wall clock, for what goes by no block; they are counted from 1."""

    number: BlockNumber


PauseS = Callable[[], float]
"""How many seconds to wait for the next tick; asked before each."""


class FinalizedHeads(Protocol):
    """Where finalized Subtensor heads come from."""

    def heads(self) -> AsyncIterator[SourceHead]:
        """Newer and newer ones."""
        ...


class Rhythm(Protocol):
    """Where wakes come from, who is told that one was dealt with, and what must run for both."""

    @property
    def barrier(self) -> Barrier:
        """Told of every finished wake."""
        ...

    @property
    def services(self) -> Sequence[Service]:
        """Run as long as the bots do."""
        ...

    def head_age_s(self) -> float:
        """Wall-clock seconds since the newest head came; NaN where that is not known."""
        ...

    def heads(self, name: str, order: Order) -> AsyncIterator[Head]:
        """Blocks of chain 964 for one bot."""
        ...

    def finalized(self, name: str, order: Order) -> AsyncIterator[FeederWake]:
        """Finalized Subtensor heads for the feeder."""
        ...

    def ticks(self, clock: Clock, pause_s: PauseS) -> AsyncIterator[Tick]:
        """The first at once, then one after every pause, as long as there are blocks."""
        ...


async def newest(
    fill: Callable[[Inbox[FeederWake]], Coroutine[Any, Any, None]],
) -> AsyncGenerator[FeederWake, None]:
    """What `fill` puts, the newest first and last, until it returns."""
    wakes = Inbox[FeederWake]()
    async with asyncio.TaskGroup() as tasks:
        filling = tasks.create_task(fill(wakes), name="feeder: wakes")
        filling.add_done_callback(lambda _: wakes.close())
        try:
            while not isinstance(wake := await wakes.take(), Closed):
                yield wake
        except GeneratorExit:
            pass  # whoever closes a generator expects silence, and the group would wrap this
        finally:
            filling.cancel()


async def ticks(
    clock: Clock, pause_s: PauseS, *, is_over: Callable[[], bool]
) -> AsyncGenerator[Tick, None]:
    """The first at once, then one after every pause, until it is over."""
    for number in count(1):
        if is_over():
            return
        yield Tick(number=BlockNumber(number))
        await clock.sleep(pause_s())
