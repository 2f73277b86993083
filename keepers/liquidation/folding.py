"""How one event changes positions and markets; an event that cannot follow is refused.

A `Draft` overlays a book it does not touch and collects what is replaced. Pure.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

from keepers.liquidation.margin import project_index
from keepers.liquidation.packing import UnrepresentableError, packed
from keepers.liquidation.positions import (
    BookEvent,
    FeedRow,
    FundingAccrued,
    Market,
    MarketResumed,
    MarketSuspended,
    ParametersChanged,
    Position,
    PositionChanged,
    PositionClosed,
    PositionKey,
    PositionLiquidated,
    PositionOpened,
    PricePushed,
)
from units import BlockNumber, Netuid, PositionId, Wei

NOT_SUSPENDED = 0


class InconsistentEventsError(Exception):
    """An event that cannot follow this book: something was missed. The cure is a snapshot."""


class Draft:
    """Changes on top of a book's positions and markets; None stands for an entry taken out."""

    def __init__(
        self, positions: Mapping[PositionId, Position], markets: Mapping[Netuid, Market]
    ) -> None:
        self._positions = positions
        self._markets = dict(markets)
        self._changed: dict[Netuid, Market] = {}
        self._interest: dict[Netuid, list[int]] = {}  # long and short, newer than the market's own
        self.positions: dict[PositionId, Position | None] = {}

    @property
    def markets(self) -> Mapping[Netuid, Market]:
        """Markets that are not what they were."""
        for netuid in tuple(self._interest):
            self._market(netuid)
        return self._changed

    def apply(self, event: BookEvent) -> None:
        """Take one event in.

        Raises:
            InconsistentEventsError: it cannot follow what the book holds.
        """
        match event:
            case PositionOpened(position=position):
                self._open(position)
            case PositionChanged():
                self._change(event)
            case PositionClosed(key=key) | PositionLiquidated(key=key):
                self._remove(key)
            case FundingAccrued():
                self._accrue(event)
            case PricePushed() | MarketSuspended() | MarketResumed():
                self._feed(event)
            case ParametersChanged(netuid=netuid):
                raise InconsistentEventsError(f"market {netuid} has new parameters to read")
            case _:
                assert_never(event)

    def _open(self, position: Position) -> None:
        if self._position(position.key.id) is not None:
            raise InconsistentEventsError(f"{_name(position.key)} was opened while open")
        require_sound(position)
        self._exposure(position.netuid, position.is_long, position.size)
        self.positions[position.key.id] = position

    def _change(self, event: PositionChanged) -> None:
        before = self._held(event.key)
        after = replace(before, margin=event.margin, size=event.size)
        require_sound(after)
        self._exposure(before.netuid, before.is_long, event.size - before.size)
        self.positions[event.key.id] = after

    def _remove(self, key: PositionKey) -> None:
        position = self._held(key)
        self._exposure(position.netuid, position.is_long, -position.size)
        self.positions[key.id] = None

    def _accrue(self, event: FundingAccrued) -> None:
        """Moves the stored index, which the book must have foreseen from its open interest.

        An index that differs means that an opening, a close or an accrual was missed.
        """
        market = self._market(event.netuid)
        expected = project_index(market, event.until)
        if event.index != expected:
            raise InconsistentEventsError(
                f"market {event.netuid} accrued to index {event.index}, the book says {expected}"
            )
        self._put(replace(market, index=event.index, last_accrual=event.until))

    def _feed(self, event: PricePushed | MarketSuspended | MarketResumed) -> None:
        """Moves the feed's row. The feed may carry markets that the exchange does not list."""
        if event.netuid in self._markets:
            market = self._market(event.netuid)
            self._put(replace(market, feed=_feed_row(market.feed, event)))

    def _exposure(self, netuid: Netuid, is_long: bool, change: int) -> None:
        sides = self._interest.get(netuid)
        if sides is None:
            market = self._market(netuid)
            sides = [market.long_open_interest, market.short_open_interest]
            self._interest[netuid] = sides
        side = 0 if is_long else 1
        sides[side] += change
        if sides[side] < 0:
            name = "long" if is_long else "short"
            raise InconsistentEventsError(
                f"market {netuid} would have {name} open interest {sides[side]}"
            )

    def _position(self, position_id: PositionId) -> Position | None:
        if position_id in self.positions:
            return self.positions[position_id]
        return self._positions.get(position_id)

    def _held(self, key: PositionKey) -> Position:
        position = self._position(key.id)
        if position is None or position.key != key:
            raise InconsistentEventsError(f"{_name(key)} is not in the book")
        return position

    def _market(self, netuid: Netuid) -> Market:
        market = self._markets.get(netuid)
        if market is None:
            raise InconsistentEventsError(f"market {netuid} is not in the book")
        interest = self._interest.pop(netuid, None)
        if interest is None:
            return market
        long, short = interest
        return self._put(
            replace(market, long_open_interest=Wei(long), short_open_interest=Wei(short))
        )

    def _put(self, market: Market) -> Market:
        self._markets[market.netuid] = self._changed[market.netuid] = market
        return market


def require_sound(position: Position) -> None:
    """Refuses what no exchange holds and no arithmetic takes: an empty size, a number too wide.

    Raises:
        InconsistentEventsError: size or entry price is not positive, or a number does not fit.
    """
    if position.size <= 0 or position.entry_price <= 0:
        raise InconsistentEventsError(
            f"{_name(position.key)} has size {position.size}, entry price {position.entry_price}"
        )
    try:
        packed(position)
    except UnrepresentableError as error:
        raise InconsistentEventsError(str(error)) from error


def _feed_row(row: FeedRow, event: PricePushed | MarketSuspended | MarketResumed) -> FeedRow:
    match event:
        case PricePushed():
            return FeedRow(
                price=event.price,
                source_block=event.source_block,
                source_time=event.source_time,
                suspended_at=BlockNumber(0),
                suspension=NOT_SUSPENDED,
            )
        case MarketSuspended(at=at, suspension=suspension):
            return replace(row, suspended_at=at, suspension=suspension)
        case MarketResumed():
            return replace(row, suspended_at=BlockNumber(0), suspension=NOT_SUSPENDED)
        case _:
            assert_never(event)


def _name(key: PositionKey) -> str:
    return f"position 0x{key.id.hex()} #{key.sequence}"
