"""How one event changes positions and markets; an event that cannot follow is refused.

A `Draft` overlays a book it does not touch and collects what is replaced. Positions stand in it as
records, and their events are folded as moves: what comes as a value is made one. Pure.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from keepers.liquidation.margin import project_index
from keepers.liquidation.moves import OPENED, REMOVED, Move, PositionEvent, move_of
from keepers.liquidation.packing import (
    AMOUNT_BYTES,
    BUCKET,
    ENTRY_PRICE,
    ID_BYTES,
    SEQUENCE,
    SEQUENCE_BYTES,
    SIZE,
    STAKE,
    UnrepresentableError,
    bucket_bytes,
    side_of,
)
from keepers.liquidation.positions import (
    BookEvent,
    FeedRow,
    FundingAccrued,
    Market,
    MarketResumed,
    MarketSuspended,
    ParametersChanged,
    PositionOpened,
    PricePushed,
)
from keepers.liquidation.versions import Positions
from units import BlockNumber, Netuid, Wei

NOT_SUSPENDED = 0
Lookup = Callable[[bytes], bytes | None]
"""The record of a position in the book below."""

_NOTHING = bytes(AMOUNT_BYTES)
from_bytes = int.from_bytes


class InconsistentEventsError(Exception):
    """An event that cannot follow this book: something was missed. The cure is a snapshot."""


class _Interest(dict[bytes, int]):
    """Open interest by bucket, newer than the markets' own where it was asked for."""

    def __init__(self, held: Callable[[Netuid], Market]) -> None:
        super().__init__()
        self._held = held

    def __missing__(self, bucket: bytes) -> int:
        netuid, is_long = side_of(bucket)
        market = self._held(netuid)
        return market.long_open_interest if is_long else market.short_open_interest


