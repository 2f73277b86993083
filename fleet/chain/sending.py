"""What a sender asks of the nodes of chain 964, and what every other question is put through.

What names a block is asked of as many operators as must agree; so are receipts, and the pool's
count is one that so many pools reach. The fee of the moment is one node's word: policy bounds it.
Knows JSON-RPC method names and units; nothing of keys or of who is asking.
"""

from collections.abc import Sequence
from typing import Any, Literal

from fleet.chain import answers
from fleet.chain.answers import FeeQuote, Receipt
from fleet.chain.calls import Simulation, call_of, simulated
from fleet.chain.endpoint import Endpoint
from fleet.chain.failures import NodeUnavailable, StateUnavailable
from fleet.chain.nonces import Nonces, nonces_of, pending_of
from fleet.chain.pool import Pool
from fleet.chain.receipts import Receipts, agreed_receipts, read_receipts
from fleet.chain.rejections import Broadcast
from fleet.chain.replies import Asked
from fleet.chain.spenders import block_of_nonce, sent_in
from fleet.chain.throttle import Urgency
from units import Address, BlockNumber, Head, TxHash, Wei

Block = BlockNumber | Literal["latest"]


class SendingNode:
    """The chain behind its endpoints, for one who sends. Raises `ChainError`s."""

    def __init__(self, endpoints: Pool) -> None:
        self._endpoints = endpoints

    async def head(self, urgency: Urgency = Urgency.DECIDING) -> Head:
        """The latest block; with agreement, the latest that so many operators have reached."""
        return await self._endpoints.head(urgency)

    async def finalized(self, urgency: Urgency = Urgency.DECIDING) -> Head | None:
        """The latest finalized block; None while the nodes name none."""
        return await self._endpoints.finalized(urgency)

    async def simulate(
        self,
        *,
        sender: Address,
        to: Address,
        data: bytes,
        value: Wei,
        gas: int,
        block: BlockNumber,
    ) -> Simulation:
        """What a whole transaction would do on top of a block; never raises for a node's no."""
        asked = call_of(to=to, data=data, sender=sender, gas=gas, value=value)
        return await simulated(self._ask_at(block, "eth_call", [asked], Urgency.SENDING))

    async def send_raw(self, raw: bytes) -> Broadcast:
        """Hands a signed transaction to every node; a node's no is an answer, not an exception."""
        return await self._endpoints.broadcast(raw)

    async def transaction_count(self, account: Address, block: Block = "latest") -> int:
        """How many transactions the account has sent by that block: its next nonce."""
        found = await self._ask_at(block, "eth_getTransactionCount", [account], Urgency.SENDING)
        return answers.quantity(found)

    async def count_at(self, account: Address, block: BlockNumber) -> int | None:
        """The same at the end of one block; None: no node that counts has that block.

        A node that lags has no say: its lower count would look like a reorganisation.
        """
        try:
            return await self.transaction_count(account, block)
        except StateUnavailable:
            return None

    async def nonces(self, account: Address, block: BlockNumber) -> Nonces:
        """The account's next nonce at the end of a block, and with the pool.

        In one exchange where one node is believed. With agreement so many say the first, and the
        second is what so many pools reach: a node that invents transactions of ours is not
        believed, and honest pools may differ.

        Raises:
            StateUnavailable: too few have that block.
        """
        k = self._endpoints.agreement
        if k == 1:
            return await self._endpoints.first(nonces_of(account, block), Urgency.SENDING)
        pools = await self._endpoints.everything(pending_of(account), Urgency.SENDING)
        latest = await self.transaction_count(account, block)
        return Nonces(latest=latest, pending=max(latest, sorted(pools, reverse=True)[k - 1]))

    async def receipt(self, tx_hash: TxHash) -> Receipt | None:
        """The receipt; None while it is in no block, or the node has not indexed that block."""
        return (await self.receipts([tx_hash]))[0]

    async def receipts(self, hashes: Sequence[TxHash]) -> Receipts:
        """The receipt of each, in one exchange where the node takes batches; see `receipt`.

        With agreement a receipt is there once so many operators have it.
        """

        async def inquiry(node: Endpoint) -> tuple[str, Receipts]:
            return node.name, await read_receipts(node, hashes, Urgency.SENDING)

        if self._endpoints.agreement == 1:
            return (await self._endpoints.first(inquiry, Urgency.SENDING))[1]
        said = await self._endpoints.everything(inquiry, Urgency.SENDING)
        return agreed_receipts(said, self._endpoints.agreement)

    async def knows(self, tx_hash: TxHash) -> bool:
        """Does any node hold this transaction, in its pool or in a block?

        Raises:
            NodeUnavailable: none says yes, and one that can be reached did not say no.
        """

        async def inquiry(node: Endpoint) -> bool:
            asked = [tx_hash]
            return (
                await node.request("eth_getTransactionByHash", asked, Urgency.SENDING) is not None
            )

        return await self._endpoints.anyone(inquiry, Urgency.SENDING)

    async def fee_quote(self) -> FeeQuote:
        """What gas costs at the latest block."""
        asked: list[Asked] = [("eth_getBlockByNumber", ["latest", False]), ("eth_gasPrice", [])]

        async def inquiry(node: Endpoint) -> FeeQuote:
            latest, gas_price = await node.batch(asked, Urgency.SENDING)
            return FeeQuote(
                gas_price=answers.quantity(gas_price),
                base_fee=answers.quantity(answers.field(latest, "baseFeePerGas")),
            )

        return await self._endpoints.first(inquiry, Urgency.SENDING)

    async def spender_of(
        self, account: Address, nonce: int, *, after: BlockNumber, by: BlockNumber
    ) -> TxHash | None:
        """The transaction that used a nonce in a block of (after, by]; None when it can't be told.

        Found by bisection over the account's transaction count, which needs the state of those
        blocks.
        """

        async def count(block: BlockNumber) -> int:
            return await self.transaction_count(account, block)

        try:
            used_in = await block_of_nonce(count, nonce, after=after, by=by)
            sent = await self._endpoints.agreed(sent_in(used_in), Urgency.SENDING)
        except NodeUnavailable:
            return None
        mine = (each for each in sent if answers.is_account(each, account))
        return next((each.tx_hash for each in mine if each.nonce == nonce), None)

    async def _ask_at(self, block: Block, method: str, params: list[Any], urgency: Urgency) -> Any:
        """About one block as the operators agree; about "now" as one node says."""
        asked = [*params, _tag(block)]
        if isinstance(block, str):
            return await self._endpoints.request(method, asked, urgency)
        return await self._endpoints.agreed(
            lambda node: node.request(method, asked, urgency), urgency
        )


def _tag(block: Block) -> str:
    return block if isinstance(block, str) else hex(block)
