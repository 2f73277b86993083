"""Tells people of markets whose pools are too thin, or whose price the chain contradicts."""

from collections.abc import Awaitable, Callable, Iterator

from fleet.store.engine import Database
from fleet.wiring.troubles import Episodes, Trouble
from oracle.feeder import FeedOutcome
from oracle.plan import FeedPlan, MarketPlan
from oracle.quotes import NoPrice, NoPriceReason
from units import BlockNumber, Netuid


class MarketWatch:
    """Follows which markets those are; `opened` gives the store that the outbox is in."""

    def __init__(self, *, opened: Callable[[], Awaitable[Database]]) -> None:
        self._episodes = Episodes(opened)
        self._thin_since: dict[Netuid, BlockNumber] = {}
        self._contradicted_since: dict[Netuid, BlockNumber] = {}

    async def look(self, outcome: FeedOutcome) -> None:
        """Adds to the outbox what is not in it yet; see `Episodes.tell`."""
        plan = outcome.plan
        if isinstance(plan, FeedPlan) and plan.source is not None:
            found = (*self._thin(plan), *self._contradicted(plan))
            await self._episodes.tell(found, plan.head.number, plan.head.time)

    def _contradicted(self, plan: FeedPlan) -> Iterator[Trouble]:
        of = {market.netuid for market in plan.markets if _is_contradicted(market)}
        before = self._contradicted_since
        self._contradicted_since = {n: before.get(n, plan.head.number) for n in of}
        for netuid, since in self._contradicted_since.items():
            yield Trouble(
                id=f"feed-contradicted-{netuid}-{since}",
                severity="page",
                title=f"Two prices of market {netuid} at one block",
                body=f"Since block {since} Subtensor and the Alpha precompile of chain 964 differ"
                " by more than the band: one of them is wrong, and the market is suspended until"
                " they agree. See: keepers doctor",
            )

    def _thin(self, plan: FeedPlan) -> Iterator[Trouble]:
        thin = [market for market in plan.markets if market.is_thin]
        before = self._thin_since
        self._thin_since = {m.netuid: before.get(m.netuid, plan.head.number) for m in thin}
        for market in thin:
            since = self._thin_since[market.netuid]
            yield Trouble(
                id=f"feed-thin-{market.netuid}-{since}",
                severity="page" if _waits_for_people(market) else "notify",
                title=f"The pool of market {market.netuid} is thin",
                body=f"Since block {since} it holds less TAO than its floor"
                f" (depth_floor_tao): {_consequence(market)}. See: keepers oracle pins",
            )


def _is_contradicted(market: MarketPlan) -> bool:
    known = market.known
    return isinstance(known, NoPrice) and known.reason is NoPriceReason.CONTRADICTED


def _waits_for_people(market: MarketPlan) -> bool:
    known = market.known
    return isinstance(known, NoPrice) and known.reason is NoPriceReason.THIN_UNTIL_RESUMED


def _consequence(market: MarketPlan) -> str:
    if _waits_for_people(market):
        return "the market is suspended until you resume it"
    if isinstance(market.known, NoPrice):
        return "the market is suspended until its pool is deep again"
    return "its price is published by a wider band"
