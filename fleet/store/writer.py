"""Writes to SQLite from one thread of its own, a whole transaction at a time.

The asynchronous driver goes to its thread and back for every single step, a dozen times for one
journal entry; here it is once. Knows no table.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection, Engine

_T = TypeVar("_T")


class Writer:
    """One connection, in one thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")

    async def run(self, work: Callable[[Connection], _T]) -> _T:
        """One transaction, see `to_its_end`."""
        loop = asyncio.get_running_loop()
        return await to_its_end(loop.run_in_executor(self._thread, self._transact, work))

    async def close(self) -> None:
        """Closes the connection where it was opened, then ends the thread."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._engine.dispose)
        self._thread.shutdown()

    def _transact(self, work: Callable[[Connection], _T]) -> _T:
        with self._engine.begin() as connection:
            return work(connection)


async def to_its_end(write: Awaitable[_T]) -> _T:
    """A write's result; whoever is cancelled meanwhile still waits for its end.

    Else it could take effect after its caller has read the store again.
    """
    done = asyncio.ensure_future(write)
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        await asyncio.wait([done])
        done.exception()  # looked at, for nobody else will: who asked is on the way out
        raise
