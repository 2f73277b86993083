"""What was read, and what is known of a price: a number, or the reason why there is none.

Pure values. "No price" is never zero and never the last price.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from units import BlockHash, BlockNumber, Netuid, Rao, Timestamp


class NoPriceReason(StrEnum):
    """Why a market has no price now; the text is for operators."""

    SOURCE_DOWN = "no source answered"
    NO_PRICE_API = "the runtime has no price API"
    UNKNOWN_SUBNET = "the subnet does not exist"
    NOT_YET = "the subnet is not registered yet"
    REREGISTERED = "the subnet was registered again: it may be another project"
    NOT_DYNAMIC = "the subnet has no price of its own (its mechanism is not 1)"
    ZERO_PRICE = "the pool is empty, its price reads zero"
    UNPRICED = "the runtime lists no price for the subnet"
    NOT_PINNED = "no registration block is pinned for this market"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHead:
    """A finalized Subtensor header: which block to read, before anything was read of it."""

    number: BlockNumber
    hash: BlockHash


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceBlock:
    """One finalized Subtensor block."""

    number: BlockNumber
    hash: BlockHash
    time: Timestamp
    spec_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which subnet stands behind a netuid at one block.

    `registered_at` is NetworkRegisteredAt: netuids are reused, this block is not.
    """

    exists: bool
    registered_at: BlockNumber
    mechanism: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All that one source said of one finalized block.

    `prices` is None when the runtime has no price API. `identities` is None while the runtime's
    storage is not understood (an item is missing, or a new runtime is still being decoded);
    `detail` then says so in one line. Otherwise it holds every market that was asked for.
    """

    block: SourceBlock
    prices: Mapping[Netuid, Rao] | None
    identities: Mapping[Netuid, Identity] | None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable:
    """The source gave no reading; `detail` is one line for an operator."""

    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A price that was read: RAO per Alpha (positive) at a finalized block."""

    netuid: Netuid
    rao: Rao
    block: BlockNumber
    time: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class NoPrice:
    """There is no price for this market, and why."""

    netuid: Netuid
    reason: NoPriceReason


Priced = Price | NoPrice