class Draft:
    """Changes on top of a book's positions and markets; None stands for an entry taken out."""

    def __init__(self, positions: Positions, markets: Mapping[Netuid, Market]) -> None:
        self._positions = positions
        self._markets = dict(markets)
        self._changed: dict[Netuid, Market] = {}
        self._interest = _Interest(self._held)
        self._replaced: set[bytes] = set()  # whom the book below holds
        self._absent: set[bytes] = set()  # whom it surely does not hold
        self.records: dict[bytes, bytes | None] = {}

    @property
    def markets(self) -> Mapping[Netuid, Market]:
        """Markets that are not what they were."""
        for netuid in {side_of(bucket)[0] for bucket in self._interest}:
            self._market(netuid)
        return self._changed

    def foresee(self, events: Iterable[BookEvent | Move]) -> None:
        """Looks up at once, for speed alone, who is opened by events that are to be taken next."""
        opened = [each[1] for each in events if isinstance(each, tuple) and each[0] == OPENED]
        self._absent = self._positions.table.absent(opened)

    def take(self, events: Iterable[BookEvent | Move]) -> None:
        """Takes events in, one after the other.

        Raises:
            InconsistentEventsError: one cannot follow what the book then holds.
        """
        lookup = self._positions.table.get  # nobody asks for another version meanwhile
        for event in events:
            if not isinstance(event, tuple):
                self._apply(event, lookup)
            elif event[0] == OPENED:
                self._open(event, lookup)
            else:
                self._change(event, lookup)

    def _apply(self, event: BookEvent, lookup: Lookup) -> None:
        match event:
            case FundingAccrued():
                self._accrue(event)
            case PricePushed() | MarketSuspended() | MarketResumed():
                self._feed(event)
            case ParametersChanged(netuid=netuid):
                raise InconsistentEventsError(f"market {netuid} has new parameters to read")
            case PositionOpened():
                self._open(_move_of(event), lookup)
            case _:
                self._change(_move_of(event), lookup)

    def _open(self, move: Move, lookup: Lookup) -> None:
        _, position_id, record = move
        records = self.records
        if position_id in records:
            before = records[position_id]
        else:
            before = None if position_id in self._absent else lookup(position_id)
        if before is not None:
            raise InconsistentEventsError(f"{_name(move)} was opened while open")
        self._interest[record[BUCKET]] += _substance(record)
        records[position_id] = record

    def _change(self, move: Move, lookup: Lookup) -> None:
        kind, position_id, body = move
        records = self.records
        if position_id in records:
            before = records[position_id]
        else:
            before = lookup(position_id)
            self._replaced.add(position_id)
        if before is None or body[:SEQUENCE_BYTES] != before[SEQUENCE]:
            raise InconsistentEventsError(f"{_name(move)} is not in the book")
        self._conceal(before)
        if kind != REMOVED:
            records[position_id] = after = _changed_to(before, body)
            self._interest[after[BUCKET]] += _substance(after)
        elif position_id in self._replaced:
            records[position_id] = None
        else:  # who came and went in between has not to be taken out
            del records[position_id]

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

    def _conceal(self, record: bytes) -> None:
        """Takes a position out of the open interest of its side."""
        bucket = record[BUCKET]
        left = self._interest[bucket] - from_bytes(record[SIZE], "little")
        if left < 0:
            netuid, is_long = side_of(bucket)
            name = "long" if is_long else "short"
            raise InconsistentEventsError(f"market {netuid} would have {name} open interest {left}")
        self._interest[bucket] = left

    def _held(self, netuid: Netuid) -> Market:
        market = self._markets.get(netuid)
        if market is None:
            raise InconsistentEventsError(f"market {netuid} is not in the book")
        return market

    def _market(self, netuid: Netuid) -> Market:
        """The market with its open interest as it is now."""
        market = self._held(netuid)
        long = self._interest.pop(bucket_bytes(netuid, is_long=True), None)
        short = self._interest.pop(bucket_bytes(netuid, is_long=False), None)
        if long is None and short is None:
            return market
        return self._put(
            replace(
                market,
                long_open_interest=market.long_open_interest if long is None else Wei(long),
                short_open_interest=market.short_open_interest if short is None else Wei(short),
            )
        )

    def _put(self, market: Market) -> Market:
        self._markets[market.netuid] = self._changed[market.netuid] = market
        return market


def require_sound(records: NDArray[np.uint8], markets: Mapping[Netuid, Market]) -> None:
    """Refuses records, a row each, that no exchange with these markets holds.

    Raises:
        InconsistentEventsError: a size or entry price is 0, or a market is not listed.
    """
    is_sound = records[:, SIZE].any(axis=1) & records[:, ENTRY_PRICE].any(axis=1)
    for row in np.flatnonzero(~is_sound).tolist():
        _substance(records[row].tobytes())
    for bucket in {*map(bytes, records[:, BUCKET])}:
        netuid, _ = side_of(bucket)
        if netuid not in markets:
            raise InconsistentEventsError(f"a position is in market {netuid}, not listed")


def _substance(record: bytes) -> int:
    """The size of a record that arithmetic takes.

    Raises:
        InconsistentEventsError: size or entry price is 0.
    """
    size = from_bytes(record[SIZE], "little")
    if not size or record[ENTRY_PRICE] == _NOTHING:
        name = _name((OPENED, record[:ID_BYTES], record))
        raise InconsistentEventsError(f"{name} has no size, or no entry price")
    return size


def _changed_to(record: bytes, body: bytes) -> bytes:
    """The record with the margin and size of a move of kind `CHANGED`."""
    return record[: STAKE.start] + body[SEQUENCE_BYTES:] + record[STAKE.stop :]


def _move_of(event: PositionEvent) -> Move:
    try:
        return move_of(event)
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


def _name(move: Move) -> str:
    kind, position_id, body = move
    sequence = body[SEQUENCE] if kind == OPENED else body[:SEQUENCE_BYTES]
    return f"position 0x{position_id.hex()} #{int.from_bytes(sequence, 'little')}"
