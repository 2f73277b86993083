"""What wakes the bots: the chain's own heads, or a devnet that waits for every bot.

Knows where wakes come from, not what is done at one.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from fleet.chain.heads import EthHeads
from fleet.chain.node import Node
from fleet.runtime.barrier import Barrier, NoBarrier
from fleet.runtime.lockstep import LockstepClient, WokenBy
from fleet.runtime.service import Service
from fleet.settings import Settings
from fleet.wiring import policies
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


class ChainRhythm:
    """Wakes as the chains produce them. A feeder without finalized heads is woken by the others.

    Args:
        stall_blocks: so many blocks of chain 964 ahead of the newest finalized head, every
            further one wakes the feeder as well: silence must be decided on, not waited out.
    """

    barrier: Barrier = NoBarrier()

    def __init__(self, *, heads: EthHeads, source: FinalizedHeads, stall_blocks: int) -> None:
        self._heads = heads
        self._source = source
        self._stall_blocks = stall_blocks
        self.services: Sequence[Service] = (heads.run,)

    def head_age_s(self) -> float:
        """Grows while the chain, or every node, stands still."""
        age = self._heads.age_s()
        return math.nan if age is None else age

    def heads(self, name: str, order: Order) -> AsyncIterator[Head]:
        """Every bot sees the newest block, however fast they come."""
        del name, order
        return self._heads.heads()

    async def finalized(self, name: str, order: Order) -> AsyncIterator[FeederWake]:
        """Finalized heads, and ordinary ones while those fail to come."""
        del name, order
        wakes: asyncio.Queue[FeederWake] = asyncio.Queue(maxsize=1)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(wakes), name="feeder: wakes")
            while True:
                yield await wakes.get()

    async def _follow(self, wakes: asyncio.Queue[FeederWake]) -> None:
        newest: list[SourceHead] = []
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._finalized_to(wakes, newest), name="feeder: finalized heads")
            tasks.create_task(self._silence_to(wakes, newest), name="feeder: silence")

    async def _finalized_to(
        self, wakes: asyncio.Queue[FeederWake], newest: list[SourceHead]
    ) -> None:
        async for head in self._source.heads():
            newest[:] = [head]
            _offer(wakes, FeederWake(number=head.number, finalized=head))

    async def _silence_to(self, wakes: asyncio.Queue[FeederWake], newest: list[SourceHead]) -> None:
        first: BlockNumber | None = None
        async for head in self._heads.heads():
            first = head.number if first is None else first
            since = newest[0].number if newest else first
            if head.number - since >= self._stall_blocks:
                _offer(wakes, FeederWake(number=head.number, finalized=None))


class LockstepRhythm:
    """Wakes as a devnet releases them; it seals the next block only when all have finished."""

    def __init__(self, *, client: LockstepClient, node: Node, source: FinalizedHeads) -> None:
        self._client = client
        self._node = node
        self._source = source
        self.barrier: Barrier = client
        self.services: Sequence[Service] = (client.run,)

    def head_age_s(self) -> float:
        """Blocks come when the bots are done with them: no age of theirs means anything."""
        return math.nan

    async def heads(self, name: str, order: Order) -> AsyncIterator[Head]:
        """Each released block, read from the node."""
        await self._client.join(name=name, woken_by=WokenBy.HEAD, order=order)
        async for number in self._client.released(name):
            head = await self._node.block(number)
            if head is not None:
                yield head

    async def finalized(self, name: str, order: Order) -> AsyncIterator[FeederWake]:
        """Each finalized head; the devnet publishes it when it is the feeder's turn."""
        await self._client.join(name=name, woken_by=WokenBy.FINALIZED, order=order)
        async for head in self._source.heads():
            yield FeederWake(number=head.number, finalized=head)


def rhythm(settings: Settings, *, node: Node, source: FinalizedHeads) -> Rhythm:
    """What the settings ask for."""
    if settings.lockstep.url is not None:
        client = LockstepClient(settings.lockstep.url)
        return LockstepRhythm(client=client, node=node, source=source)
    heads = EthHeads(latest=node.head, ws_url=settings.evm.ws_url, policy=policies.heads(settings))
    return ChainRhythm(heads=heads, source=source, stall_blocks=settings.oracle.stall_blocks)


def _offer(wakes: asyncio.Queue[FeederWake], wake: FeederWake) -> None:
    """The newest wins."""
    if wakes.full():
        wakes.get_nowait()
    wakes.put_nowait(wake)
