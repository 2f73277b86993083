"""This process's hold on its work: waited for, renewed while anything runs, given back at the end.

The journal is what stops a process that lost its key (`fleet.store.lease`); here it is told in time
not to begin anything more, and not to decide anything that the store could not take.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum

import structlog
from sqlalchemy.exc import SQLAlchemyError

from fleet.chain.failures import ChainError
from fleet.runtime.clock import Clock
from fleet.runtime.health import Health
from fleet.runtime.loop import describe
from fleet.runtime.process import Process, this_process
from fleet.store.engine import Database, StoreError
from fleet.store.lease import Claim, Lease, LeaseTaken, acquire, release, renew
from fleet.transactions.journal import Fenced

LEASE = "lease"
"""What health calls it."""

_RENEWALS = 10
"""How often a lease is renewed within its time, and the store seen to answer."""

_SILENCE = 0.25
"""The share of a lease's time after which a store that does not answer stops all deciding."""

_SILENCE_S_MIN = 1.0

_LOOK_S = 0.5
"""Longest pause of a standby, so that a lease that is given back is taken at once."""

_log = structlog.stdlib.get_logger("fleet")


class Role(StrEnum):
    """What a process is to its work."""

    LEADER = "leader"
    STANDBY = "standby"
    LOST = "lost"
    """It had the lease and lost it: it is on its way out."""


class Tenure:
    """One process and what it alone is to do. Implements `fleet.runtime.gate.Gate`.

    Args:
        opened: the database, which may be out of reach for a while.
        claims: what is taken, all of it or nothing.
        ttl_s: seconds after which another process may take over when this one gives no sign.
        clock: a wall clock, in lock-step too: a lease does not live in the chain's time.
        process: who takes it; this process if nothing else is said.
    """

    def __init__(
        self,
        *,
        opened: Callable[[], Awaitable[Database]],
        claims: Sequence[Claim],
        ttl_s: float,
        clock: Clock,
        process: Process | None = None,
    ) -> None:
        self._opened = opened
        self._claims = tuple(claims)
        self._ttl_s = ttl_s
        self._clock = clock
        self._process = process or this_process()
        self._health: Health | None = None
        self._taking = asyncio.Lock()
        self._held = asyncio.Event()
        self._leases: tuple[Lease, ...] = ()
        self._lost: Fenced | None = None
        self._confirmed_at = 0.0
        self._answered = asyncio.Event()
        self._trouble = ""

    @property
    def claims(self) -> tuple[Claim, ...]:
        """What it is about."""
        return self._claims

    @property
    def role(self) -> Role:
        """As far as it knows."""
        if self._lost is not None:
            return Role.LOST
        return Role.LEADER if self._leases else Role.STANDBY

    @property
    def is_leading(self) -> bool:
        """Whether the work is this process's, as far as it knows."""
        return bool(self._leases)

    @property
    def epochs(self) -> dict[str, int]:
        """Of each lease that it holds."""
        return {lease.name: lease.epoch for lease in self._leases}

    @property
    def silent_s(self) -> float:
        """Seconds since the store last confirmed that the work is this process's."""
        return self._clock.monotonic() - self._confirmed_at

    @property
    def is_open(self) -> bool:
        """Whether anything may be decided: it leads, and the store has answered lately."""
        return self.is_leading and self.silent_s <= max(self._ttl_s * _SILENCE, _SILENCE_S_MIN)

    async def opened(self) -> None:
        """Returns when the store has answered again."""
        while not self.is_open:
            self._answered.clear()
            await self._answered.wait()

    def watched_by(self, health: Health) -> None:
        """From now on health hears whether the database answers."""
        self._health = health
        health.register(LEASE, is_woken=False)  # it waits for the store, be that for a migration

    async def lease(self, name: str | None = None) -> Lease:
        """One of the leases (the first, or by its name); all are taken now if none was wanted yet.

        Raises:
            LeaseTaken: another process has it. Who can wait for that uses `lead`.
            Fenced: this process had it and lost it. It is not to have it again: what it knows of
                the journal is old.
        """
        async with self._taking:
            if self._lost is not None:
                raise self._lost
            held = self._leases or await self._take()
        return next(lease for lease in held if name in {None, lease.name})

    async def lead(self) -> None:
        """Returns when this process has the lease, however long another one keeps it.

        Raises:
            LeaseTaken: waiting cures nothing.
            StoreError: the database is of no use.
        """
        is_told = False
        while not self._leases:
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

    async def _take(self) -> tuple[Lease, ...]:
        database, asked_at = await self._opened(), self._clock.monotonic()
        self._leases = await acquire(
            database, *self._claims, process=self._process, ttl_s=self._ttl_s
        )
        self._confirm(asked_at)
        self._held.set()
        for lease in self._leases:
            _log.info("leading", workload=lease.name, account=lease.account, epoch=lease.epoch)
        return self._leases

    async def _keep(self) -> None:
        await self._held.wait()
        every_s = self._ttl_s / _RENEWALS
        while True:
            await self._clock.sleep(every_s)
            await self._renew(patience_s=2 * every_s)

    async def _renew(self, patience_s: float) -> None:
        """Raises Fenced when it is lost.

        A store that is away is asked for as long as it takes: whether somebody has taken over
        meanwhile it will say when it is back, and until then nothing can be written, nor sent.
        """
        asked_at = self._clock.monotonic()
        try:
            async with asyncio.timeout(patience_s):
                await renew(await self._opened(), *self._leases, ttl_s=self._ttl_s)
        except Fenced as lost:
            self._leases, self._lost = (), lost
            raise
        except (SQLAlchemyError, StoreError, TimeoutError) as error:
            self._say_ill(error)
        else:
            self._confirm(asked_at)

    def _confirm(self, asked_at: float) -> None:
        """It holds for its time from the question on: the answer may have taken a while."""
        self._confirmed_at = asked_at
        self._answered.set()
        self._say_well()

    async def _give_back(self) -> None:
        """The next one need not wait; where the database is away it has to."""
        held, self._leases = self._leases, ()
        if not held:
            return
        try:
            await release(await self._opened(), *held)
        except (ChainError, StoreError, SQLAlchemyError) as error:
            _log.warning("lease_not_given_back", reason=describe(error))
        else:
            for lease in held:
                _log.info("lease_given_back", workload=lease.name, account=lease.account)

    def _say_well(self) -> None:
        if self._trouble:
            _log.info("store_answers_again")
        self._trouble = ""
        if self._health is not None:
            self._health.succeeded(LEASE)
            self._health.hinder("")

    def _say_ill(self, error: Exception) -> None:
        """One line when it begins, and one when deciding stops for it."""
        trouble = f"{'' if self.is_open else 'nothing is decided, '}{describe(error)}"
        if trouble != self._trouble:
            _log.warning("store_away", reason=trouble)
        self._trouble = trouble
        if self._health is not None:
            self._health.failed(LEASE, describe(error))
            self._health.hinder("" if self.is_open else trouble)
