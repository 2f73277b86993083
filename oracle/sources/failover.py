"""Several Subtensor endpoints as one source: whoever answers first in the configured order.

One that gave no answer is asked last for a while, so that an endpoint that hangs delays one block
and not every one.

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
    """Implements `oracle.ports.PriceSource` over at least one endpoint."""

    def __init__(self, sources: Sequence[Source], *, rest_s: float = 60.0) -> None:
        """`rest_s`: for how long an endpoint without an answer is asked last."""
        if not sources:
            raise ValueError("no source is configured")
        self._sources = tuple(sources)
        self._rest_s = rest_s
        self._rests_until: dict[int, float] = {}

    async def heads(self) -> AsyncGenerator[SourceHead, None]:
        """Every endpoint's finalized heads, each height once and none lower than one before.

        A slow reader gets only the newest. Ends when every endpoint's heads have ended.
        """
        highest = _Highest()
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(_follow_all(self._sources, highest))
            try:
                while (head := await highest.next()) is not None:
                    yield head
            except GeneratorExit:
                pass  # whoever closes a generator expects silence, and the group would wrap this
            finally:
                following.cancel()

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
        failures: dict[int, str] = {}
        for index in self._order():
            # Until it has answered it counts as one that does not, also when we are cut short.
            self._rests_until[index] = _now() + self._rest_s
            answer = await ask(self._sources[index])
            if not isinstance(answer, Unavailable):
                self._rests_until.pop(index, None)
                return answer
            failures[index] = answer.detail
        return Unavailable(detail="; ".join(failures[index] for index in sorted(failures)))

    def _order(self) -> list[int]:
        """The endpoints as configured, those that rest behind the others."""
        now = _now()
        return sorted(
            range(len(self._sources)), key=lambda index: self._rests_until.get(index, now) > now
        )


class _Highest:
    """The highest head of several streams, for one reader."""

    def __init__(self) -> None:
        self._head: SourceHead | None = None
        self._is_new = False
        self._is_closed = False
        self._changed = asyncio.Event()

    def put(self, head: SourceHead) -> None:
        """A head; one that is not above all before it is no news."""
        if self._head is None or head.number > self._head.number:
            self._head, self._is_new = head, True
            self._changed.set()

    def close(self) -> None:
        """There will be no more."""
        self._is_closed = True
        self._changed.set()

    async def next(self) -> SourceHead | None:
        """Waits for one that is news; None when there will be none."""
        while not self._is_new:
            if self._is_closed:
                return None
            self._changed.clear()
            await self._changed.wait()
        self._is_new = False
        return self._head


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _follow_all(sources: Sequence[Source], highest: _Highest) -> None:
    async with asyncio.TaskGroup() as tasks:
        for source in sources:
            tasks.create_task(_follow(source, highest))
    highest.close()


async def _follow(source: Source, highest: _Highest) -> None:
    async for head in source.heads():
        highest.put(head)
