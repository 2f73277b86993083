"""The price feed of chain 964 as the oracle sees it: its rows, and what is on its way to them.

Pure values; `protocol/` makes them from the contract's answers.
"""

from dataclasses import dataclass
from enum import IntEnum

from units import BlockNumber, Head, Netuid, PriceWei, Timestamp


class SuspensionReason(IntEnum):
    """Why a market is suspended; numbers as in the price feed contract."""

    NONE = 0
    GUARDIAN = 1
    IDENTITY = 2
    NO_PRICE = 3
    JUMP = 4
    STALL = 5
    OPERATOR = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRowView:
    """The feed's row of a market. `price` 0 means that none was ever pushed.

    `landed_time` is the timestamp of the block the last push landed in; None when unknown, and
    `source_time`, which is earlier, then stands for it. `suspended_at` 0: not suspended.
    """

    price: PriceWei
    source_block: BlockNumber
    source_time: Timestamp
    landed_time: Timestamp | None
    suspended_at: BlockNumber
    suspension: SuspensionReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One price as the feed takes it."""

    netuid: Netuid
    price: PriceWei
    source_block: BlockNumber
    source_time: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingPush:
    """An update that was sent in view of `sent_at` and has not been seen on chain yet."""

    update: Update
    sent_at: Head


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingSuspension:
    """A suspension that was sent in view of `sent_at` and has not been seen on chain yet."""

    reason: SuspensionReason
    sent_at: Head


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketFeed:
    """What the feed says of a market, and what is on its way to it."""

    row: FeedRowView
    push: PendingPush | None = None
    suspension: PendingSuspension | None = None
