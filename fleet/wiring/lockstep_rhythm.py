"""Wakes as a devnet releases them, block by block; it waits for every bot.

Knows whose turn it is, not what is done with it.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Protocol

from fleet.runtime.barrier import Barrier
from fleet.runtime.clock import Clock
from fleet.runtime.lockstep import LockstepError, WokenBy
from fleet.runtime.service import Service
from fleet.runtime.wakes import Inbox
from fleet.wiring.rhythm import FeederWake, FinalizedHeads, Order, PauseS, Tick, newest, ticks
from units import BlockNumber, Head


class Blocks(Protocol):
    """Where a released block is read; `fleet.chain.node.Node` is one."""

    async def block(self, number: BlockNumber) -> Head | None:
        """The block of that height; None beyond the head. Raises ChainError."""
        ...


class Devnet(Protocol):
    """A devnet to keep step with; `fleet.runtime.lockstep.LockstepClient` is one."""

    async def run(self) -> None:
        """Keeps the connection; returns when the world has ended."""
        ...

    async def join(self, *, name: str, woken_by: WokenBy, order: int) -> None:
        """Takes part from the next block on."""
        ...

    def released(self, name: str) -> AsyncIterator[BlockNumber]:
        """The blocks of a participant that is woken by heads; ends with the world."""
        ...

    async def finished(self, name: str, block: BlockNumber) -> None:
        """The participant has finished its block."""
        ...


class LockstepRhythm:
    """Wakes as a devnet releases them; it seals the next block only when all have finished."""

    def __init__(self, *, client: Devnet, node: Blocks, source: FinalizedHeads) -> None:
        self._client = client
        self._node = node
        self._source = source
        self._ended = asyncio.Event()
        self.barrier: Barrier = client
        self.services: Sequence[Service] = (self._keep_step,)

    def head_age_s(self) -> float:
        """Blocks come when the bots are done with them: no age of theirs means anything."""
        return math.nan

    async def heads(self, name: str, order: Order) -> AsyncIterator[Head]:
        """Each released block, read from the node.

        Raises:
            LockstepError: the node does not have it, so it is not the devnet's node, or the
                devnet was turned back. To go on would be to leave a block out unseen, and to wait
                would keep the whole world waiting.
        """
        await self._client.join(name=name, woken_by=WokenBy.HEAD, order=order)
        async for number in self._client.released(name):
            head = await self._node.block(number)
            if head is None:
                raise LockstepError(f"the devnet released block {number}, and the node has none")
            yield head

    async def finalized(self, name: str, order: Order) -> AsyncGenerator[FeederWake, None]:
        """Each finalized head; the devnet publishes it when it is the feeder's turn."""
        await self._client.join(name=name, woken_by=WokenBy.FINALIZED, order=order)
        async with aclosing(newest(self._fill)) as wakes:
            async for wake in wakes:
                yield wake

    def ticks(self, clock: Clock, pause_s: PauseS) -> AsyncIterator[Tick]:
        """Until the world ends: they are no part of it, and nobody waits for them."""
        return ticks(clock, pause_s, is_over=self._ended.is_set)

    async def _keep_step(self) -> None:
        try:
            await self._client.run()
        finally:
            self._ended.set()

    async def _fill(self, wakes: Inbox[FeederWake]) -> None:
        """Until the world ends: the source itself would look for a node for ever."""
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(self._finalized_to(wakes), name="feeder: finalized heads")
            await self._ended.wait()
            following.cancel()

    async def _finalized_to(self, wakes: Inbox[FeederWake]) -> None:
        async for head in self._source.heads():
            wakes.put(FeederWake(number=head.number, finalized=head))
