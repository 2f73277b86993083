"""What a simulated chain holds and answers."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

from fleet.transactions.chain import Verdict
from units import BlockHash, BlockNumber, Head, TxHash, Wei


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledTransaction:
    """What the chain knows of a transaction; `data` is empty in one that does nothing.

    `tip`: what it offers above the base fee, to a pool all of it in a legacy transaction.
    """

    tx_hash: TxHash
    nonce: int
    fee: int
    tip: int
    gas: int
    to: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MinedReceipt:
    """A receipt, as the sender reads it."""

    tx_hash: TxHash
    block: BlockNumber
    block_hash: BlockHash
    succeeded: bool
    gas_used: int
    fee: Wei
    logs: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyNonces:
    """A key's next nonce, without and with the pool."""

    latest: int
    pending: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """To a broadcast."""

    verdict: Verdict
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """To a simulation."""

    outcome: Literal["succeeds", "reverts", "unknown"]
    data: bytes = b""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GasQuote:
    """Wei per gas."""

    gas_price: int
    base_fee: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedBlock:
    """A block with the receipts of this key's transactions."""

    head: Head
    transactions: tuple[PooledTransaction, ...] = ()


def read_signed(raw: bytes) -> PooledTransaction:
    """The transaction that `PlainSigner` wrote down."""
    fields = json.loads(raw)
    return PooledTransaction(
        tx_hash=TxHash("0x" + hashlib.sha256(raw).hexdigest()),
        nonce=fields["nonce"],
        fee=fields["fee"],
        tip=fields["fee"] if fields["tip"] is None else fields["tip"],
        gas=fields["gas"],
        to=fields["to"],
        data=bytes.fromhex(fields["data"]),
    )
