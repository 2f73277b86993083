"""How long a position may last: by funding alone, and by how much its price moves lately. Pure.

For people who have to choose whom to look at first. Nothing is decided by it, so floating point
will do; what is not known is left out, never guessed.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from keepers.liquidation.assessment import PositionRisk
from keepers.liquidation.positions import Market
from units import ONE, Netuid, PriceWei, Seconds, Timestamp

_MEMORY = Seconds(6 * 3_600)
"""Moves older than that count a third and less."""

_LEAST = Seconds(1_800)
"""Prices of less than that tell nothing about how much they move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """How much one market's price moved lately.

    `variance` is per second, of relative moves, weighted by exp(−age / 6 h); `seen` is how many
    seconds of prices it is made of.
    """

    price: PriceWei
    time: Timestamp
    variance: float = 0.0
    seen: Seconds = Seconds(0)


Volatility = Mapping[Netuid, Moves]
"""What is remembered of each market's prices; a restart begins anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Seconds until the liquidation price is reached.

    by_funding: at the price and the funding rate of now; None when funding does not lead there.
    by_moves: within which one standard deviation of recent moves reaches it; None when prices
        were not seen for long enough, or did not move.
    """

    by_funding: Seconds | None = None
    by_moves: Seconds | None = None


UNKNOWN = Outlook()
"""Nothing can be said."""


def noted(before: Volatility, markets: Mapping[Netuid, Market], now: Timestamp) -> Volatility:
    """The memory after the prices of one block; a market without a price is forgotten."""
    priced = {n: market.feed.price for n, market in markets.items() if _has_price(market)}
    return {netuid: _moved(before.get(netuid), price, now) for netuid, price in priced.items()}


def outlook(risk: PositionRisk, market: Market, moves: Moves | None) -> Outlook:
    """How long a position above maintenance may last; nothing is known of an unknown one."""
    reached, price = risk.liquidation_price, market.feed.price
    if risk.unknown is not None or reached is None or not _has_price(market):
        return UNKNOWN
    distance = price - reached if risk.position.is_long else reached - price
    if distance <= 0:
        return UNKNOWN
    return Outlook(
        by_funding=_by_funding(distance, risk, market),
        by_moves=None if moves is None else _by_moves(distance / price, moves),
    )


def _has_price(market: Market) -> bool:
    return market.feed.price > 0 and not market.feed.suspension


def _moved(before: Moves | None, price: PriceWei, now: Timestamp) -> Moves:
    if before is None:
        return Moves(price=price, time=now)
    elapsed = now - before.time
    if elapsed <= 0:  # the same block again, or one that replaced it
        return replace(before, price=price)
    kept = math.exp(-elapsed / _MEMORY)
    move = price / before.price - 1
    return Moves(
        price=price,
        time=now,
        variance=kept * before.variance + (1 - kept) * move * move / elapsed,
        seen=Seconds(min(before.seen + elapsed, 10 * _MEMORY)),
    )


def _by_funding(distance: int, risk: PositionRisk, market: Market) -> Seconds | None:
    """Liquidation prices are lines in the index with slope = entry price (exchange.md)."""
    rate = funding_rate(market)
    paid = rate if risk.position.is_long else -rate
    if paid <= 0:
        return None
    return Seconds(round(distance * ONE / (risk.position.entry_price * paid)))


def funding_rate(market: Market) -> float:
    """What the index gains in a second, scaled by 1e18; positive when longs pay."""
    longs, shorts = market.long_open_interest, market.short_open_interest
    if longs + shorts == 0:
        return 0.0
    parameters = market.parameters
    skew = (longs - shorts) / (longs + shorts)
    return skew * parameters.funding_rate_max / parameters.funding_interval


def _by_moves(distance: float, moves: Moves) -> Seconds | None:
    """σ√t = distance. The variance of so few seconds is made up for what it lacks."""
    if moves.seen < _LEAST or moves.variance <= 0:
        return None
    full = moves.variance / (1 - math.exp(-moves.seen / _MEMORY))
    return Seconds(round(distance * distance / full))
