"""What time it is: the one place that looks at the machine's clock.

Everything that waits or measures gets a `Clock` handed in, so that a devnet in lock-step and
the tests run on a time of their own. Knows nothing of what is waited for.
"""

import asyncio
import heapq
import time
from itertools import count
from typing import Protocol

from units import Timestamp


class Clock(Protocol):
    """Now, elapsed time, and waiting."""

    def now(self) -> Timestamp:
        """Unix seconds."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start that never go back; for durations only."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Returns when that many seconds have passed on this clock."""
        ...


class SystemClock:
    """The machine's clock: production."""

    def now(self) -> Timestamp:
        """Unix seconds of the machine."""
        return Timestamp(int(time.time()))  # noqa: TID251 - this is the clock that is injected

    def monotonic(self) -> float:
        """The machine's monotonic seconds."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Waits in wall-clock time."""
        await asyncio.sleep(seconds)


class ChainClock:
    """Time as the chain's heads tell it: in lock-step a slow machine then decides as a fast one.

    It stands still between heads, so nothing that a head must wait for may sleep on it.
    """

    def __init__(self, start: Timestamp) -> None:
        self._now = start
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._arrivals = count()

    def now(self) -> Timestamp:
        """The time of the newest head."""
        return self._now

    def monotonic(self) -> float:
        """The time of the newest head; heads never go back in time."""
        return float(self._now)

    def advance(self, head_time: Timestamp) -> None:
        """Moves to a head's time and wakes those whose time has come; an older head is ignored."""
        self._now = max(self._now, head_time)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, sleeper = heapq.heappop(self._sleepers)
            if not sleeper.done():
                sleeper.set_result(None)

    async def sleep(self, seconds: float) -> None:
        """Waits until a head is that many seconds later."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._arrivals), sleeper))
        await sleeper
