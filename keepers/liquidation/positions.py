"""Positions, markets and the events that change them, as the keepers see them.

Pure values. `protocol/events.py` makes them from logs, `book.py` folds them.
"""

from collections import abc
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from eth_utils.address import to_checksum_address

from units import (
    Address,
    BlockHash,
    BlockNumber,
    Bps,
    FundingIndex,
    Head,
    Netuid,
    PositionId,
    PriceWei,
    Seconds,
    Sequence,
    Timestamp,
    Wei,
)

_ADDRESSES_KEPT: Final = 65_536


@lru_cache(maxsize=_ADDRESSES_KEPT)
def address_of(holder: bytes) -> Address:
    """The address of these 20 bytes."""
    return Address(to_checksum_address(holder))


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class PositionKey:
    """What names one position: ids are reused after a close, (id, sequence) is not."""

    id: PositionId
    sequence: Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """An open position. `size` is its notional at entry, in wei of TAO.

    `holder` is the trader's address as its 20 bytes: the capitals of an address are a hash, which
    costs more than all the rest of reading a position, and only people need them.
    """

    key: PositionKey
    holder: bytes
    netuid: Netuid
    is_long: bool
    margin: Wei
    size: Wei
    entry_price: PriceWei
    entry_index: FundingIndex

    @property
    def trader(self) -> Address:
        """The trader's address with its capitals."""
        return address_of(self.holder)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketParameters:
    """What the admin sets a market to; read from chain, never assumed."""

    maintenance: Bps
    liquidation_penalty: Bps
    keeper_share: Bps
    funding_rate_max: int  # an interval's maximum rate, scaled by 1e18
    funding_interval: Seconds
    funding_cap: Seconds  # what has elapsed beyond this is forfeited
    liquidation_price_age_max: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRow:
    """The price feed's row of a market. `price` 0 means that none was ever pushed.

    `suspended_at` is 0 and `suspension` 0 when the market is not suspended.
    """

    price: PriceWei
    source_block: BlockNumber
    source_time: Timestamp
    suspended_at: BlockNumber
    suspension: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """A market at one block. `index` is as stored at `last_accrual`, not projected."""

    netuid: Netuid
    parameters: MarketParameters
    feed: FeedRow
    long_open_interest: Wei
    short_open_interest: Wei
    index: FundingIndex
    last_accrual: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class BookSnapshot:
    """Everything the book needs, read by views pinned to one block.

    Many positions are best given as `Rows`, of which none has to be made.
    """

    head: Head
    markets: tuple[Market, ...]
    positions: abc.Sequence[Position]


@dataclass(frozen=True, slots=True, kw_only=True)
class BookOutline:
    """Every listed market at one block, and how many positions are open.

    A missed event shows in it: each moves a feed row, an open interest or a last accrual.
    """

    markets: tuple[Market, ...]
    positions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionOpened:
    """A position that was not there."""

    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionChanged:
    """A partial close: margin and size after it; entry price and index stay."""

    key: PositionKey
    margin: Wei
    size: Wei


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionClosed:
    """Closed whole by its trader."""

    key: PositionKey


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionLiquidated:
    """`remaining` may be negative; `bad_debt` is then its opposite and `penalty` 0."""

    key: PositionKey
    trader: Address
    netuid: Netuid
    price: PriceWei
    index: FundingIndex
    remaining: int
    penalty: Wei
    keeper_share: Wei
    bad_debt: Wei


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingAccrued:
    """The stored index of a market moved to `index`, accrued until `until`."""

    netuid: Netuid
    index: FundingIndex
    until: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class PricePushed:
    """A push was accepted; it also ends a suspension."""

    netuid: Netuid
    price: PriceWei
    source_block: BlockNumber
    source_time: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSuspended:
    """The feed says it does not know the price; `at` is the block of the event."""

    netuid: Netuid
    at: BlockNumber
    suspension: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketResumed:
    """A suspension ended, by a push or by hand."""

    netuid: Netuid


@dataclass(frozen=True, slots=True, kw_only=True)
class ParametersChanged:
    """A market was listed or its parameters were set anew (`netuid`): the book rereads them."""

    netuid: Netuid


BookEvent = (
    PositionOpened
    | PositionChanged
    | PositionClosed
    | PositionLiquidated
    | FundingAccrued
    | PricePushed
    | MarketSuspended
    | MarketResumed
    | ParametersChanged
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockEvents:
    """The events of one block in log order; blocks without any may be left out of a range."""

    number: BlockNumber
    hash: BlockHash
    events: tuple[BookEvent, ...]
