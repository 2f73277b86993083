"""Accrues every market that is due, all in one transaction, and nothing twice.

One step: read the rows of one block (only when something may be due) → decide → submit. That a
transaction landed is read from the rows of later blocks, that it came to nothing is told. Knows
the exchange only through the two ports below.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from keepers.funding.calendar import (
    DueMarket,
    Flight,
    FundingPolicy,
    FundingSnapshot,
    due,
    due_key,
    lag,
    next_due,
    still_in_flight,
)
from keepers.submission import NotSent, Sent
from units import Head, Netuid, Seconds, Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingUnread:
    """The rows could not be read, which does not mean that nothing is due; `reason` is one line."""

    reason: str


class FundingMarkets(Protocol):
    """Where the funding rows of the fleet's markets are read."""

    async def read(self) -> FundingSnapshot | FundingUnread:
        """The rows of every market of the fleet at the newest block."""
        ...


class Accruals(Protocol):
    """Where accruals are sent."""

    async def submit(self, netuids: tuple[Netuid, ...], due_key: str) -> Sent | NotSent:
        """Sends one transaction that accrues `netuids`; `due_key` names the work."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NotYetDue:
    """Nothing was read: by the rows read last, no market is due before `next_due`."""

    head: Head
    next_due: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingPlan:
    """What is to be accrued at one block.

    Attributes:
        head: The block whose rows were read.
        due: The markets of the transaction, the longest overdue first; may be empty.
        postponed: Due markets beyond the limit of one transaction; the next step takes them.
        in_flight: Markets whose accrual is on its way.
        unlisted: Markets of the fleet that the exchange does not list.
        next_due: When the next market is due; None when none is listed.
        lags: By how much each listed market stands longer than one interval, in seconds.
    """

    head: Head
    due: tuple[DueMarket, ...]
    postponed: tuple[DueMarket, ...]
    in_flight: tuple[Netuid, ...]
    unlisted: tuple[Netuid, ...]
    next_due: Timestamp | None
    lags: Mapping[Netuid, Seconds]


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingOutcome:
    """What a plan led to; `submission` is None when nothing was due."""

    plan: FundingPlan
    submission: Sent | NotSent | None


class FundingKeeper:
    """The funding bot. What it remembers only saves work: a restart forgets it harmlessly.

    A restarted keeper may send an accrual that is already on its way; the sender recognises the
    key of the same work, and on chain a second accrual finds nothing elapsed.
    """

    def __init__(
        self, *, markets: FundingMarkets, accruals: Accruals, policy: FundingPolicy
    ) -> None:
        self._markets = markets
        self._accruals = accruals
        self._policy = policy
        self._flights: dict[Netuid, Flight] = {}
        self._read_next_at: Timestamp | None = None

    def wake(self) -> None:
        """Makes the next step read the chain, whatever was read last; called on a schedule."""
        self._read_next_at = None

    async def step(self, head: Head) -> FundingOutcome | NotYetDue | FundingUnread:
        """Plans and acts; the daemon's loop and the one-shot command are this."""
        plan = await self.plan(head)
        return await self.act(plan) if isinstance(plan, FundingPlan) else plan

    async def plan(self, head: Head) -> FundingPlan | NotYetDue | FundingUnread:
        """What should be accrued; sends nothing."""
        if self._read_next_at is not None and head.time < self._read_next_at:
            return NotYetDue(head=head, next_due=self._read_next_at)
        snapshot = await self._markets.read()
        if isinstance(snapshot, FundingUnread):
            return snapshot
        self._flights = still_in_flight(self._flights, snapshot, self._policy)
        plan = self._planned(snapshot)
        self._read_next_at = self._next_read(plan)
        return plan

    async def act(self, plan: FundingPlan) -> FundingOutcome:
        """Sends what the plan holds as one transaction; does not wait for its receipt."""
        if not plan.due:
            return FundingOutcome(plan=plan, submission=None)
        netuids, key = tuple(market.netuid for market in plan.due), due_key(plan.due)
        submission = await self._accruals.submit(netuids, key)
        if isinstance(submission, Sent):
            for market in plan.due:
                self._flights[market.netuid] = Flight(
                    last_accrual=market.last_accrual, sent_at=plan.head.number, due_key=key
                )
        return FundingOutcome(plan=plan, submission=submission)

    def lost(self, due_key: str) -> None:
        """The transaction of this work accrued nothing: reverted, expired, or its nonce taken.

        Its markets are due again at the next head; other work's keys change nothing.
        """
        self._flights = {
            netuid: flight for netuid, flight in self._flights.items() if flight.due_key != due_key
        }

    def _planned(self, snapshot: FundingSnapshot) -> FundingPlan:
        policy = self._policy
        markets = due(snapshot.head.time, snapshot.rows, policy)
        waiting = tuple(market for market in markets if market.netuid not in self._flights)
        return FundingPlan(
            head=snapshot.head,
            due=waiting[: policy.markets_max],
            postponed=waiting[policy.markets_max :],
            in_flight=tuple(sorted(self._flights)),
            unlisted=tuple(row.netuid for row in snapshot.rows if not row.is_listed),
            next_due=next_due(snapshot.rows, policy),
            lags={
                row.netuid: lag(snapshot.head.time, row) for row in snapshot.rows if row.is_listed
            },
        )

    def _next_read(self, plan: FundingPlan) -> Timestamp | None:
        """None, so at the next head, while anything is due or on its way."""
        if plan.due or plan.postponed or plan.in_flight:
            return None
        latest = Timestamp(plan.head.time + self._policy.reread)
        return latest if plan.next_due is None else min(plan.next_due, latest)
