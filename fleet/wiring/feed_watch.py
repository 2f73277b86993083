"""Tells people what the feeder can't mend: another subnet, a stall, a market closed by others."""

from collections.abc import Awaitable, Callable, Iterator

from fleet.store.engine import Database
from fleet.wiring.market_watch import MarketWatch
from fleet.wiring.source_watch import Sources, SourceWatch
from fleet.wiring.troubles import Episodes, Trouble
from oracle.aggregation import Pins
from oracle.alpha import to_price_wei
from oracle.feed import SuspensionReason
from oracle.feeder import FeedOutcome
from oracle.guard import Accept, Reference, Withhold
from oracle.plan import FeedPlan, MarketPlan
from oracle.publication import Hold, HoldReason, Stalled, Suspend, describe_jump
from oracle.quotes import NoPrice, NoPriceReason, Price
from oracle.trail import Moved, TrailPolicy, followed
from units import BlockNumber, Netuid

_OF_ONE_MARKET = frozenset(
    {NoPriceReason.ZERO_PRICE, NoPriceReason.UNPRICED, NoPriceReason.NOT_DYNAMIC}
)

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
        self._trails: dict[Netuid, tuple[Reference, ...]] = {}
        self._moves: dict[Netuid, Moved] = {}
        self._priceless: dict[Netuid, BlockNumber] = {}

    async def look(self, outcome: FeedOutcome) -> None:
        """Adds to the outbox what is not in it yet; see `Episodes.tell`."""
        plan = outcome.plan
        if isinstance(plan, FeedPlan):
            self._follow(plan)
            found = (*troubles(plan, self._pins), *self._moved(), *self._without_price(plan))
            await self._episodes.tell(found, plan.head.number, plan.head.time)

    def _follow(self, plan: FeedPlan) -> None:
        for market in plan.markets:
            if isinstance(market.known, Accept):
                self._step(market.netuid, market.known.price)

    def _step(self, netuid: Netuid, price: Price) -> None:
        seen = Reference(price=to_price_wei(price.rao), block=price.block)
        trail, moved = followed(self._trails.get(netuid, ()), seen, TrailPolicy())
        self._trails[netuid] = trail
        if moved is None:
            self._moves.pop(netuid, None)
        else:
            self._moves.setdefault(netuid, moved)

    def _without_price(self, plan: FeedPlan) -> Iterator[Trouble]:
        """Markets that alone have none; what all of them lack is the sources' trouble."""
        found = {
            each.netuid: each.known.reason
            for each in plan.markets
            if isinstance(each.known, NoPrice) and each.known.reason in _OF_ONE_MARKET
        }
        self._priceless = {n: self._priceless.get(n, plan.head.number) for n in found}
        for netuid, reason in found.items():
            since = self._priceless[netuid]
            yield Trouble(
                id=f"feed-no-price-{netuid}-{since}",
                severity="notify",
                title=f"Market {netuid} has no price",
                body=f"Since block {since}: {reason}. The market is suspended until it has one",
            )

    def _moved(self) -> Iterator[Trouble]:
        for netuid, moved in self._moves.items():
            since = moved.since
            yield Trouble(
                id=f"feed-moved-{netuid}-{since.block}",
                severity="notify",
                title=f"Market {netuid} moved {moved.by / 100:+.2f} % within minutes",
                body=f"The accepted price of market {netuid} moved {moved.by:+d} bps since block"
                f" {since.block}. Was it pushed along? See: keepers oracle show",
            )


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
        if isinstance(market.known, Withhold):
            yield _jump(market.netuid, market.known)
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


def _jump(netuid: Netuid, held: Withhold) -> Trouble:
    return Trouble(
        id=f"feed-jump-{netuid}-{held.jump.since}",
        severity="inform",
        title=f"The price of market {netuid} jumped and is held",
        body=f"Market {netuid}: {describe_jump(held)}. It is suspended until a price has stood,"
        " wherever",
    )


def _identity(market: MarketPlan, pins: Pins) -> Trouble:
    """Of one pin there is one such event: a subnet that was handed on does not come back."""
    pin = pins.get(market.netuid)
    return Trouble(
        id=f"feed-identity-{market.netuid}-{pin}",
        severity="page",
        title=f"Market {market.netuid} is not the subnet that is pinned",
        body=f"{_why(market)}; pinned is the registration at block {pin}. No price of it is"
        " published. See: keepers oracle accept-pin; only the admin opens the market again",
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
