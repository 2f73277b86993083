"""What was read, and what is known of a price: a number, or the reason why there is none.

Pure values. "No price" is never zero and never the last price.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from units import BlockHash, BlockNumber, Netuid, Rao, Timestamp


class NoPriceReason(StrEnum):
    """Why a market has no price now; the text is for operators."""

    SOURCE_DOWN = "no source answered"
    NO_QUORUM = "no quorum: too few operators said the same of one block"
    NO_PRICE_API = "the runtime has no price API"
    UNKNOWN_SUBNET = "the subnet does not exist"
    NOT_YET = "the subnet is not registered yet"
    REREGISTERED = "the subnet was registered again: it may be another project"
    NOT_DYNAMIC = "the subnet has no price of its own (its mechanism is not 1)"
    ZERO_PRICE = "the pool is empty, its price reads zero"
    UNPRICED = "the runtime lists no price for the subnet"
    THIN = "the pool holds less TAO than its floor"
    THIN_UNTIL_RESUMED = "the pool held less TAO than its floor: resume it by hand"
    CONTRADICTED = "the chain's own precompile says another price at the same block"
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
class Depth:
    """What a subnet's pool holds at one block: RAO of TAO, and Alpha in units of 1e-9."""

    tao: Rao
    alpha: int


class Standing(StrEnum):
    """What one endpoint is worth at one block; the text is for operators, logs and metrics."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    DISPUTED = "disputed"
    LAGGING = "lagging"
    UNREACHABLE = "unreachable"
    MALFORMED = "malformed"
    WRONG_CHAIN = "wrong chain"
    PENDING = "pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What one endpoint said of a height, and what that was worth.

    `disagrees`: enough others agreed on something else; `disputed`: nothing was agreed on;
    `pending`: it had not answered when the others were agreed. `hash` is None, and `prices` are
    empty, where it said nothing, and `prices` are None where it said that there is no price API.
    """

    endpoint: str
    operator: str
    standing: Standing
    hash: BlockHash | None = None
    prices: Mapping[Netuid, Rao] | None = field(default_factory=dict)
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All that was said of one block: by one endpoint, or by as many as must agree.

    `prices` is None when the runtime has no price API. `identities` and `depths` are None while
    the runtime's storage is not understood (an item is missing, or a new runtime is still being
    decoded) or was not agreed on; `detail` then says so in one line. Otherwise they hold every
    market that was asked for. `quotes` is what every endpoint said, agreed or not. `is_final` is
    False for a block that is only buried, not finalized, which an operator must have allowed.
    """

    block: SourceBlock
    prices: Mapping[Netuid, Rao] | None
    identities: Mapping[Netuid, Identity] | None
    depths: Mapping[Netuid, Depth] | None = None
    detail: str = ""
    quotes: tuple[Quote, ...] = ()
    is_final: bool = True


class Trouble(StrEnum):
    """Why there is no reading, in kind."""

    DOWN = "no usable answer"
    LAGGING = "it has not finalized the block"
    MALFORMED = "its answer is not what the method promises"
    WRONG_CHAIN = "it serves another chain"
    NO_QUORUM = "too few operators said the same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable:
    """The source gave no reading; `detail` is one line for an operator."""

    detail: str
    trouble: Trouble = Trouble.DOWN
    quotes: tuple[Quote, ...] = ()


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
