"""What a caller wants done on chain, and what became of it. Nonce, fee, resending: the sender's.

Pure values.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from units import Address, BlockNumber, Timestamp, TxHash, Wei


class Lane(IntEnum):
    """Who goes first over one key; lower is more urgent."""

    PRICE = 0
    LIQUIDATION = 1
    FUNDING = 2
    HOUSEKEEPING = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a request was decided on, for those who ask later; `time` is chain time.

    The text is the caller's, kept with the request and read by nobody here. It is made when the
    journal wants it, after the signature: long ones take as long as the decision did.
    """

    time: Timestamp
    write: Callable[[], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionRequest:
    """One thing to do on chain.

    `idempotency_key` names the work, not the attempt: until a request with this key has its
    outcome another one is not sent. `valid_until` is the last block in which it still makes
    sense, `decided_at` the block it was decided on, at whose state it is simulated (None: the
    latest). `subjects` are what it works on, one name each: while a request is in no block, no
    other one with the same subject is sent. `purpose` is one line for people. `record` goes into
    the journal with it, in the same write; a request that is read back has none.
    """

    to: Address
    data: bytes
    gas_limit: int
    lane: Lane
    idempotency_key: str
    valid_until: BlockNumber
    purpose: str
    value: Wei = Wei(0)
    spend_limit: Wei | None = None
    decided_at: BlockNumber | None = None
    subjects: tuple[str, ...] = ()
    record: Record | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """The journal holds it and the sender sees it through.

    The node has accepted it, or gave no answer and is asked again with every head.
    """

    tx_hash: TxHash
    nonce: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlreadyInFlight:
    """The same work is on its way."""

    tx_hash: TxHash


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Nothing was sent; `reason` is one line.

    `busy` are the subjects that another request in flight works on, when that is the reason.
    `is_moot`: it would go through and do nothing, because others have done it already.
    """

    reason: str
    busy: frozenset[str] = frozenset()
    is_moot: bool = False


Submission = Submitted | AlreadyInFlight | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Included:
    """It stands in a block that a reorganisation may still take back: news, not an outcome.

    `logs` are the receipt's, as the node gave them; empty when it reverted.
    """

    request: TransactionRequest
    tx_hash: TxHash
    block: BlockNumber
    succeeded: bool
    logs: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Final:
    """It succeeded, for good; `logs` are the receipt's, as the node gave them."""

    block: BlockNumber
    gas_used: int
    fee: Wei
    logs: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverted:
    """It was mined and undone, for good; `reason` is what the contract or the gas says."""

    block: BlockNumber
    gas_used: int
    fee: Wei
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """It never took effect and never will: a replacement that does nothing used its nonce.

    Its last block had passed, a reorganisation left it without a point, or it gave way to more
    urgent work; `reason` says which.
    """

    reason: str = "its last block passed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """Its nonce was taken by a transaction that the journal does not know."""


Outcome = Final | Reverted | Expired | Superseded


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The outcome of an earlier request, which nothing can change any more."""

    request: TransactionRequest
    tx_hash: TxHash
    outcome: Outcome
