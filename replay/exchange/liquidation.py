"""Liquidation and accrual by keepers: in batches, never failing for one entry."""

from collections.abc import Iterable

from keepers.liquidation.margin import (
    funding_owed,
    is_liquidatable,
    keeper_share,
    penalty,
    project_index,
    remaining_margin,
)
from keepers.liquidation.outcomes import LiquidationSkipped, SkipReason
from keepers.liquidation.positions import Position, PositionLiquidated
from keepers.liquidation.standing import Terms, UnknownReason, feed_standing
from replay.exchange.state import Exchange, Moment
from replay.exchange.trading import release, remove
from units import Netuid, PositionId

Said = PositionLiquidated | LiquidationSkipped


def liquidate(exchange: Exchange, ids: Iterable[PositionId], at: Moment) -> tuple[Said, ...]:
    """Liquidates what is below maintenance at the feed price and the index of this block."""
    return tuple([_liquidate(exchange, each, at) for each in ids])


def accrue(exchange: Exchange, netuids: Iterable[Netuid], at: Moment) -> None:
    """Moves the index of these markets to this block."""
    for netuid in netuids:
        exchange.accrue(netuid, at.time)


def _liquidate(exchange: Exchange, position_id: PositionId, at: Moment) -> Said:
    position = exchange.positions.get(position_id)
    if position is None:
        return LiquidationSkipped(id=position_id, reason=SkipReason.CLOSED)
    market = exchange.markets[position.netuid]
    standing = feed_standing(market, at.time)
    if not isinstance(standing, Terms):
        return LiquidationSkipped(id=position_id, reason=_SKIPS[standing.reason])
    index = project_index(market, at.time)
    remaining = remaining_margin(position, standing.price, index)
    if not is_liquidatable(position, market.parameters, remaining):
        return LiquidationSkipped(id=position_id, reason=SkipReason.HEALTHY)
    exchange.accrue(position.netuid, at.time)
    return _taken(exchange, position, standing, remaining)


_SKIPS = {
    UnknownReason.SUSPENDED: SkipReason.SUSPENDED,
    UnknownReason.NEVER_PRICED: SkipReason.STALE,
    UnknownReason.STALE: SkipReason.STALE,
}


def _taken(exchange: Exchange, position: Position, at: Terms, remaining: int) -> Said:
    vault = exchange.vault
    release(exchange, position, position.margin, position.size)
    vault.funding += funding_owed(position, at.index)
    settled = vault.settle(position.margin, remaining)
    debt = vault.book_bad_debt(remaining)
    taken = penalty(at.parameters, remaining)
    share = keeper_share(at.parameters, taken)
    exchange.keeper_rewards += share
    vault.insurance += taken - share
    exchange.credit(position.holder, settled.paid - taken)
    vault.book_claim(position.holder, settled.claimed)
    remove(exchange, position)
    event = PositionLiquidated(
        key=position.key,
        trader=position.trader,
        netuid=position.netuid,
        price=at.price,
        index=at.index,
        remaining=remaining,
        penalty=taken,
        keeper_share=share,
        bad_debt=debt,
    )
    exchange.events.append(event)
    return event
