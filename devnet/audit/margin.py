"""The exchange's arithmetic, written a second time for the referee. Pure, exact integers.

Source of the formulas: the design of the reference exchange, "Arithmetic". Rounding: pnl and the
funding index down, funding owed up, ratio and penalty down.
"""

from dataclasses import dataclass

from units import (
    BPS_ONE,
    ONE,
    Bps,
    FundingIndex,
    Netuid,
    PositionId,
    PriceWei,
    Seconds,
    Sequence,
    Timestamp,
    Wei,
)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class HoldingKey:
    """One position for ever: an id is used again, an id with its sequence is not."""

    id: PositionId
    sequence: Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """An open position. `size` is its notional at entry."""

    key: HoldingKey
    trader: str
    netuid: Netuid
    is_long: bool
    margin: Wei
    size: Wei
    entry_price: PriceWei
    entry_index: FundingIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the admin has set a market to. `funding_rate_max` is scaled by 1e18, an interval.

    `trading_age` and `liquidation_age` are the oldest prices that these may be done at.
    """

    maintenance: Bps
    penalty: Bps
    keeper_share: Bps
    funding_rate_max: int
    funding_interval: Seconds
    funding_cap: Seconds
    trading_age: Seconds
    liquidation_age: Seconds


def profit(holding: Holding, price: PriceWei) -> int:
    """Wei gained (negative: lost) by closing at `price`, rounded down."""
    move = price - holding.entry_price
    gained = holding.size * move if holding.is_long else -holding.size * move
    return gained // holding.entry_price


def funding_owed(holding: Holding, index: FundingIndex, size: int | None = None) -> int:
    """Wei that `size` of the holding (default: all) owes at `index`, rounded up."""
    rise = index - holding.entry_index
    charged = size if size is not None else holding.size
    signed = charged * rise if holding.is_long else -charged * rise
    quotient, rest = divmod(signed, ONE)
    return quotient + (rest > 0)


def remaining(holding: Holding, price: PriceWei, index: FundingIndex) -> int:
    """Margin left in wei after profit and funding; may be negative."""
    return holding.margin + profit(holding, price) - funding_owed(holding, index)


def is_below(left: int, size: int, terms: Terms) -> bool:
    """Whether `left` wei of margin on `size` are below maintenance."""
    return left * BPS_ONE < size * terms.maintenance


def penalty_of(left: int, terms: Terms) -> int:
    """What a liquidation takes of `left`, rounded down; nothing of a debt."""
    return max(left, 0) * terms.penalty // BPS_ONE


def index_after(
    *,
    index: FundingIndex,
    since: Timestamp,
    now: Timestamp,
    long: Wei,
    short: Wei,
    terms: Terms,
) -> FundingIndex:
    """The funding index at `now`, when it stood at `index` at `since` with this open interest."""
    total = long + short
    if total == 0:
        return index
    elapsed = min(now - since, terms.funding_cap)
    step = (long - short) * terms.funding_rate_max * elapsed // (total * terms.funding_interval)
    return FundingIndex(index + step)
