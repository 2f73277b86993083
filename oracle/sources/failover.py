"""Several Subtensor endpoints as one source: whoever answers first in the configured order.

This adds reach, not trust: one endpoint's word is still believed. Agreement between endpoints is
the business of a quorum, which is not in here.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from oracle.quotes import Reading, SourceHead, Unavailable
from units import BlockNumber


class Source(Protocol):
    """One endpoint."""

    def heads(self) -> AsyncGenerator[SourceHead, None]:
        """Newer and newer finalized heads."""

    async def read(self, block: SourceHead) -> Reading | Unavailable:
        """All markets at this block."""

    async def finalized(self) -> SourceHead | Unavailable:
        """The newest finalized head."""

    async def block(self, number: BlockNumber) -> SourceHead | Unavailable:
        """The finalized header of that height."""


_Answer = TypeVar("_Answer", Reading, SourceHead)


class FailoverSource:
    """Implements `oracle.feeder.PriceSource` over at least one endpoint."""

    def __init__(self, sources: Sequence[Source]) -> None:
        if not sources:
            raise ValueError("no source is configured")
        self._sources = tuple(sources)

    async def heads(self) -> AsyncGenerator[SourceHead, None]:
        """Every endpoint's finalized heads, each height once and none lower than one before."""
        newest: asyncio.Queue[SourceHead] = asyncio.Queue()
        seen = BlockNumber(-1)
        async with asyncio.TaskGroup() as tasks:
            followers = [tasks.create_task(_follow(s, newest)) for s in self._sources]
            try:
                while True:
                    head = await newest.get()
                    if head.number > seen:
                        seen = head.number
                        yield head
            finally:
                for follower in followers:
                    follower.cancel()

    async def read(self, block: SourceHead) -> Reading | Unavailable:
        """See `PriceSource`; a block that one endpoint does not know another may."""
        return await self._first(lambda source: source.read(block))

    async def finalized(self) -> SourceHead | Unavailable:
        """See `PriceSource`."""
        return await self._first(lambda source: source.finalized())

    async def block(self, number: BlockNumber) -> SourceHead | Unavailable:
        """See `PriceSource`."""
        return await self._first(lambda source: source.block(number))

    async def _first(
        self, ask: Callable[[Source], Awaitable[_Answer | Unavailable]]
    ) -> _Answer | Unavailable:
        failures = []
        for source in self._sources:
            answer = await ask(source)
            if not isinstance(answer, Unavailable):
                return answer
            failures.append(answer.detail)
        return Unavailable(detail="; ".join(failures))


async def _follow(source: Source, newest: asyncio.Queue[SourceHead]) -> None:
    async for head in source.heads():
        newest.put_nowait(head)
