"""One endpoint among several: which heights it has finalized, and what it says of one of them.

An endpoint speaks only of blocks that it has finalized itself, and is asked one thing at a time.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from dataclasses import replace
from typing import Any, TypeVar

from oracle.quotes import Reading, SourceHead, Trouble, Unavailable
from oracle.sources.endpoint import Endpoint
from oracle.sources.rising import replaces
from units import BlockHash, BlockNumber

_REMEMBERED = 64
"""Announced heads whose hashes are kept: what a hold or a step of finality looks back on."""

Answer = TypeVar("Answer")


class Member:
    """One endpoint of a `QuorumSource`."""

    def __init__(self, endpoint: Endpoint, *, patience_s: float, rest_s: float) -> None:
        """One endpoint, not asked yet.

        Args:
            endpoint: whom to ask.
            patience_s: how long it may take to finalize a height that others have finalized.
            rest_s: for so long it is not asked again when it serves another chain: that does not
                change by the block.
        """
        self.endpoint = endpoint
        self.finalized: SourceHead | None = None
        self.is_prompt = True
        self._patience_s = patience_s
        self._rest_s = rest_s
        self._hashes: dict[BlockNumber, BlockHash] = {}
        self._rose = asyncio.Event()
        self._asked: asyncio.Task[Any] | None = None
        self._other_chain: tuple[float, Unavailable] | None = None

    @property
    def name(self) -> str:
        """What logs and metrics call it."""
        return self.endpoint.name

    @property
    def is_busy(self) -> bool:
        """Whether it owes an answer to an earlier question."""
        return self._asked is not None and not self._asked.done()

    def begin(
        self, tasks: asyncio.TaskGroup, ask: Coroutine[Any, Any, Answer]
    ) -> asyncio.Task[Answer]:
        """Ask it something beside what others are asked; it must not be busy."""
        self._asked = task = tasks.create_task(ask, name=f"subtensor {self.name}")
        return task

    async def heads(self) -> AsyncGenerator[SourceHead, None]:
        """Its finalized heads, as it announces them."""
        async with aclosing(self.endpoint.source.heads()) as heads:
            async for head in heads:
                self._note(head)
                yield head

    async def ask_finalized(self) -> SourceHead | Unavailable:
        """Its newest finalized head, whether announced or not."""
        return self._noted(await self._unless_other_chain(self.endpoint.source.finalized))

    async def ask_best(self) -> SourceHead | Unavailable:
        """Its newest head."""
        return self._named(await self._unless_other_chain(self.endpoint.source.best))

    async def quote(self, number: BlockNumber) -> Reading | Unavailable:
        """All that it says of a height that it has finalized.

        Waits for it to get there, then asks how far it is: a subscription may be dead alone.
        """
        if not await self._has_finalized(number):
            found = await self.ask_finalized()
            if isinstance(found, Unavailable):
                return found
            if found.number < number:
                return self._lagging(found)
        head = await self._header(number)
        return head if isinstance(head, Unavailable) else await self._read(head)

    async def buried_quote(self, number: BlockNumber) -> Reading | Unavailable:
        """All that it says of the block at a height of its best chain, finalized or not."""
        head = self._named(await self.endpoint.source.block(number))
        if isinstance(head, Unavailable):
            return head
        said = await self._read(head)
        return replace(said, is_final=False) if isinstance(said, Reading) else said

    async def _read(self, head: SourceHead) -> Reading | Unavailable:
        return self._named(await self.endpoint.source.read(head))

    async def _header(self, number: BlockNumber) -> SourceHead | Unavailable:
        announced = self._hashes.get(number)
        if announced is not None:
            return SourceHead(number=number, hash=announced)
        return self._named(await self.endpoint.source.block(number))

    async def _has_finalized(self, number: BlockNumber) -> bool:
        """Whether it has announced that height, given a little time."""
        if self._other_chain is not None:
            return False
        try:
            async with asyncio.timeout(self._patience_s):
                while self.finalized is None or self.finalized.number < number:
                    self._rose.clear()
                    await self._rose.wait()
        except TimeoutError:
            return False
        return True

    async def _unless_other_chain(
        self, ask: Callable[[], Coroutine[Any, Any, SourceHead | Unavailable]]
    ) -> SourceHead | Unavailable:
        now = asyncio.get_running_loop().time()
        if self._other_chain is not None and now < self._other_chain[0]:
            return self._other_chain[1]
        said = await ask()
        is_other = isinstance(said, Unavailable) and said.trouble is Trouble.WRONG_CHAIN
        self._other_chain = (now + self._rest_s, said) if is_other else None  # type: ignore[assignment]
        return said

    def _noted(self, said: SourceHead | Unavailable) -> SourceHead | Unavailable:
        if isinstance(said, SourceHead):
            self._note(said)
        return self._named(said)

    def _note(self, head: SourceHead) -> None:
        self._hashes[head.number] = head.hash
        for number in sorted(self._hashes)[:-_REMEMBERED]:
            del self._hashes[number]
        if self.finalized is None or replaces(head.number, self.finalized.number):
            self.finalized = head
            self._hashes = {n: each for n, each in self._hashes.items() if n <= head.number}
            self._rose.set()

    def _lagging(self, found: SourceHead) -> Unavailable:
        detail = f"{self.name} has finalized block {found.number} only"
        return Unavailable(detail=detail, trouble=Trouble.LAGGING)

    def _named(self, said: Answer) -> Answer:
        """What failed, with whose failure it is."""
        if isinstance(said, Unavailable) and self.name not in said.detail:
            return replace(said, detail=f"{self.name}: {said.detail}")
        return said
