"""One at a time over one key, the most urgent first.

A plain lock would serve callers in the order of their coming, and a price would wait behind
whatever housekeeping had queued before it.
"""

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fleet.transactions.request import Lane


class Turns:
    """A lock whose waiters are served by lane, then in the order of their coming."""

    def __init__(self) -> None:
        self._is_taken = False
        self._arrivals = itertools.count()
        self._waiting: list[tuple[Lane, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def turn(self, lane: Lane) -> AsyncIterator[None]:
        """The body runs while nobody else's does."""
        if self._is_taken:
            await self._wait(lane)
        self._is_taken = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, lane: Lane) -> None:
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (lane, next(self._arrivals), called))
        try:
            await called
        except asyncio.CancelledError:
            if called.done() and not called.cancelled():  # called and cancelled at one moment
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Calls the next one; the lock stays taken for it meanwhile."""
        while self._waiting:
            *_, called = heapq.heappop(self._waiting)
            if not called.done():
                called.set_result(None)
                return
        self._is_taken = False
