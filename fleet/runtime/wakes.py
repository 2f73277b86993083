"""When a bot looks at the world: the newest head wins, and an alarm makes it look again.

A slow step skips heads instead of queueing them. Knows nothing of what a step does.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from units import BlockNumber


class Wake(Protocol):
    """What wakes a bot: a head of chain 964, or a finalized one of Subtensor."""

    @property
    def number(self) -> BlockNumber:
        """Its height."""
        ...


WakeT = TypeVar("WakeT", bound=Wake)


class Closed:
    """There will be no more wakes."""


class Inbox(Generic[WakeT]):
    """The newest head for one bot, and whether it is to be looked at.

    Args:
        heads_wake: False for a bot that looks only when its alarm rings.
    """

    def __init__(self, *, heads_wake: bool = True) -> None:
        self._heads_wake = heads_wake
        self._newest: WakeT | None = None
        self._is_due = False
        self._closed = asyncio.Event()
        self._changed = asyncio.Event()

    def put(self, head: WakeT) -> None:
        """A new head; it replaces one that was not taken."""
        self._newest = head
        self._is_due = self._is_due or self._heads_wake
        self._changed.set()

    def ring(self) -> None:
        """Makes the bot look once more, at the first head if there was none yet."""
        self._is_due = True
        self._changed.set()

    def close(self) -> None:
        """No more heads will come; one that was not taken is still given out."""
        self._closed.set()
        self._changed.set()

    def discard(self) -> None:
        """Ends it at once and drops what was not taken."""
        self._newest = None
        self.close()

    async def closed(self) -> None:
        """Returns when no more will come."""
        await self._closed.wait()

    async def take(self) -> WakeT | Closed:
        """The newest head, as soon as it is to be looked at."""
        while not (self._is_due and self._newest is not None):
            if self._closed.is_set():
                return Closed()
            self._changed.clear()
            await self._changed.wait()
        self._is_due = False
        return self._newest


class Alarm:
    """What a schedule sets, so that bots look at the newest head without waiting for another."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []

    def listen(self, on_ring: Callable[[], None]) -> None:
        """From now on `on_ring` is called at every ring."""
        self._listeners.append(on_ring)

    def set(self) -> None:
        """Rings; several rings before a bot looks are one."""
        for on_ring in self._listeners:
            on_ring()
