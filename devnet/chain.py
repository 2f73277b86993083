"""Chain 964 as the world drives it: one block at a time, with its time, base fee and price writes.

Knows the node's sealing calls and the shape of a block; nothing of contracts or of who sent what.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from devnet.base_fee import BASE_FEE_FLOOR, next_base_fee
from devnet.rpc import NodeClient, Request
from units import Address, BlockHash, BlockNumber, Head, Timestamp, TxHash, Wei


class SealError(Exception):
    """The node sealed another block than the world asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageWrite:
    """One storage slot of one account, as 32-byte hex words."""

    account: Address
    slot: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """One log of a sealed block; `address` is lower case."""

    address: str
    topics: tuple[str, ...]
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of one transaction. `sender` and `to` are lower case."""

    tx_hash: TxHash
    sender: str
    to: str
    succeeded: bool
    gas_used: int
    logs: tuple[Log, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedBlock:
    """A block and everything that happened in it, in order."""

    head: Head
    gas_used: int
    base_fee: Wei
    receipts: tuple[Receipt, ...]


class Chain:
    """Seals blocks; keeps the base fee that the next one will have."""

    def __init__(self, node: NodeClient) -> None:
        self._node = node
        self.base_fee = BASE_FEE_FLOOR

    async def seal(self, time: Timestamp, writes: Sequence[StorageWrite] = ()) -> SealedBlock:
        """Applies `writes`, then mines one block at `time`, in one batch.

        Raises:
            SealError: the block that came has another time or base fee.
        """
        *_, mined = await self._node.batch([*map(_write, writes), *self._seal_requests(time)])
        (block,) = mined
        _check(block, time=time, base_fee=self.base_fee)
        sealed = SealedBlock(
            head=read_head(block),
            gas_used=int(block["gasUsed"], 16),
            base_fee=self.base_fee,
            receipts=await self._receipts(block),
        )
        self.base_fee = next_base_fee(base_fee=self.base_fee, gas_used=sealed.gas_used)
        return sealed

    def _seal_requests(self, time: Timestamp) -> list[Request]:
        return [
            Request(method="anvil_setNextBlockBaseFeePerGas", params=(hex(self.base_fee),)),
            Request(method="evm_setNextBlockTimestamp", params=(time,)),
            Request(method="evm_mine_detailed"),
        ]

    async def _receipts(self, block: dict[str, Any]) -> tuple[Receipt, ...]:
        if not block["transactions"]:
            return ()
        found = await self._node.call("eth_getBlockReceipts", block["number"])
        return tuple(_receipt(receipt) for receipt in found)


def read_head(block: dict[str, Any]) -> Head:
    """The head that a node's block object describes."""
    return Head(
        number=BlockNumber(int(block["number"], 16)),
        hash=BlockHash(block["hash"]),
        parent_hash=BlockHash(block["parentHash"]),
        time=Timestamp(int(block["timestamp"], 16)),
    )


def _write(write: StorageWrite) -> Request:
    return Request(method="anvil_setStorageAt", params=(write.account, write.slot, write.value))


def _check(block: dict[str, Any], *, time: Timestamp, base_fee: Wei) -> None:
    sealed_time, sealed_fee = int(block["timestamp"], 16), int(block["baseFeePerGas"], 16)
    if (sealed_time, sealed_fee) != (time, base_fee):
        raise SealError(
            f"block {int(block['number'], 16)} was sealed at {sealed_time} with base fee "
            f"{sealed_fee}, asked for {time} and {base_fee}"
        )


def _receipt(receipt: dict[str, Any]) -> Receipt:
    return Receipt(
        tx_hash=TxHash(receipt["transactionHash"]),
        sender=receipt["from"].lower(),
        to=(receipt["to"] or "").lower(),
        succeeded=receipt["status"] == "0x1",
        gas_used=int(receipt["gasUsed"], 16),
        logs=tuple(_log(log) for log in receipt["logs"]),
    )


def _log(log: dict[str, Any]) -> Log:
    return Log(
        address=log["address"].lower(),
        topics=tuple(log["topics"]),
        data=bytes.fromhex(log["data"].removeprefix("0x")),
    )
