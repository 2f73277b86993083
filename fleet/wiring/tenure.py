"""This process's hold on its key: waited for, renewed while anything runs, given back at the end.

The journal is what stops a process that lost its key (`fleet.store.lease`); here it is told in time
not to begin anything more.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from sqlalchemy.exc import SQLAlchemyError

from fleet.chain.failures import ChainError
from fleet.runtime.clock import Clock
from fleet.runtime.health import Health
from fleet.runtime.loop import describe
from fleet.runtime.process import this_process
from fleet.store.engine import Database, StoreError
from fleet.store.lease import Lease, LeaseTaken, acquire, release, renew
from fleet.transactions.journal import Fenced
from units import Address

LEASE = "lease"
"""What health calls it."""

_RENEWALS = 3
"""How often a lease is renewed within its time: one may fail, and another."""

_LOOK_S = 1.0
"""Longest pause of a standby, so that a lease that is given back is taken at once."""

_log = structlog.stdlib.get_logger("fleet")


class Tenure:
    """One process and one key.

    Args:
        opened: the database, which may be out of reach for a while.
        name: the workload.
        account: whose key it is.
        ttl_s: seconds after which another process may take over when this one gives no sign.
        clock: a wall clock, in lock-step too: a lease does not live in the chain's time.
    """

    def __init__(
        self,
        *,
        opened: Callable[[], Awaitable[Database]],
        name: str,
        account: Address,
        ttl_s: float,
        clock: Clock,
    ) -> None:
        self._opened = opened
        self._name = name
        self._account = account
        self._ttl_s = ttl_s
        self._clock = clock
        self._process = this_process()
        self._health: Health | None = None
        self._taking = asyncio.Lock()
        self._held = asyncio.Event()
        self._lease: Lease | None = None
        self._lost: Fenced | None = None
        self._confirmed_at = 0.0

    @property
    def is_leading(self) -> bool:
        """Whether the key is this process's, as far as it knows."""
        return self._lease is not None

    def watched_by(self, health: Health) -> None:
        """From now on health hears whether the database answers."""
        self._health = health
        health.register(LEASE)

    async def lease(self) -> Lease:
        """The lease, taken now if it was not wanted before.

        Raises:
            LeaseTaken: another process has it. Who can wait for that uses `lead`.
            Fenced: this process had it and lost it. It is not to have it again: what it knows of
                the journal is old.
        """
        async with self._taking:
            if self._lost is not None:
                raise self._lost
            return self._lease or await self._take()

    async def lead(self) -> None:
        """Returns when this process has the lease, however long another one keeps it.

        Raises:
            LeaseTaken: waiting cures nothing.
            StoreError: the database is of no use.
        """
        is_told = False
        while self._lease is None:
            try:
                await self.lease()
            except LeaseTaken as taken:
                if taken.free_in_s is None:
                    raise
                self._say_well()
                if not is_told:
                    _log.info("standing_by", reason=str(taken))
                    is_told = True
                await self._clock.sleep(min(_LOOK_S, max(taken.free_in_s, 0.0)))
            except (ChainError, SQLAlchemyError) as error:
                self._say_ill(error)
                await self._clock.sleep(_LOOK_S)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Renews the lease for the length of the block and gives it back at its end.

        The block is cancelled when the lease is lost.

        Raises:
            ExceptionGroup: with Fenced when it was, or with what the block raised.
        """
        try:
            async with asyncio.TaskGroup() as group:
                keeping = group.create_task(self._keep(), name="lease")
                yield
                keeping.cancel()
        finally:
            await self._give_back()

    async def _take(self) -> Lease:
        database, asked_at = await self._opened(), self._clock.monotonic()
        self._lease = await acquire(
            database,
            name=self._name,
            account=self._account,
            process=self._process,
            ttl_s=self._ttl_s,
        )
        self._confirm(asked_at)
        self._held.set()
        _log.info("leading", workload=self._name, account=self._account, epoch=self._lease.epoch)
        return self._lease

    async def _keep(self) -> None:
        await self._held.wait()
        pause_s = every_s = self._ttl_s / _RENEWALS
        while True:
            await self._clock.sleep(pause_s)
            pause_s = every_s if await self._renewed(every_s) else min(_LOOK_S, every_s)

    async def _renewed(self, patience_s: float) -> bool:
        """Whether it went well; raises Fenced when it is lost."""
        assert self._lease is not None, "held"
        asked_at = self._clock.monotonic()
        try:
            async with asyncio.timeout(patience_s):
                await renew(await self._opened(), self._lease, ttl_s=self._ttl_s)
        except Fenced as lost:
            self._lose(lost)
            raise
        except (SQLAlchemyError, StoreError, TimeoutError) as error:
            self._note_failure(error)
            return False
        self._confirm(asked_at)
        return True

    def _note_failure(self, error: Exception) -> None:
        """By this machine's own clock: the database's can't be asked."""
        self._say_ill(error)
        _log.warning("lease_not_renewed", reason=describe(error))
        silent_s = self._clock.monotonic() - self._confirmed_at
        if silent_s >= self._ttl_s:
            lost = Fenced(
                f"key {self._account} for {self._name} could not be kept, the store has not"
                f" answered for {silent_s:.0f} s: this process sends nothing more"
            )
            self._lose(lost)
            raise lost from error

    def _lose(self, lost: Fenced) -> None:
        self._lease, self._lost = None, lost

    def _confirm(self, asked_at: float) -> None:
        """It holds for its time from the question on: the answer may have taken a while."""
        self._confirmed_at = asked_at
        self._say_well()

    async def _give_back(self) -> None:
        """The next one need not wait; where the database is away it has to."""
        lease, self._lease = self._lease, None
        if lease is None:
            return
        try:
            await release(await self._opened(), lease)
        except (ChainError, StoreError, SQLAlchemyError) as error:
            _log.warning("lease_not_given_back", reason=describe(error))
        else:
            _log.info("lease_given_back", workload=self._name, account=self._account)

    def _say_well(self) -> None:
        if self._health is not None:
            self._health.succeeded(LEASE)

    def _say_ill(self, error: Exception) -> None:
        if self._health is not None:
            self._health.failed(LEASE, describe(error))
