"""Chain 964 as the fleet reads and writes it: typed questions to whichever node answers.

Knows JSON-RPC method names and units; nothing of the exchange, of keys or of who is asking.
Every read takes an urgency; the rate keeps a share for deciding and sending.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fleet.chain import answers
from fleet.chain.answers import FeeQuote, Receipt, Sealed
from fleet.chain.failover import Failover
from fleet.chain.failures import CallReverted, ChainError, NodeUnavailable, RequestRejected
from fleet.chain.logs import Log, LogPolicy, log_filter, read_logs
from fleet.chain.rejections import Broadcast
from fleet.chain.throttle import Urgency
from units import Address, BlockHash, BlockNumber, Head, TxHash, Wei

Tag = Literal["latest", "pending", "finalized"]
Block = BlockNumber | Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What a transaction would do now. `data` is what the contract returned, or reverted with."""

    outcome: Literal["succeeds", "reverts", "unknown"]
    data: bytes = b""
    detail: str = ""


class Node:
    """The chain behind its endpoints. Raises `ChainError`s, see fleet/chain/failures.py."""

    def __init__(self, endpoints: Failover, *, log_policy: LogPolicy | None = None) -> None:
        self._endpoints = endpoints
        self._log_policy = log_policy or LogPolicy()

    async def check(self) -> None:
        """Compares every endpoint's chain id with the configured one; call it at start.

        Raises:
            WrongChain: one of them serves another chain.
            NodeUnavailable: not one answered.
        """
        await self._endpoints.check()

    async def close(self) -> None:
        """Closes every connection."""
        await self._endpoints.close()

    async def head(self, urgency: Urgency = Urgency.DECIDING) -> Head:
        """The latest block."""
        return answers.head(await self._block("latest", urgency))

    async def finalized(self, urgency: Urgency = Urgency.DECIDING) -> Head | None:
        """The latest finalized block; None while the node names none."""
        found = await self._block("finalized", urgency)
        return None if found is None else answers.head(found)

    async def block(self, number: BlockNumber, urgency: Urgency = Urgency.DECIDING) -> Head | None:
        """The block of that height on the chain the node now holds for best; None beyond it."""
        found = await self._block(number, urgency)
        return None if found is None else answers.head(found)

    async def sealed(
        self, number: BlockNumber, urgency: Urgency = Urgency.DECIDING
    ) -> Sealed | None:
        """The same with its bloom of logs."""
        found = await self._block(number, urgency)
        return None if found is None else answers.sealed(found)

    async def call(
        self,
        to: Address,
        data: bytes,
        block: BlockNumber | Literal["latest"],
        sender: Address | None = None,
        gas: int | None = None,
        *,
        urgency: Urgency = Urgency.DECIDING,
    ) -> bytes:
        """What a contract returns at one block.

        Raises:
            CallReverted: it reverted; `.data` is what it reverted with.
            StateUnavailable: no endpoint has the state of that block.
        """
        asked = _call(to=to, data=data, sender=sender, gas=gas)
        return answers.octets(await self._ask("eth_call", [asked, _tag(block)], urgency))

    async def simulate(
        self,
        *,
        sender: Address,
        to: Address,
        data: bytes,
        value: Wei,
        gas: int,
        block: BlockNumber | Literal["latest"] = "latest",
    ) -> Simulation:
        """What a whole transaction would do on top of a block; never raises for a node's no."""
        asked = _call(to=to, data=data, sender=sender, gas=gas, value=value)
        try:
            found = await self._ask("eth_call", [asked, _tag(block)], Urgency.SENDING)
            return Simulation(outcome="succeeds", data=answers.octets(found))
        except CallReverted as reverted:
            return Simulation(outcome="reverts", data=reverted.data, detail=str(reverted))
        except RequestRejected as rejection:  # too little money for the value, for one
            return Simulation(outcome="reverts", detail=rejection.message)
        except ChainError as failure:
            return Simulation(outcome="unknown", detail=str(failure))

    async def logs(
        self,
        first: BlockNumber,
        last: BlockNumber,
        addresses: Sequence[Address],
        topics: Sequence[str | Sequence[str] | None] = (),
        urgency: Urgency = Urgency.DECIDING,
    ) -> tuple[Log, ...]:
        """All logs of these contracts in blocks first..last, both included, as the node gave them.

        Raises:
            LogsTooOld: nodes may have pruned the range and would answer an empty list.
            TooManyLogs: one block alone has more than the node returns.
            NodeUnavailable: as ever, and when the node has not reached `last` yet.
        """
        head = answers.quantity(await self._ask("eth_blockNumber", [], urgency))
        if last > head:
            raise NodeUnavailable(f"the node is at block {head}, logs to {last} are not there yet")
        self._log_policy.check(first, BlockNumber(head))

        async def read(start: BlockNumber, end: BlockNumber) -> Any:
            asked = log_filter(start, end, addresses, topics)
            return await self._ask("eth_getLogs", [asked], urgency)

        return await read_logs(read, first, last, self._log_policy)

    async def send_raw(self, raw: bytes) -> Broadcast:
        """Hands over a signed transaction; a node's no is an answer, not an exception."""
        return await self._endpoints.broadcast(raw)

    async def transaction_count(self, account: Address, block: Block = "latest") -> int:
        """How many transactions the account has sent by that block: its next nonce."""
        params = [account, _tag(block)]
        return answers.quantity(await self._ask("eth_getTransactionCount", params, Urgency.SENDING))

    async def receipt(self, tx_hash: TxHash) -> Receipt | None:
        """The receipt; None while it is in no block, or the node has not indexed that block."""
        found = await self._ask("eth_getTransactionReceipt", [tx_hash], Urgency.SENDING)
        return None if found is None else answers.receipt(found)

    async def knows(self, tx_hash: TxHash) -> bool:
        """Does the node hold this transaction, in its pool or in a block?"""
        params = [tx_hash]
        return await self._ask("eth_getTransactionByHash", params, Urgency.SENDING) is not None

    async def fee_quote(self) -> FeeQuote:
        """What gas costs at the latest block."""
        latest = await self._block("latest", Urgency.SENDING)
        gas_price = await self._ask("eth_gasPrice", [], Urgency.SENDING)
        return FeeQuote(
            gas_price=answers.quantity(gas_price),
            base_fee=answers.quantity(answers.field(latest, "baseFeePerGas")),
        )

    async def spender_of(
        self, account: Address, nonce: int, *, after: BlockNumber, by: BlockNumber
    ) -> TxHash | None:
        """The transaction that used a nonce in a block of (after, by]; None when it can't be told.

        Found by bisection over the account's transaction count, which needs the state of those
        blocks.
        """
        try:
            used_in = await self._block_of_nonce(account, nonce, after, by)
            params = [_tag(used_in), True]
            found = await self._ask("eth_getBlockByNumber", params, Urgency.SENDING)
        except NodeUnavailable:
            return None
        sent = answers.transactions(found)
        mine = (each for each in sent if answers.is_account(each, account))
        return next((each.tx_hash for each in mine if each.nonce == nonce), None)

    async def _block_of_nonce(
        self, account: Address, nonce: int, after: BlockNumber, by: BlockNumber
    ) -> BlockNumber:
        low, high = after, by
        while high - low > 1:
            middle = BlockNumber((low + high) // 2)
            is_used = await self.transaction_count(account, middle) > nonce
            low, high = (low, middle) if is_used else (middle, high)
        return high

    async def balance(self, account: Address, block: Block = "latest") -> Wei:
        """An account's balance."""
        params = [account, _tag(block)]
        return Wei(answers.quantity(await self._ask("eth_getBalance", params, Urgency.DECIDING)))

    async def code(self, account: Address) -> bytes:
        """A contract's code at the latest block; empty when there is none."""
        return answers.octets(await self._ask("eth_getCode", [account, "latest"], Urgency.DECIDING))

    async def genesis(self) -> BlockHash:
        """The hash of the chain's first block, which tells one devnet from another."""
        found = await self._ask("eth_getBlockByNumber", ["earliest", False], Urgency.DECIDING)
        return answers.head(found).hash

    async def _block(self, block: Block, urgency: Urgency) -> Any:
        return await self._ask("eth_getBlockByNumber", [_tag(block), False], urgency)

    async def _ask(self, method: str, params: list[Any], urgency: Urgency) -> Any:
        return await self._endpoints.request(method, params, urgency)


def _tag(block: Block) -> str:
    return block if isinstance(block, str) else hex(block)


def _call(
    *, to: Address, data: bytes, sender: Address | None, gas: int | None, value: Wei = Wei(0)
) -> dict[str, str]:
    asked = {"to": str(to), "data": "0x" + data.hex()}
    if sender is not None:
        asked["from"] = sender
    if gas is not None:
        asked["gas"] = hex(gas)
    if value:
        asked["value"] = hex(value)
    return asked
