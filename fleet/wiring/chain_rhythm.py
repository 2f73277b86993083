"""Wakes as the chains themselves produce them: production.

Knows where heads come from, not what is done at one.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Protocol

from fleet.runtime.barrier import Barrier, NoBarrier
from fleet.runtime.clock import Clock
from fleet.runtime.service import Service
from fleet.runtime.wakes import Inbox
from fleet.wiring.rhythm import FeederWake, FinalizedHeads, Order, PauseS, Tick, newest, ticks
from fleet.wiring.watch import HeadState
from units import BlockNumber, Head


class ChainHeads(HeadState, Protocol):
    """Where blocks of chain 964 come from; `fleet.chain.heads.EthHeads` is one."""

    def heads(self) -> AsyncIterator[Head]:
        """The newest now if there is one, then newer and newer ones."""
        ...

    async def run(self) -> None:
        """Keeps them coming; runs as long as they are wanted."""
        ...


class ChainRhythm:
    """Wakes as the chains produce them. A feeder without finalized heads is woken by the others.

    Args:
        heads: of chain 964.
        source: of finalized heads.
        quiet_blocks: so many blocks of chain 964 ahead of the newest finalized head, every
            further one wakes the feeder as well: silence must be decided on, not waited out.
        services: what must run besides `heads.run`.
    """

    barrier: Barrier = NoBarrier()

    def __init__(
        self,
        *,
        heads: ChainHeads,
        source: FinalizedHeads,
        quiet_blocks: int,
        services: Sequence[Service] = (),
    ) -> None:
        self._heads = heads
        self._source = source
        self._quiet_blocks = quiet_blocks
        self._heard_at: BlockNumber | None = None
        self.services: Sequence[Service] = (heads.run, *services)

    def head_age_s(self) -> float:
        """Grows while the chain, or every node, stands still."""
        age = self._heads.age_s()
        return math.nan if age is None else age

    def heads(self, name: str, order: Order) -> AsyncIterator[Head]:
        """Every bot sees the newest block, however fast they come."""
        del name, order
        return self._heads.heads()

    def finalized(self, name: str, order: Order) -> AsyncGenerator[FeederWake, None]:
        """Finalized heads, and ordinary ones while those fail to come.

        Without any finalized head the first ordinary one wakes the feeder too: silence counts
        from a block that the feeder has seen. A stream opened anew goes on counting.
        """
        del name, order
        return newest(self._fill)

    def ticks(self, clock: Clock, pause_s: PauseS) -> AsyncIterator[Tick]:
        """Without end."""
        return ticks(clock, pause_s, is_over=lambda: False)

    async def _fill(self, wakes: Inbox[FeederWake]) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._finalized_to(wakes), name="feeder: finalized heads")
            tasks.create_task(self._silence_to(wakes), name="feeder: silence")

    async def _finalized_to(self, wakes: Inbox[FeederWake]) -> None:
        async for head in self._source.heads():
            self._heard_at = head.number
            wakes.put(FeederWake(number=head.number, finalized=head))

    async def _silence_to(self, wakes: Inbox[FeederWake]) -> None:
        async for head in self._heads.heads():
            if self._heard_at is None:
                self._heard_at = head.number
            else:
                # Nobody has heard of the future: a head above the chain's own, once said, must
                # not keep the watch quiet until the chain gets there.
                self._heard_at = min(self._heard_at, head.number)
                if head.number - self._heard_at < self._quiet_blocks:
                    continue
            wakes.put(FeederWake(number=head.number, finalized=None))
