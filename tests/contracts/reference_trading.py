"""The reference's positions: opened, closed and liquidated. See reference.py."""

from fractions import Fraction
from math import ceil

from tests.contracts.reference import BPS, Position, Reference, RefusedError
from tests.contracts.world import TAO

LIQUIDATED, HEALTHY, CLOSED, STALE, SUSPENDED = range(5)


def open_position(
    reference: Reference,
    trader: str,
    netuid: int,
    *,
    is_long: bool,
    margin: int,
    leverage: int,
    slippage: int,
) -> None:
    state, market = reference, reference.markets[netuid]
    p = market.parameters
    _require_opening_allowed(state)
    if not TAO <= leverage <= p.leverage_max:
        raise RefusedError("LeverageOutOfRange")
    size = margin * leverage // TAO
    if size < p.notional_min:
        raise RefusedError("BelowNotionalMin")
    if (trader, netuid) in state.positions:
        raise RefusedError("PositionExists")
    state.accrue(netuid)
    feed = state.trading_price(netuid)
    fill = state.fill(netuid, buying=is_long, feed=feed)
    if abs(fill - feed) * BPS > feed * slippage:
        raise RefusedError("SlippageExceeded")
    fee = ceil(Fraction(size * p.open_fee, BPS))
    if state.free[trader] < margin + fee:
        raise RefusedError("InsufficientBalance")
    state.free[trader] -= margin + fee
    state.receive(fee)
    before = market.exposure
    _move(state, netuid, is_long=is_long, change=size)
    _require_within_limits(state, netuid, before)
    position = Position(
        is_long=is_long,
        margin=margin,
        size=size,
        entry=fill,
        index=market.index,
        block=state.block,
    )
    state.positions[trader, netuid] = position
    if (margin + position.pnl(size, feed)) * BPS < size * p.maintenance:
        raise RefusedError("WouldBeLiquidatable")


def close_position(reference: Reference, trader: str, netuid: int, size: int) -> None:
    state, market = reference, reference.markets[netuid]
    position = state.positions.get((trader, netuid))
    if position is None:
        raise RefusedError("NoPosition")
    if position.block == state.block:
        raise RefusedError("SameBlock")
    size = size or position.size
    if size > position.size:
        raise RefusedError("SizeTooLarge")
    if 0 < position.size - size < market.parameters.notional_min:
        raise RefusedError("BelowNotionalMin")
    state.accrue(netuid)
    price = state.fill(netuid, buying=not position.is_long, feed=state.trading_price(netuid))
    margin = position.margin * size // position.size
    funding = position.funding(size, market.index)
    remaining = margin + position.pnl(size, price) - funding
    if remaining < 0 and size < position.size:
        raise RefusedError("WorthLessThanNothing")
    fee = min(ceil(Fraction(size * market.parameters.close_fee, BPS)), max(remaining, 0))
    _release(state, (trader, netuid), margin, size, funding)
    paid = state.settle(trader, margin, remaining - fee)
    state.book_bad_debt(remaining)
    state.free[trader] += paid


def liquidate(reference: Reference, trader: str, netuid: int, beneficiary: str) -> int:
    """The outcome, as the contract numbers it."""
    state, market = reference, reference.markets[netuid]
    p, feed = market.parameters, reference.feeds[netuid]
    position = state.positions.get((trader, netuid))
    if position is None:
        return CLOSED
    if feed.suspended:
        return SUSPENDED
    if feed.price == 0 or state.now - feed.time > p.liquidation_age_max:
        return STALE
    index = market.index + market.step(state.now - market.last)
    funding = position.funding(position.size, index)
    remaining = position.margin + position.pnl(position.size, feed.price) - funding
    if Fraction(remaining, position.size) >= Fraction(p.maintenance, BPS):
        return HEALTHY
    state.accrue(netuid)
    margin = position.margin
    _release(state, (trader, netuid), margin, position.size, funding)
    paid = state.settle(trader, margin, remaining)
    state.book_bad_debt(remaining)
    penalty = max(remaining, 0) * p.penalty // BPS
    share = penalty * p.keeper_share // BPS
    state.rewards[beneficiary] += share
    state.insurance += penalty - share
    state.free[trader] += paid - penalty
    return LIQUIDATED


def _require_opening_allowed(state: Reference) -> None:
    tolerated = Fraction(state.reserves * state.limits.bad_debt_pause, BPS)
    if state.paused or state.reaches(state.limits.breaker) or state.bad_debt > tolerated:
        raise RefusedError("OpeningIsPaused")


def _require_within_limits(state: Reference, netuid: int, before: int) -> None:
    market = state.markets[netuid]
    if market.exposure <= before:
        return
    if market.exposure > Fraction(state.reserves * market.parameters.exposure_max, BPS):
        raise RefusedError("ExposureExceeded")
    if state.exposure() > Fraction(state.reserves * state.limits.utilisation_max, BPS):
        raise RefusedError("UtilisationExceeded")


def _move(state: Reference, netuid: int, *, is_long: bool, change: int) -> None:
    market = state.markets[netuid]
    if is_long:
        market.long += change
    else:
        market.short += change


def _release(state: Reference, key: tuple[str, int], margin: int, size: int, funding: int) -> None:
    position = state.positions[key]
    _move(state, key[1], is_long=position.is_long, change=-size)
    position.margin -= margin
    position.size -= size
    if position.size == 0:
        del state.positions[key]
    state.funding_ledger += funding
    state.funding_debits += max(funding, 0)
    state.funding_credits += max(-funding, 0)
