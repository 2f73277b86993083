"""What a caller wants done on chain, and what became of it. Nonce, fee, resending: the sender's.

Pure values.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from units import Address, BlockNumber, TxHash, Wei


class Lane(IntEnum):
    """Who goes first over one key; lower is more urgent."""

    PRICE = 0
    LIQUIDATION = 1
    FUNDING = 2
    HOUSEKEEPING = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionRequest:
    """One thing to do on chain.

    `idempotency_key` names the work, not the attempt: while a request with this key is in
    flight another one is not sent. `valid_until` is the last block in which it still makes
    sense. `purpose` is one line for people.
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
    """Nothing was sent; `reason` is one line."""

    reason: str


Submission = Submitted | AlreadyInFlight | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Mined:
    """It succeeded; `logs` are the receipt's, as the node gave them."""

    block: BlockNumber
    gas_used: int
    fee: Wei
    logs: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverted:
    """It was mined and undone; `reason` is what the contract or the gas says, one line."""

    block: BlockNumber
    gas_used: int
    fee: Wei
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """Its last block passed; the nonce was used by a replacement that does nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """Its nonce was taken by a transaction that the journal does not know."""


Outcome = Mined | Reverted | Expired | Superseded


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The outcome of an earlier request."""

    request: TransactionRequest
    tx_hash: TxHash
    outcome: Outcome
