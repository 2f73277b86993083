"""A node's JSON as values. What does not parse is a node that cannot be relied on just now.

Pure. Knows the shapes of the JSON-RPC of Ethereum.
"""

from dataclasses import dataclass
from typing import Any

from fleet.chain.failures import NodeUnavailable
from units import Address, BlockHash, BlockNumber, Head, Timestamp, TxHash, Wei


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A block and its header's bloom of logs, see `fleet.chain.blooms`."""

    head: Head
    logs_bloom: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of a transaction; `fee` is all that was paid for gas, `logs` is raw."""

    tx_hash: TxHash
    block: BlockNumber
    block_hash: BlockHash
    succeeded: bool
    gas_used: int
    fee: Wei
    logs: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeQuote:
    """Wei per gas: what the node asks, and the base fee of its latest block."""

    gas_price: int
    base_fee: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A transaction found in a block."""

    sender: str
    nonce: int
    tx_hash: TxHash


def quantity(value: Any) -> int:
    """An integer from 0x… hex.

    Raises:
        NodeUnavailable: it is none.
    """
    if not isinstance(value, str):
        raise NodeUnavailable(f"the node answered {value!r} where a number belongs")
    try:
        return int(value, 16)
    except ValueError:
        raise NodeUnavailable(f"the node answered {value!r} where a number belongs") from None


def octets(value: Any) -> bytes:
    """Bytes from 0x… hex.

    Raises:
        NodeUnavailable: they are none.
    """
    try:
        return bytes.fromhex(str(value).removeprefix("0x"))
    except ValueError:
        raise NodeUnavailable(f"the node answered {value!r} where bytes belong") from None


def hash32(value: Any) -> str:
    """A 32-byte hash, lower case with 0x.

    Raises:
        NodeUnavailable: it is none.
    """
    found = octets(value)
    if not isinstance(value, str) or len(found) != 32:  # noqa: PLR2004 -- the name says it
        raise NodeUnavailable(f"the node answered {value!r} where a hash belongs")
    return "0x" + found.hex()


def field(value: Any, name: str) -> Any:
    """A member of an object.

    Raises:
        NodeUnavailable: there is no object, or no such member.
    """
    if not isinstance(value, dict) or name not in value:
        raise NodeUnavailable(f"the node's answer lacks {name!r}")
    return value[name]


def head(block: Any) -> Head:
    """A block or header, as eth_getBlockByNumber and newHeads give it."""
    return Head(
        number=BlockNumber(quantity(field(block, "number"))),
        hash=BlockHash(hash32(field(block, "hash"))),
        parent_hash=BlockHash(hash32(field(block, "parentHash"))),
        time=Timestamp(quantity(field(block, "timestamp"))),
    )


def sealed(block: Any) -> Sealed:
    """A block with what its header says of its logs, as eth_getBlockByNumber gives it."""
    return Sealed(head=head(block), logs_bloom=quantity(field(block, "logsBloom")))


def receipt(found: Any) -> Receipt:
    """A receipt that is there."""
    gas_used = quantity(field(found, "gasUsed"))
    return Receipt(
        tx_hash=TxHash(hash32(field(found, "transactionHash"))),
        block=BlockNumber(quantity(field(found, "blockNumber"))),
        block_hash=BlockHash(hash32(field(found, "blockHash"))),
        succeeded=quantity(field(found, "status")) == 1,
        gas_used=gas_used,
        fee=Wei(gas_used * quantity(field(found, "effectiveGasPrice"))),
        logs=tuple(field(found, "logs")),
    )


def transactions(block: Any) -> tuple[Sent, ...]:
    """The transactions of a block that was asked for with all of them; senders in lower case."""
    return tuple(
        Sent(
            sender=str(field(each, "from")).lower(),
            nonce=quantity(field(each, "nonce")),
            tx_hash=TxHash(hash32(field(each, "hash"))),
        )
        for each in field(block, "transactions")
    )


def is_account(sent: Sent, account: Address) -> bool:
    """Was it sent by this account?"""
    return sent.sender == account.lower()
