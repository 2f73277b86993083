"""Who falls at the prices that are about to be pushed, and which of them may be taken at once.

Shell: it asks the liquidation keepers within a time budget. The first price of a market after a
break travels alone; whoever falls at it is taken with the next one, if a later finalized block
still shows it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar, runtime_checkable

from oracle.feed import Update
from oracle.plan import Falling, FeedPlan
from units import BlockNumber, Head, Netuid, PositionId, PriceWei, Wei


@runtime_checkable
class RiskUnknown(Protocol):
    """Who falls is not known now. Any value with a one-line `reason` is one."""

    @property
    def reason(self) -> str:
        """One line for an operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverBudget:
    """The answer took longer than the push may wait."""

    reason: str


@dataclass(frozen=True, slots=True)
class Nobody:
    """Who falls where no price is pushed."""

    ids: tuple[PositionId, ...] = ()
    at_stake: Mapping[Netuid, Wei] = field(default_factory=dict)

    def within(self, netuids: Collection[Netuid]) -> "Nobody":
        """Nobody anywhere."""
        del netuids
        return self


class Risk(Protocol):
    """Who falls at a price vector; the liquidation keepers implement it."""

    async def liquidatable_at(
        self, prices: Mapping[Netuid, PriceWei], head: Head
    ) -> Falling | RiskUnknown:
        """The positions below maintenance once these prices are pushed, worst first."""


Answer = TypeVar("Answer")

Deadline = Callable[[float], AbstractAsyncContextManager[object]]
"""A limit of so many seconds: `asyncio.timeout`, or none in lock-step."""


class Falls:
    """Asks who falls, and remembers the markets whose first price went alone."""

    def __init__(
        self,
        *,
        risk: Risk,
        deadline: Deadline,
        budget_ms: int,
        is_confirmed: Callable[[Netuid], bool],
    ) -> None:
        self._risk = risk
        self._deadline = deadline
        self._budget_ms = budget_ms
        self._is_confirmed = is_confirmed
        self._went_alone: set[Netuid] = set()
        self._followed: dict[Netuid, BlockNumber] = {}
        self._until_s = 0.0

    def begin_step(self) -> None:
        """All that is asked from now on is for one push, which has one budget."""
        self._until_s = asyncio.get_running_loop().time() + self._budget_ms / 1000

    async def at(self, updates: Sequence[Update], head: Head) -> Falling | RiskUnknown:
        """Who falls when these are pushed in the block after `head`, worst first."""
        prices = {update.netuid: update.price for update in updates}
        if not prices:
            return Nobody()
        return await self.in_time(self._risk.liquidatable_at(prices, head))

    @property
    def unconfirmed(self) -> frozenset[Netuid]:
        """The markets whose first price went alone and no other is in the feed yet."""
        return frozenset(self._went_alone | self._followed.keys())

    def may_liquidate(self, netuid: Netuid) -> bool:
        """Whether a price of this market may take positions along."""
        return self._is_confirmed(netuid) and netuid not in self._went_alone

    async def in_time(self, asked: Awaitable[Answer]) -> Answer | OverBudget:
        """The answer, unless it takes longer than the push may still wait."""
        left_s = self._until_s - asyncio.get_running_loop().time()
        try:
            async with self._deadline(max(left_s, 0.0)):
                return await asked
        except TimeoutError:
            return OverBudget(reason=f"who falls was not known within {self._budget_ms} ms")

    async def confirming(self, plan: FeedPlan) -> tuple[Update, ...]:
        """Prices that are not due, of markets whose first one went alone, if that matters.

        It does where somebody falls at the first price or at this one: who falls at both is taken
        with it, and who fell at the first alone is healthy on chain again.
        """
        self._forget_landed(plan)
        spare = plan.spare
        updates = tuple(spare[n] for n in spare if n in self._went_alone and self._is_confirmed(n))
        rows = {each.netuid: each.row.price for each in plan.markets}
        first = tuple(replace(update, price=rows[update.netuid]) for update in updates)
        now = await self.at(updates, plan.head)
        before = now if first == updates else await self.at(first, plan.head)
        if isinstance(now, RiskUnknown) or isinstance(before, RiskUnknown):
            return ()
        matters = [u for u in updates if _anybody(now, u) or _anybody(before, u)]
        self._went_alone.difference_update(u.netuid for u in updates if u not in matters)
        return tuple(matters)

    def note_sent(
        self, updates: Sequence[Update], alone: Collection[Netuid], *, is_risk_known: bool
    ) -> None:
        """These are on their way, of which `alone` took nobody along."""
        if is_risk_known:
            second = {u.netuid: u.source_block for u in updates if u.netuid in self._went_alone}
            self._followed.update(second)
            self._went_alone.difference_update(second)
        self._went_alone.update(alone)

    def _forget_landed(self, plan: FeedPlan) -> None:
        rows = {each.netuid: each.row.source_block for each in plan.markets}
        self._followed = {n: block for n, block in self._followed.items() if rows[n] < block}


def _anybody(falling: Falling, update: Update) -> bool:
    return bool(falling.within({update.netuid}).ids)
