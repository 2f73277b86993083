"""At what price one may trade now, and how much worse the fill is."""

from dataclasses import dataclass

from replay.exchange.refusals import Reason, Refusal
from replay.exchange.state import Exchange
from units import BPS_ONE, Netuid, PriceWei, Timestamp


def ceiled_bps(amount: int, bps: int) -> int:
    """`amount` × `bps` ÷ 10 000, ceiled: fees."""
    return -(-amount * bps // BPS_ONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradePrices:
    """The feed price, and what one would be filled at."""

    feed: PriceWei
    fill: PriceWei

    def slippage_bps(self) -> int:
        """How much worse the fill is than the feed price, ceiled."""
        return -(-abs(self.fill - self.feed) * BPS_ONE // self.feed)


def trade_prices(
    exchange: Exchange, netuid: Netuid, now: Timestamp, *, is_buying: bool
) -> TradePrices | Refusal:
    """What a trade of this market would be done at in a block at `now`, or why it can't be.

    The fill is the worse, for the trader, of feed and chain price, plus the slippage step.
    """
    row, chain = exchange.markets[netuid].feed, exchange.chain_prices.get(netuid, 0)
    if row.suspension:
        return Refusal(Reason.SUSPENDED)
    if row.price == 0 or now - row.source_time > exchange.terms.trading_age_s_max:
        return Refusal(Reason.STALE)
    if chain == 0:
        return Refusal(Reason.NO_CHAIN_PRICE)
    step = _slippage_step(exchange)
    if is_buying:
        fill = ceiled_bps(max(chain, row.price), BPS_ONE + step)
    else:
        fill = min(chain, row.price) * (BPS_ONE - step) // BPS_ONE
    return TradePrices(feed=row.price, fill=PriceWei(fill))


def _slippage_step(exchange: Exchange) -> int:
    limits = exchange.limits
    if exchange.reaches(limits.utilisation_high_bps):
        return limits.slippage_high_bps
    if exchange.reaches(limits.utilisation_medium_bps):
        return limits.slippage_medium_bps
    return limits.slippage_low_bps
