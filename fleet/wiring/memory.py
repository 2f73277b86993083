"""The database, opened when something is first kept or looked up in it: a dry run needs none."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Protocol

from fleet.chain.node import Node
from fleet.runtime.clock import Clock
from fleet.settings import Settings
from fleet.store.decisions import prune_decisions
from fleet.store.engine import Database
from fleet.store.journal import StoredJournal, prune_journal
from fleet.store.outbox import prune_outbox
from fleet.store.quotes import prune_quotes
from fleet.store.warnings import StoredWarnings
from fleet.transactions.attempt import Entry
from fleet.transactions.request import Lane
from fleet.transactions.spending import Account, Spend
from fleet.wiring.connections import open_archive, open_store
from fleet.wiring.tenure import Tenure
from keepers.warnings.observation import WarningChange, WarningState
from units import Seconds, Timestamp

WARNINGS = "warnings"
"""The workload that has no key: telling people."""

DAY_S = 24 * 3_600

TIDY_S = 3_600.0
"""Pause between two looks for what may be forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidied:
    """What was forgotten, by number."""

    messages: int
    transactions: int
    decisions: int
    quotes: int


class Memory:
    """One database for all bots of a process.

    Every call raises StoreError when the database can't be opened or belongs to another world, and
    ChainError while the node can't be asked which world this is.
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
        self._archive: Database | None = None
        self._tidied_at: float | None = None

    async def database(self) -> Database:
        """The open database."""
        async with self._opening:
            if self._database is None:
                opening = open_store(self._settings, self._node)
                self._database = await self._closing.enter_async_context(opening)
            return self._database

    async def archive(self) -> Database:
        """The same database only to look something up, for which no node needs to answer."""
        async with self._opening:
            if self._archive is None:
                opening = open_archive(self._settings)
                self._archive = await self._closing.enter_async_context(opening)
            return self._archive

    async def tidy(self) -> Tidied | None:
        """Forgets what is done with and old; None when that was looked for lately."""
        now = self._clock.monotonic()
        if self._tidied_at is not None and now - self._tidied_at < TIDY_S:
            return None
        database = await self.database()
        kept = self._settings.store.retention
        before = Timestamp(self._clock.now() - kept.messages_days * DAY_S)
        # decisions first: what they came to stays in the journal as long as they do
        tidied = Tidied(
            decisions=await prune_decisions(database, Seconds(kept.decisions_days * DAY_S)),
            quotes=await prune_quotes(database, Seconds(kept.quotes_days * DAY_S)),
            messages=await prune_outbox(database, before),
            transactions=await prune_journal(database, keep=kept.nonces),
        )
        self._tidied_at = now
        return tidied


class RememberedWarnings:
    """What the warnings remember. Implements `keepers.warnings.keeper.WarningsStore`.

    Who writes it tells people, and that is one process alone: a commit takes the lease for it,
    unless this process has it already, and raises LeaseTaken or Fenced.
    """

    def __init__(self, memory: Memory, tenure: Tenure | None) -> None:
        self._memory = memory
        self._tenure = tenure
        self._reader: StoredWarnings | None = None

    async def load(self) -> WarningState:
        """See the port."""
        if self._reader is None:  # the same again, for it knows how far it came
            self._reader = StoredWarnings(await self._memory.database())
        return await self._reader.load()

    async def commit(self, change: WarningChange) -> frozenset[str]:
        """See the port."""
        database = await self._memory.database()
        lease = None if self._tenure is None else await self._tenure.lease(WARNINGS)
        return await StoredWarnings(database, lease).commit(change)


class Remembers(Protocol):
    """Gives the open database; `Memory` is one."""

    async def database(self) -> Database:
        """The open database."""
        ...


class RememberedJournal:
    """The journal of one key. Implements `fleet.transactions.journal.Journal`.

    It opens the memory with its first call, so that a process can start while no node answers,
    and takes the key's lease then, unless this process has it already. So every call raises
    LeaseTaken as well.
    """

    def __init__(self, memory: Remembers, tenure: Tenure) -> None:
        self._memory = memory
        self._tenure = tenure
        self._journal: StoredJournal | None = None

    async def enter(self, entry: Entry) -> Entry:
        """See the port."""
        return await (await self._stored()).enter(entry)

    async def save(self, entry: Entry) -> None:
        """See the port."""
        await (await self._stored()).save(entry)

    async def withdraw(self, entry: Entry) -> None:
        """See the port."""
        await (await self._stored()).withdraw(entry)

    async def conclude(self, entry: Entry, spend: Spend, stop: str | None) -> None:
        """See the port."""
        await (await self._stored()).conclude(entry, spend, stop)

    async def stop(self, lane: Lane, reason: str, since: Timestamp) -> None:
        """See the port."""
        await (await self._stored()).stop(lane, reason, since)

    async def account(self) -> Account:
        """See the port."""
        return await (await self._stored()).account()

    async def unfinished(self) -> tuple[Entry, ...]:
        """See the port."""
        return await (await self._stored()).unfinished()

    async def next_nonce(self) -> int:
        """See the port."""
        return await (await self._stored()).next_nonce()

    async def _stored(self) -> StoredJournal:
        """With its statements made once a lease: they are on every transaction's way out."""
        database, lease = await self._memory.database(), await self._tenure.lease()
        if self._journal is None or self._journal.lease != lease:
            self._journal = StoredJournal(database, lease)
        return self._journal
