"""The threads that the asynchronous SQLite driver works in, so that none outlives the store.

A question whose asker was cancelled is answered all the same. Where that happens after the event
loop has closed, its thread dies with a traceback, at the end of a process that ended well.
"""

import asyncio
from threading import Thread
from typing import Any

import aiosqlite
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

_END_S_MAX = 10.0
"""For so long a thread may finish what it does: more than the busy timeout."""


class Threads:
    """Those of one engine, which must not have connected before."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._running: list[Thread] = []
        event.listen(engine.sync_engine, "do_connect", self._watch)

    async def ended(self) -> None:
        """Returns when all of them have; the engine must be disposed of before."""
        for thread in self._running:
            if thread.is_alive():
                await asyncio.to_thread(thread.join, _END_S_MAX)

    def _watch(self, _dialect: Any, _record: Any, _args: Any, options: dict[str, Any]) -> None:
        options["async_creator_fn"] = self._connection

    def _connection(self, *args: Any, **options: Any) -> aiosqlite.Connection:
        connection = aiosqlite.connect(*args, **options)
        thread = connection._thread  # noqa: SLF001 -- SQLAlchemy takes it there as well
        thread.daemon = True
        self._running = [*(each for each in self._running if each.is_alive()), thread]
        return connection
