"""Margin arithmetic in exact integers, equal to the contract's to the last wei.

Rounding, stated here once as the contract states it once: signed profit is floored, signed
funding owed is ceiled, ratio and penalty are floored. Python's `//` floors, and `-(-a // b)`
ceils, for either sign.

Pure. Knows positions, prices and indices; not where they come from, nor what is done about them.
"""

from keepers.liquidation.positions import Market, MarketParameters, Position
from units import BPS_ONE, ONE, Bps, FundingIndex, PriceWei, Timestamp, Wei


def project_index(market: Market, now: Timestamp) -> FundingIndex:
    """The funding index that an accrual at `now` would store.

    Time beyond the market's cap is forfeited, and time before the last accrual is none. One
    step, floored once: delta = (long − short) × rate × elapsed / ((long + short) × interval).
    """
    open_interest = market.long_open_interest + market.short_open_interest
    if open_interest == 0:
        return market.index
    parameters = market.parameters
    elapsed = min(max(now - market.last_accrual, 0), parameters.funding_cap)
    skew = market.long_open_interest - market.short_open_interest
    delta = (skew * parameters.funding_rate_max * elapsed) // (
        open_interest * parameters.funding_interval
    )
    return FundingIndex(market.index + delta)


def profit(position: Position, price: PriceWei) -> int:
    """Unrealised profit at `price`, in wei, signed: ±size × (price − entry) / entry, floored."""
    exposure = position.size if position.is_long else -position.size
    return (exposure * (price - position.entry_price)) // position.entry_price


def funding_owed(position: Position, index: FundingIndex) -> int:
    """Funding owed since entry, in wei, signed (+ is a debt): ±size × Δindex / 1e18, ceiled."""
    exposure = position.size if position.is_long else -position.size
    return -((-exposure * (index - position.entry_index)) // ONE)


def remaining_margin(position: Position, price: PriceWei, index: FundingIndex) -> int:
    """What would be left of the margin at `price` and `index`, in wei; negative is bad debt."""
    return position.margin + profit(position, price) - funding_owed(position, index)


def is_liquidatable(position: Position, parameters: MarketParameters, remaining: int) -> bool:
    """Whether `remaining` is below maintenance: cross-multiplied, never by a truncated ratio."""
    return remaining * BPS_ONE < position.size * parameters.maintenance


def ratio_bps(position: Position, remaining: int) -> Bps:
    """The margin ratio remaining / size in basis points, floored. For people; never decides."""
    return Bps(remaining * BPS_ONE // position.size)


def penalty(parameters: MarketParameters, remaining: int) -> Wei:
    """What a liquidation takes of the remaining margin; nothing of a debt."""
    return Wei(max(remaining, 0) * parameters.liquidation_penalty // BPS_ONE)


def keeper_share(parameters: MarketParameters, penalty_taken: Wei) -> Wei:
    """The part of the penalty that goes to the keeper; the rest goes to the insurance fund."""
    return Wei(penalty_taken * parameters.keeper_share // BPS_ONE)


def bad_debt(remaining: int) -> Wei:
    """What a liquidation at `remaining` would leave unpaid."""
    return Wei(max(-remaining, 0))


def liquidation_price(
    position: Position, parameters: MarketParameters, index: FundingIndex
) -> PriceWei | None:
    """The price nearest to solvency at which the position is liquidatable, exact.

    A long is liquidatable at every price up to the answer, a short at every price from it on.
    None for a long that is liquidatable at no positive price. It is the inverse of
    `is_liquidatable(remaining_margin(...))`, rounding included: with T the highest profit at
    which the position is liquidatable, floor(±S(P − E)/E) ≤ T ⇔ ±S(P − E) < (T + 1)E.
    """
    size, entry = position.size, position.entry_price
    liquidatable_remaining_max = -(-size * parameters.maintenance // BPS_ONE) - 1
    profit_max = liquidatable_remaining_max - position.margin + funding_owed(position, index)
    if position.is_long:
        price = -(-(size + profit_max + 1) * entry // size) - 1
        return PriceWei(price) if price > 0 else None
    return PriceWei(max((size - profit_max - 1) * entry // size + 1, 1))
