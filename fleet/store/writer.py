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

_TIDIED_AFTER = 100
"""Transactions after which what they wrote is moved from the log into the file."""


class Writer:
    """One connection, in one thread.

    What is written goes to the log and is durable there. SQLite would move it into the file within
    the commit of every hundredth or so transaction, which then takes many times as long; `tidying`
    does that beside them, on a connection and a thread of its own.
    """

    def __init__(self, engine: Engine, *, tidying: Engine) -> None:
        self._engine = engine
        self._tidying = tidying
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._tidier = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store tidier")
        self._connection: Connection | None = None
        self._transactions = 0

    async def run(self, work: Callable[[Connection], _T]) -> _T:
        """One transaction, to its end as `to_its_end`, but with one turn of the loop for its news.

        On the way of every price, and a chain of futures would take as long as the transaction.
        """
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        written = self._thread.submit(self._transact, work)
        written.add_done_callback(lambda _: loop.call_soon_threadsafe(ended.set))
        await _outlast(ended.wait)
        return written.result()

    async def close(self) -> None:
        """Closes each connection where it was opened, then ends the threads."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._close)
        self._thread.shutdown()
        await loop.run_in_executor(self._tidier, self._tidying.dispose)
        self._tidier.shutdown()

    def _transact(self, work: Callable[[Connection], _T]) -> _T:
        if self._connection is None:
            self._connection = self._engine.connect()
        with self._connection.begin():
            result = work(self._connection)
        self._transactions += 1
        if self._transactions % _TIDIED_AFTER == 0:
            self._tidier.submit(self._tidy)
        return result

    def _tidy(self) -> None:
        """As far as no reader is in the way: the next time goes further."""
        connection = self._tidying.raw_connection()
        try:
            connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")
        finally:
            connection.close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()


async def to_its_end(write: Awaitable[_T]) -> _T:
    """A write's result; whoever is cancelled meanwhile still waits for its end.

    Else it could take effect after its caller has read the store again.
    """
    done = asyncio.ensure_future(write)
    try:
        await _outlast(lambda: asyncio.wait([done]))
    except asyncio.CancelledError:
        done.exception()  # looked at, for nobody else will: who asked is on the way out
        raise
    return done.result()


async def _outlast(end: Callable[[], Awaitable[object]]) -> None:
    """Returns at the end, or is cancelled then, however often somebody wants that before."""
    try:
        await end()
    except asyncio.CancelledError:
        await _outlast(end)
        raise
