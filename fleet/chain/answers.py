"""A node's JSON as values. What does not parse is a node that cannot be relied on just now.

Pure. Knows the shapes of the JSON-RPC of Ethereum.
"""

import re
from dataclasses import dataclass
from typing import Any

from fleet.chain.failures import NodeUnavailable
from units import Address, BlockHash, BlockNumber, Head, Timestamp, TxHash, Wei

_HEX = re.compile(r"0x[0-9a-fA-F]{1,512}")
_NUMBER_END = 1 << 63
"""No block has a number that a database could not keep."""
_TIME_END = 253_402_300_800
"""The year 10000: no calendar goes further."""
_SAID_MAX = 80


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


def quantity(value: Any, *, below: int = 1 << 256) -> int:
    """An integer from 0x… hex.

    Args:
        value: what the node answered.
        below: what no such number reaches.

    Raises:
        NodeUnavailable: it is none.
    """
    if isinstance(value, str) and _HEX.fullmatch(value):
        found = int(value, 16)
        if found < below:
            return found
    raise NodeUnavailable(f"the node answered {_short(value)} where a number belongs")


def octets(value: Any) -> bytes:
    """Bytes from 0x… hex.

    Raises:
        NodeUnavailable: they are none.
    """
    try:
        return bytes.fromhex(str(value).removeprefix("0x"))
    except ValueError:
        raise NodeUnavailable(f"the node answered {_short(value)} where bytes belong") from None


def hash32(value: Any) -> str:
    """A 32-byte hash, lower case with 0x.

    Raises:
        NodeUnavailable: it is none.
    """
    found = octets(value)
    if not isinstance(value, str) or len(found) != 32:  # noqa: PLR2004 -- the name says it
        raise NodeUnavailable(f"the node answered {_short(value)} where a hash belongs")
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
        number=BlockNumber(quantity(field(block, "number"), below=_NUMBER_END)),
        hash=BlockHash(hash32(field(block, "hash"))),
        parent_hash=BlockHash(hash32(field(block, "parentHash"))),
        time=Timestamp(quantity(field(block, "timestamp"), below=_TIME_END)),
    )


def sealed(block: Any) -> Sealed:
    """A block with what its header says of its logs, as eth_getBlockByNumber gives it."""
    return Sealed(
        head=head(block), logs_bloom=quantity(field(block, "logsBloom"), below=1 << 2_048)
    )


def receipt(found: Any) -> Receipt:
    """A receipt that is there."""
    gas_used = quantity(field(found, "gasUsed"))
    return Receipt(
        tx_hash=TxHash(hash32(field(found, "transactionHash"))),
        block=BlockNumber(quantity(field(found, "blockNumber"), below=_NUMBER_END)),
        block_hash=BlockHash(hash32(field(found, "blockHash"))),
        succeeded=quantity(field(found, "status")) == 1,
        gas_used=gas_used,
        fee=Wei(gas_used * quantity(field(found, "effectiveGasPrice"))),
        logs=logs(field(found, "logs")),
    )


def transactions(block: Any) -> tuple[Sent, ...]:
    """The transactions of a block that was asked for with all of them; senders in lower case."""
    return tuple(
        Sent(
            sender=str(field(each, "from")).lower(),
            nonce=quantity(field(each, "nonce")),
            tx_hash=TxHash(hash32(field(each, "hash"))),
        )
        for each in _list(field(block, "transactions"))
    )


def logs(found: Any) -> tuple[dict[str, Any], ...]:
    """Logs as the node gave them, each of which has the shape of one.

    Raises:
        NodeUnavailable: they do not.
    """
    given = tuple(_list(found))
    if not all(_is_log(each) for each in given):
        raise NodeUnavailable("the node answered something else where logs belong")
    return given


def _is_log(found: Any) -> bool:
    if not isinstance(found, dict) or not isinstance(topics := found.get("topics"), list):
        return False
    texts = (*topics, *(found.get(name) for name in ("address", "data", "blockNumber")))
    return all(isinstance(each, str) for each in texts)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise NodeUnavailable(f"the node answered {_short(value)} where a list belongs")
    return value


def _short(value: Any) -> str:
    """What a node says may be of any length."""
    return repr(value)[:_SAID_MAX]


def is_account(sent: Sent, account: Address) -> bool:
    """Was it sent by this account?"""
    return sent.sender == account.lower()
