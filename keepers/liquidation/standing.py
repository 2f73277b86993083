"""At which price and index a market is judged, or why nothing can be said about its positions.

Mirrors the contract's refusals: a suspended market, a market without price and a price older
than the market's limit for liquidations are skipped on chain. Their positions are unknown here,
never healthy. Pure.
"""

from dataclasses import dataclass
from enum import StrEnum

from keepers.liquidation.margin import project_index
from keepers.liquidation.positions import FeedRow, Market, MarketParameters
from units import BlockNumber, FundingIndex, Netuid, PriceWei, Timestamp

SUSPENDED_BY_GUARDIAN = 1
SUSPENDED_FOR_IDENTITY = 2
ADMIN_CLEARED = frozenset({SUSPENDED_BY_GUARDIAN, SUSPENDED_FOR_IDENTITY})
"""Suspensions (PriceFeed.Suspension) that no push ends."""


class UnknownReason(StrEnum):
    """Why nothing is known about the positions of a market."""

    NEVER_PRICED = "the feed never had a price for the market"
    SUSPENDED = "the market is suspended"
    STALE = "the feed's price is too old to liquidate at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a position of the market is judged at."""

    netuid: Netuid
    price: PriceWei
    index: FundingIndex
    parameters: MarketParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """The positions of this market can't be judged."""

    netuid: Netuid
    reason: UnknownReason


Standing = Terms | Unknown


def feed_standing(market: Market, now: Timestamp) -> Standing:
    """Terms at the feed's price, in a block with timestamp `now`."""
    reason = _unknown(market.feed, market.parameters, now)
    if reason is not None:
        return Unknown(netuid=market.netuid, reason=reason)
    return _terms(market, market.feed.price, now)


def pushed_standing(
    market: Market, price: PriceWei, source_block: BlockNumber | None, now: Timestamp
) -> Standing:
    """Terms once `price` is pushed in a block with timestamp `now`.

    A push ends a suspension that is not the admin's to clear, unless its source block is older
    than the suspension; without a `source_block` it is taken to be new enough.
    """
    row = market.feed
    too_old = source_block is not None and source_block < row.suspended_at
    if row.suspension in ADMIN_CLEARED or (row.suspension and too_old):
        return Unknown(netuid=market.netuid, reason=UnknownReason.SUSPENDED)
    return _terms(market, price, now)


def sorting_terms(market: Market, now: Timestamp) -> Terms:
    """Terms in a block with timestamp `now`, of which only the index and the rules count."""
    return _terms(market, market.feed.price, now)


def _unknown(row: FeedRow, parameters: MarketParameters, now: Timestamp) -> UnknownReason | None:
    if row.suspension:
        return UnknownReason.SUSPENDED
    if row.price == 0:
        return UnknownReason.NEVER_PRICED
    if now - row.source_time > parameters.liquidation_price_age_max:
        return UnknownReason.STALE
    return None


def _terms(market: Market, price: PriceWei, now: Timestamp) -> Terms:
    return Terms(
        netuid=market.netuid,
        price=price,
        index=project_index(market, now),
        parameters=market.parameters,
    )
