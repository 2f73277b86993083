"""The highest head of several streams, for one reader."""

import asyncio

from oracle.quotes import SourceHead
from oracle.sources.rising import replaces


class Highest:
    """The highest head of several streams, for one reader."""

    def __init__(self) -> None:
        self._head: SourceHead | None = None
        self._is_new = False
        self._is_closed = False
        self._changed = asyncio.Event()

    def put(self, head: SourceHead) -> None:
        """A head; one below those before it is no news, unless it takes them back."""
        if self._head is None or replaces(head.number, self._head.number):
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
