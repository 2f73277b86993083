"""From a thread to the event loop: the newest value only.

What a slow reader has not taken is replaced, not queued: nobody wants the head before last.
"""

import asyncio
import threading
from typing import Generic, TypeVar

Value = TypeVar("Value")


class LatestWins(Generic[Value]):
    """One place for one value. `put` from any thread, `take` on the loop it was made on."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._arrived = asyncio.Event()
        self._box: list[Value] = []
        self._is_announced = False

    def put(self, value: Value) -> None:
        """Leave a value; one that is still here is dropped. Never blocks, never fails."""
        with self._lock:
            self._box[:] = [value]
            if self._is_announced:
                return
            self._is_announced = True
        try:
            self._loop.call_soon_threadsafe(self._arrived.set)
        except RuntimeError:
            return  # the loop is closed: nobody is left to take it

    async def take(self) -> Value:
        """Wait for a value and take it."""
        await self._arrived.wait()
        self._arrived.clear()
        with self._lock:
            self._is_announced = False
            return self._box.pop()
