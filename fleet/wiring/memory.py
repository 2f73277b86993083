"""The database, opened when something is first kept or looked up in it: a dry run needs none."""

import asyncio
from contextlib import AsyncExitStack

from fleet.chain.node import Node
from fleet.runtime.clock import Clock
from fleet.settings import Settings
from fleet.store.engine import Database
from fleet.store.journal import prune_journal
from fleet.store.outbox import prune_outbox
from fleet.store.warnings import StoredWarnings
from fleet.wiring.connections import open_store
from keepers.warnings.observation import WarningChange, WarningState
from units import Seconds, Timestamp

KEPT = Seconds(30 * 24 * 3_600)
"""How long messages that reached everybody are kept for people to look at."""

TRANSACTIONS_KEPT = 20_000
"""Newest transactions a key of which all is kept."""


class Memory:
    """One database for all bots of a process. Implements `keepers.warnings.keeper.WarningsStore`.

    Every call raises StoreError when the database can't be opened or belongs to another world.
    """

    def __init__(
        self, *, settings: Settings, node: Node, clock: Clock, closing: AsyncExitStack
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._node = node
        self._closing = closing
        self._opening = asyncio.Lock()
        self._database: Database | None = None

    async def database(self) -> Database:
        """The open database."""
        async with self._opening:
            if self._database is None:
                opening = open_store(self._settings, self._node)
                self._database = await self._closing.enter_async_context(opening)
            return self._database

    async def prune(self) -> None:
        """Forgets messages that reached everybody a while ago, and transactions long final."""
        database = await self.database()
        await prune_outbox(database, Timestamp(self._clock.now() - KEPT))
        await prune_journal(database, keep=TRANSACTIONS_KEPT)

    async def load(self) -> WarningState:
        """See the port."""
        return await StoredWarnings(await self.database()).load()

    async def commit(self, change: WarningChange) -> frozenset[str]:
        """See the port."""
        return await StoredWarnings(await self.database()).commit(change)
