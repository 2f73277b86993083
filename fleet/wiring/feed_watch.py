"""Tells people what the feeder can't mend: another subnet, a stall, a market closed by others."""

from collections.abc import Awaitable, Callable, Iterator

from fleet.store.engine import Database
from fleet.wiring.market_watch import MarketWatch
from fleet.wiring.source_watch import Sources, SourceWatch
from fleet.wiring.troubles import Episodes, Trouble
from oracle.aggregation import Pins
from oracle.feed import SuspensionReason
from oracle.feeder import FeedOutcome
from oracle.plan import FeedPlan, MarketPlan
from oracle.publication import Hold, HoldReason, Stalled, Suspend

_CLOSED = {HoldReason.GUARDIAN: "guardian", HoldReason.OPERATOR: "operator"}


class FeedWatch:
    """The feeder's troubles as messages in the outbox, each once.

    Args:
        pins: the registration block that each market means.
        opened: the store that the outbox is in.
    """

    def __init__(self, *, pins: Pins, opened: Callable[[], Awaitable[Database]]) -> None:
        self._pins = pins
        self._episodes = Episodes(opened)

    async def look(self, outcome: FeedOutcome) -> None:
        """Adds to the outbox what is not in it yet; see `Episodes.tell`."""
        plan = outcome.plan
        if isinstance(plan, FeedPlan):
            found = troubles(plan, self._pins)
            await self._episodes.tell(found, plan.head.number, plan.head.time)


def watching(
    pins: Pins, source: Sources, opened: Callable[[], Awaitable[Database]]
) -> Callable[[FeedOutcome], Awaitable[None]]:
    """Everything that watches the feeder's steps, as one."""
    feed, sources = FeedWatch(pins=pins, opened=opened), SourceWatch(source=source, opened=opened)
    markets = MarketWatch(opened=opened)

    async def look(outcome: FeedOutcome) -> None:
        await feed.look(outcome)
        await markets.look(outcome)
        await sources.look(outcome)

    return look


def troubles(plan: FeedPlan, pins: Pins) -> Iterator[Trouble]:
    """What of a plan needs a human."""
    stalls = [each.known.blocks for each in plan.markets if isinstance(each.known, Stalled)]
    if stalls:
        yield _stall(plan, max(stalls))
    if plan.unfinal_blocks is not None and plan.source is not None:
        yield _unfinal(
            plan.head.number - plan.unfinal_blocks, plan.head.number - plan.source.number
        )
    for market in plan.markets:
        if _is_of_another_subnet(market):
            yield _identity(market, pins)
        elif isinstance(market.decision, Hold) and market.decision.reason in _CLOSED:
            yield _closed(market, market.decision.reason)


def _is_of_another_subnet(market: MarketPlan) -> bool:
    match market.decision:
        case Suspend(reason=SuspensionReason.IDENTITY) | Hold(reason=HoldReason.IDENTITY):
            return True
        case _:
            return False


def _stall(plan: FeedPlan, blocks: int) -> Trouble:
    since = plan.head.number - blocks
    said = f" ({plan.alerts[0]})" if plan.alerts else ""
    return Trouble(
        id=f"feed-stall-{since}",
        severity="page",
        title="No price can be read",
        body=f"Nothing finalized was read of Subtensor since block {since}{said}: every market is"
        " suspended until it is. See: keepers doctor",
    )


def _unfinal(since: int, depth: int) -> Trouble:
    return Trouble(
        id=f"feed-unfinal-{since}",
        severity="page",
        title="Finality stands: prices are of blocks that may still be replaced",
        body=f"Nothing was finalized since block {since}. As oracle.buried_blocks allows, prices"
        f" are read {depth} blocks below the head until something is. See: keepers doctor",
    )


def _identity(market: MarketPlan, pins: Pins) -> Trouble:
    """Of one pin there is one such event: a subnet that was handed on does not come back."""
    pin = pins.get(market.netuid)
    return Trouble(
        id=f"feed-identity-{market.netuid}-{pin}",
        severity="page",
        title=f"Market {market.netuid} is not the subnet that is pinned",
        body=f"{_why(market)}; pinned is the registration at block {pin}. No price of it is"
        " published. See: keepers oracle pins; only the admin opens the market again",
    )


def _closed(market: MarketPlan, reason: HoldReason) -> Trouble:
    who = _CLOSED[reason]
    return Trouble(
        id=f"feed-{who}-{market.netuid}-{market.row.suspended_at}",
        severity="notify",
        title=f"Market {market.netuid} was suspended by the {who}",
        body=f"Market {market.netuid} is closed since block {market.row.suspended_at}: {reason}",
    )


def _why(market: MarketPlan) -> str:
    decision = market.decision
    return decision.detail if isinstance(decision, Suspend) else "It is suspended for its identity"
