"""What is known and what is published, as the tests of `decide` like them."""

from dataclasses import replace

from oracle.due import PublicationPolicy
from oracle.feed import (
    FeedRowView,
    MarketFeed,
    PendingPush,
    PendingSuspension,
    SuspensionReason,
    Update,
)
from oracle.guard import Accept, Jump, Reference, Side, Withhold
from oracle.publication import Decision, Knowledge, decide
from oracle.quotes import NoPrice, NoPriceReason, Price
from tests.unit.oracle.simulated import SN, head, time_of
from units import BlockNumber, PriceWei, Rao

POLICY = PublicationPolicy()
HEAD = head(1_000)
PUBLISHED = 10**9
ROW = FeedRowView(
    price=PriceWei(PUBLISHED * 10**9),
    source_block=BlockNumber(990),
    source_time=time_of(990),
    landed_time=time_of(992),
    suspended_at=BlockNumber(0),
    suspension=SuspensionReason.NONE,
)


def accepted(rao: int = PUBLISHED, block: int = 998) -> Accept:
    return Accept(
        price=Price(netuid=SN, rao=Rao(rao), block=BlockNumber(block), time=time_of(block))
    )


def held(rao: int = 2 * PUBLISHED) -> Withhold:
    jump = Jump(
        side=Side.ABOVE,
        since=BlockNumber(996),
        last=Reference(price=PriceWei(rao * 10**9), block=BlockNumber(998)),
        count=3,
    )
    reference = Reference(price=ROW.price, block=BlockNumber(995))
    return Withhold(price=accepted(rao).price, reference=reference, jump=jump)


def no_price(reason: NoPriceReason) -> NoPrice:
    return NoPrice(netuid=SN, reason=reason)


def suspended(reason: SuspensionReason, at: int = 995) -> FeedRowView:
    return replace(ROW, suspension=reason, suspended_at=BlockNumber(at))


def decided(known: Knowledge, market: MarketFeed | FeedRowView = ROW) -> Decision:
    market = market if isinstance(market, MarketFeed) else MarketFeed(row=market)
    return decide(known, market, HEAD, POLICY)


def push_in_flight(
    rao: int, *, block: int = 997, sent_at: int = 999, row: FeedRowView = ROW
) -> MarketFeed:
    update = Update(
        netuid=SN,
        price=PriceWei(rao * 10**9),
        source_block=BlockNumber(block),
        source_time=time_of(block),
    )
    return MarketFeed(row=row, push=PendingPush(update=update, sent_at=head(sent_at)))


def suspension_in_flight(
    reason: SuspensionReason, *, sent_at: int = 999, row: FeedRowView = ROW
) -> MarketFeed:
    return MarketFeed(row=row, suspension=PendingSuspension(reason=reason, sent_at=head(sent_at)))


def reason_of(decision: Decision) -> object:
    return decision.reason
