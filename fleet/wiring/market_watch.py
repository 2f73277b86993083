"""Tells people of markets whose pools are too thin: at their first block, and again next time."""

from collections.abc import Awaitable, Callable, Iterator

from fleet.store.engine import Database
from fleet.wiring.troubles import Episodes, Trouble
from oracle.feeder import FeedOutcome
from oracle.plan import FeedPlan, MarketPlan
from oracle.quotes import NoPrice, NoPriceReason
from units import BlockNumber, Netuid


class MarketWatch:
    """Follows which markets are thin; `opened` gives the store that the outbox is in."""

    def __init__(self, *, opened: Callable[[], Awaitable[Database]]) -> None:
        self._episodes = Episodes(opened)
        self._thin_since: dict[Netuid, BlockNumber] = {}

    async def look(self, outcome: FeedOutcome) -> None:
        """Adds to the outbox what is not in it yet; see `Episodes.tell`."""
        plan = outcome.plan
        if isinstance(plan, FeedPlan) and plan.source is not None:
            await self._episodes.tell(self._thin(plan), plan.head.number, plan.head.time)

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


def _waits_for_people(market: MarketPlan) -> bool:
    known = market.known
    return isinstance(known, NoPrice) and known.reason is NoPriceReason.THIN_UNTIL_RESUMED


def _consequence(market: MarketPlan) -> str:
    if _waits_for_people(market):
        return "the market is suspended until you resume it"
    if isinstance(market.known, NoPrice):
        return "the market is suspended until its pool is deep again"
    return "its price is published by a wider band"
