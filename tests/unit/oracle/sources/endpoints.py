"""Endpoints without a socket: fed by hand, and wrong in every way that a test likes."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace

from oracle.quotes import Quote, Reading, SourceBlock, SourceHead, Unavailable
from tests.unit.oracle.simulated import SN, TAO, reading, source_head
from units import BlockNumber


class BrokenError(Exception):
    """A defect of an endpoint's own."""


class Endpoint:
    """One endpoint; `outage` is what it answers instead of an answer.

    `height` is its finalized head when it is asked, `lie` what it makes of a true reading, and it
    answers only while `gate` is set.
    """

    def __init__(self, name: str = "one", outage: str | Unavailable | None = None) -> None:
        self.name = name
        self.outage = outage
        self.height = 100
        self.lie: Callable[[Reading], Reading] = lambda said: said
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: list[str] = []
        self.following = 0
        self._said: asyncio.Queue[int | Exception | None] = asyncio.Queue()

    def say(self, *said: int | Exception | None) -> None:
        """Heads by height, a defect, or None: the end."""
        for each in said:
            self._said.put_nowait(each)

    async def heads(self) -> AsyncGenerator[SourceHead, None]:
        self.following += 1
        try:
            while (said := await self._said.get()) is not None:
                if isinstance(said, Exception):
                    raise said
                self.height = max(self.height, said)
                yield source_head(said)
        finally:
            self.following -= 1

    async def read(self, block: SourceHead) -> Reading | Unavailable:
        true = replace(reading(block.number, {SN: TAO}), block=reading(block.number, {}).block)
        said = replace(true, block=replace(true.block, hash=block.hash))
        return await self._absence("read") or self.lie(said)

    async def finalized(self) -> SourceHead | Unavailable:
        return await self._absence("finalized") or source_head(self.height)

    async def best(self) -> SourceHead | Unavailable:
        return await self._absence("best") or source_head(self.height + 3)

    async def block(self, number: BlockNumber) -> SourceHead | Unavailable:
        return await self._absence("block") or source_head(number)

    async def _absence(self, method: str) -> Unavailable | None:
        self.asked.append(method)
        await self.gate.wait()
        if self.outage is None or isinstance(self.outage, Unavailable):
            return self.outage
        return Unavailable(detail=self.outage)


class LoneSource:
    """One endpoint as the source of a whole fleet."""

    quotes: tuple[Quote, ...] = ()
    latest: SourceBlock | None = None

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    def heads(self) -> AsyncGenerator[SourceHead, None]:
        return self.endpoint.heads()

    def age_s(self) -> float | None:
        return None

    async def read(self, number: BlockNumber) -> Reading | Unavailable:
        return await self.endpoint.read(source_head(number))

    async def finalized(self) -> SourceHead | Unavailable:
        return await self.endpoint.finalized()

    async def buried(self, depth: int) -> Reading | Unavailable:
        return await self.endpoint.read(source_head(self.endpoint.height - depth))
