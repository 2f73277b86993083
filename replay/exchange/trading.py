"""The traders' surface. What is asked for is judged first and done afterwards.

A quote changes nothing, so it serves as the preflight call of a careful trader as well; quotes
check in the contract's order.
"""

from dataclasses import dataclass, replace
from functools import cache

from eth_utils.crypto import keccak

from keepers.liquidation.margin import (
    funding_owed,
    is_liquidatable,
    profit,
    project_index,
)
from keepers.liquidation.positions import (
    Market,
    Position,
    PositionChanged,
    PositionClosed,
    PositionKey,
    PositionOpened,
)
from replay.exchange.prices import ceiled_bps, trade_prices
from replay.exchange.refusals import Reason, Refusal
from replay.exchange.state import Exchange, Moment, exposure_of
from units import BPS_ONE, ONE, Netuid, PositionId, PriceWei, Sequence, Wei

POSITIONS_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An opening that is wished for; `leverage` is scaled by 1e18."""

    trader: bytes
    netuid: Netuid
    is_long: bool
    margin: Wei
    leverage: int
    slippage_bps_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """An opening as it would be done."""

    position: Position
    fee: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """A close as it would be done; `size` of the position, at `price`."""

    position: Position
    size: int
    margin: int
    price: PriceWei
    profit: int
    funding: int
    fee: int

    @property
    def worth(self) -> int:
        """What is left of the part that is closed, before the fee."""
        return self.margin + self.profit - self.funding


@cache
def position_id(trader: bytes, netuid: Netuid) -> PositionId:
    """bytes16(keccak256(abi.encode(trader, market)))."""
    return PositionId(keccak(bytes(12) + trader + netuid.to_bytes(32, "big"))[:16])


def quote_opening(exchange: Exchange, order: Order, at: Moment) -> Opening | Refusal:
    """How an order would be filled in the block `at`, or why not."""
    refused = _refused_order(exchange, order)
    if refused is not None:
        return refused
    prices = trade_prices(exchange, order.netuid, at.time, is_buying=order.is_long)
    if isinstance(prices, Refusal):
        return prices
    if prices.slippage_bps() > order.slippage_bps_max:
        return Refusal(Reason.SLIPPAGE)
    opening = _opening(exchange, order, prices.fill, at)
    return _refused_opening(exchange, opening, prices.feed) or opening


def open_position(exchange: Exchange, order: Order, at: Moment) -> Opening | Refusal:
    """Fills an order, or refuses it."""
    opening = quote_opening(exchange, order, at)
    if isinstance(opening, Refusal):
        return opening
    position = opening.position
    exchange.accrue(position.netuid, at.time)
    exchange.credit(position.holder, -position.margin - opening.fee)
    exchange.lock(position.holder, position.margin)
    exchange.vault.receive(opening.fee)
    exchange.move_open_interest(position.netuid, position.size, is_long=position.is_long)
    exchange.accounts[position.holder].positions += 1
    exchange.openings[position.key.id] += 1
    exchange.opened_in[position.key.id] = at.number
    exchange.positions[position.key.id] = position
    exchange.events.append(PositionOpened(position=position))
    return opening


def quote_closing(
    exchange: Exchange, trader: bytes, netuid: Netuid, size: int, at: Moment
) -> Closing | Refusal:
    """What closing `size` (0 = all) would come to in the block `at`, or why it is refused."""
    position = exchange.positions.get(position_id(trader, netuid))
    if position is None:
        return Refusal(Reason.NO_POSITION)
    refused = _refused_part(exchange, position, size, at)
    if refused is not None:
        return refused
    prices = trade_prices(exchange, netuid, at.time, is_buying=not position.is_long)
    if isinstance(prices, Refusal):
        return prices
    closing = _closing(exchange, position, size or position.size, prices.fill, at)
    is_whole = closing.size == position.size
    return closing if is_whole or closing.worth >= 0 else Refusal(Reason.WORTHLESS)


def close_position(
    exchange: Exchange, trader: bytes, netuid: Netuid, size: int, at: Moment
) -> Closing | Refusal:
    """Closes `size` of a position (0 = all), or refuses."""
    closing = quote_closing(exchange, trader, netuid, size, at)
    if isinstance(closing, Refusal):
        return closing
    exchange.accrue(netuid, at.time)
    release(exchange, closing.position, closing.margin, closing.size)
    exchange.vault.funding += closing.funding
    settled = exchange.vault.settle(closing.margin, closing.worth - closing.fee)
    exchange.vault.book_bad_debt(closing.worth)
    exchange.credit(trader, settled.paid)
    exchange.vault.book_claim(trader, settled.claimed)
    _shrink(exchange, closing)
    return closing


def release(exchange: Exchange, position: Position, margin: int, size: int) -> None:
    """Takes a part of a position, or all, out of the accounts and the open interest."""
    exchange.lock(position.holder, -margin)
    exchange.move_open_interest(position.netuid, -size, is_long=position.is_long)


def remove(exchange: Exchange, position: Position) -> None:
    """The position is no more."""
    del exchange.positions[position.key.id]
    exchange.accounts[position.holder].positions -= 1


def _shrink(exchange: Exchange, closing: Closing) -> None:
    position = closing.position
    if closing.size == position.size:
        exchange.events.append(PositionClosed(key=position.key))
        remove(exchange, position)
        return
    margin, size = Wei(position.margin - closing.margin), Wei(position.size - closing.size)
    exchange.positions[position.key.id] = replace(position, margin=margin, size=size)
    exchange.events.append(PositionChanged(key=position.key, margin=margin, size=size))


def _closing(
    exchange: Exchange, position: Position, size: int, fill: PriceWei, at: Moment
) -> Closing:
    part = replace(position, size=Wei(size))
    index = project_index(exchange.markets[position.netuid], at.time)
    margin = position.margin * size // position.size
    gained, owed = profit(part, fill), funding_owed(part, index)
    fee = ceiled_bps(size, exchange.terms.close_fee_bps)
    return Closing(
        position=position,
        size=size,
        margin=margin,
        price=fill,
        profit=gained,
        funding=owed,
        fee=min(fee, max(margin + gained - owed, 0)),
    )


def _refused_order(exchange: Exchange, order: Order) -> Refusal | None:
    """What can be judged before there is a price."""
    terms, size = exchange.terms, order.margin * order.leverage // ONE
    rules = (
        (order.netuid not in exchange.markets, Reason.NOT_LISTED),
        (_is_opening_paused(exchange), Reason.OPENING_PAUSED),
        (not ONE <= order.leverage <= terms.leverage_max, Reason.LEVERAGE),
        (size < terms.notional_min, Reason.TOO_SMALL),
        (position_id(order.trader, order.netuid) in exchange.positions, Reason.EXISTS),
    )
    return next((Refusal(reason) for applies, reason in rules if applies), None)


def _refused_part(exchange: Exchange, position: Position, size: int, at: Moment) -> Refusal | None:
    rest = position.size - (size or position.size)
    rules = (
        (exchange.opened_in[position.key.id] == at.number, Reason.SAME_BLOCK),
        (rest < 0, Reason.TOO_LARGE),
        (0 < rest < exchange.terms.notional_min, Reason.TOO_SMALL),
    )
    return next((Refusal(reason) for applies, reason in rules if applies), None)


def _opening(exchange: Exchange, order: Order, fill: PriceWei, at: Moment) -> Opening:
    key, size = position_id(order.trader, order.netuid), order.margin * order.leverage // ONE
    position = Position(
        key=PositionKey(id=key, sequence=Sequence(exchange.openings[key] + 1)),
        holder=order.trader,
        netuid=order.netuid,
        is_long=order.is_long,
        margin=order.margin,
        size=Wei(size),
        entry_price=fill,
        entry_index=project_index(exchange.markets[order.netuid], at.time),
    )
    return Opening(position=position, fee=ceiled_bps(size, exchange.terms.open_fee_bps))


def _is_opening_paused(exchange: Exchange) -> bool:
    tolerated = exchange.vault.reserves * exchange.limits.bad_debt_pause_bps
    is_bad = exchange.vault.bad_debt * BPS_ONE > tolerated
    return is_bad or exchange.reaches(exchange.limits.breaker_bps)


def _refused_opening(exchange: Exchange, opening: Opening, feed: PriceWei) -> Refusal | None:
    """What can only be judged of the whole opening, in the contract's order."""
    position, account = opening.position, exchange.accounts[opening.position.holder]
    market = exchange.markets[position.netuid]
    if position.margin + opening.fee > account.free:
        return Refusal(Reason.BALANCE)
    refused = _beyond_limits(exchange, market, opening)
    if refused is not None:
        return refused
    if account.positions == POSITIONS_MAX:
        return Refusal(Reason.TOO_MANY)
    marked = position.margin + profit(position, feed)
    if is_liquidatable(position, market.parameters, marked):
        return Refusal(Reason.UNHEALTHY)
    return None


def _beyond_limits(exchange: Exchange, market: Market, opening: Opening) -> Refusal | None:
    """An opening that makes the vault less exposed always passes."""
    signed = opening.position.size if opening.position.is_long else -opening.position.size
    before = exposure_of(market)
    after = abs(market.long_open_interest - market.short_open_interest + signed)
    if after <= before:
        return None
    reserves = exchange.vault.reserves_after(opening.fee)
    if after * BPS_ONE > reserves * exchange.terms.exposure_max_bps:
        return Refusal(Reason.EXPOSURE)
    if (exchange.exposure + after - before) * BPS_ONE > (
        reserves * exchange.limits.utilisation_max_bps
    ):
        return Refusal(Reason.UTILISATION)
    return None
