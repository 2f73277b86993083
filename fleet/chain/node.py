"""Chain 964 as the fleet reads and writes it: typed questions to its nodes.

What names a block is asked of as many operators as must agree; what is about "now" (the pool, the
fee) is one node's word. Knows JSON-RPC method names and units; nothing of the exchange, of keys or
of who is asking. Every read takes an urgency; the rate keeps a share for deciding and sending.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Literal

from fleet.chain import answers
from fleet.chain.answers import FeeQuote, Receipt, Sealed
from fleet.chain.calls import Simulation, call_of, simulated
from fleet.chain.endpoint import Endpoint
from fleet.chain.failures import (
    NodeUnavailable,
)
from fleet.chain.history import Checkpoint, Piece, read_history
from fleet.chain.horizon import Landmarks
from fleet.chain.log_reader import LogReader, Span
from fleet.chain.logs import Log, LogPolicy, Wanted, log_mark
from fleet.chain.member import Listener, genesis_of
from fleet.chain.nonces import Nonces, nonces_of
from fleet.chain.pool import Pool
from fleet.chain.receipts import Receipts, agreed_receipts, read_receipts
from fleet.chain.rejections import Broadcast
from fleet.chain.replies import Asked
from fleet.chain.spenders import block_of_nonce, sent_in
from fleet.chain.states import NodeState
from fleet.chain.throttle import Urgency
from units import Address, BlockHash, BlockNumber, Head, TxHash, Wei

Tag = Literal["latest", "pending", "finalized"]
Block = BlockNumber | Tag


class Node:
    """The chain behind its endpoints. Raises `ChainError`s, see fleet/chain/failures.py."""

    def __init__(
        self,
        endpoints: Pool,
        *,
        log_policy: LogPolicy | None = None,
        genesis: BlockHash | None = None,
        landmarks: Sequence[BlockNumber] = (),
    ) -> None:
        self._endpoints = endpoints
        self._genesis = genesis
        self._log_policy = log_policy or LogPolicy()
        self._log_reader = LogReader(
            self._log_policy,
            landmarks=Landmarks(landmarks),
            now=endpoints.now,
            remembered=endpoints.remembered,
        )

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

    async def watch(self) -> None:
        """Keeps the states of the nodes current until cancelled."""
        await self._endpoints.watch()

    def listen(self, listener: Listener) -> None:
        """Tells `listener` the state of every node, and each change from now on."""
        self._endpoints.listen(listener)

    def states(self) -> dict[str, NodeState | None]:
        """The state of each endpoint; None of one that nothing is known of yet."""
        return self._endpoints.states()

    async def head(self, urgency: Urgency = Urgency.DECIDING) -> Head:
        """The latest block; with agreement, the latest that so many operators have reached."""
        return await self._endpoints.head(urgency)

    async def finalized(self, urgency: Urgency = Urgency.DECIDING) -> Head | None:
        """The latest finalized block; None while the nodes name none."""
        return await self._endpoints.finalized(urgency)

    async def block(self, number: BlockNumber, urgency: Urgency = Urgency.DECIDING) -> Head | None:
        """The block of that height on the chain the nodes now hold for best; None beyond it."""
        return await self._endpoints.block(number, urgency, answers.head)

    async def sealed(
        self, number: BlockNumber, urgency: Urgency = Urgency.DECIDING
    ) -> Sealed | None:
        """The same with its bloom of logs."""
        return await self._endpoints.block(number, urgency, answers.sealed)

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
        asked = call_of(to=to, data=data, sender=sender, gas=gas)
        return answers.octets(await self._ask_at(block, "eth_call", [asked], urgency))

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
        asked = call_of(to=to, data=data, sender=sender, gas=gas, value=value)
        return await simulated(self._ask_at(block, "eth_call", [asked], Urgency.SENDING))

    async def logs(
        self,
        first: BlockNumber,
        last: BlockNumber,
        addresses: Sequence[Address],
        topics: Sequence[str | Sequence[str] | None] = (),
        urgency: Urgency = Urgency.DECIDING,
        *,
        tip: BlockHash | None = None,
    ) -> tuple[Log, ...]:
        """All logs of these contracts in blocks first..last, both included, as the node gave them.

        With `tip`, the hash of block `last`, that block is read by it: a node on another fork, or
        one that has not indexed it, then has no say.

        Raises:
            LogsTooOld: nodes may have pruned the range and would answer an empty list.
            TooManyLogs: one block alone has more than the node returns.
            StateUnavailable: the nodes have not reached `last` yet.
            NodeUnavailable: as ever.
        """
        span = Span(first=first, last=last, tip=tip)
        wanted = Wanted(addresses=tuple(addresses), topics=tuple(topics))
        found = await self._endpoints.agreed(
            lambda node: self._log_reader.read(node, span, wanted, urgency),
            urgency,
            key=lambda logs: tuple(map(log_mark, logs)),
        )
        self._log_reader.note(found)
        return found

    def history(
        self,
        checkpoint: Checkpoint,
        addresses: Sequence[Address],
        *,
        progress: Callable[[Checkpoint], None] = lambda _: None,
    ) -> AsyncIterator[Piece]:
        """The logs of a long range in pieces, behind everything urgent; see `read_history`."""

        async def read(first: BlockNumber, last: BlockNumber) -> tuple[Log, ...]:
            return await self.logs(first, last, addresses, urgency=Urgency.BACKFILL)

        blocks = self._log_policy.range_blocks_max
        return read_history(read, checkpoint, piece_blocks=blocks, progress=progress)

    async def send_raw(self, raw: bytes) -> Broadcast:
        """Hands a signed transaction to every node; a node's no is an answer, not an exception."""
        return await self._endpoints.broadcast(raw)

    async def transaction_count(self, account: Address, block: Block = "latest") -> int:
        """How many transactions the account has sent by that block: its next nonce."""
        found = await self._ask_at(block, "eth_getTransactionCount", [account], Urgency.SENDING)
        return answers.quantity(found)

    async def nonces(self, account: Address) -> Nonces:
        """All three counts, with one node's pool: in one exchange where the node takes batches.

        With agreement the counts of the latest and the finalized block are those of blocks that
        so many operators have.
        """
        if self._endpoints.agreement == 1:
            return await self._endpoints.first(nonces_of(account), Urgency.SENDING)
        pending = await self.transaction_count(account, "pending")
        latest = await self.transaction_count(account, (await self.head(Urgency.SENDING)).number)
        final = await self.finalized(Urgency.SENDING)
        count = None if final is None else await self.transaction_count(account, final.number)
        return Nonces(finalized=count, latest=latest, pending=pending)

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

    async def balance(self, account: Address, block: Block = "latest") -> Wei:
        """An account's balance."""
        found = await self._ask_at(block, "eth_getBalance", [account], Urgency.DECIDING)
        return Wei(answers.quantity(found))

    async def code(self, account: Address) -> bytes:
        """A contract's code at the latest block; empty when there is none."""
        found = await self._ask_at("latest", "eth_getCode", [account], Urgency.DECIDING)
        return answers.octets(found)

    async def genesis(self) -> BlockHash:
        """The hash of the chain's first block, which tells one devnet from another.

        Raises:
            NodeUnavailable: the nodes do not have that block, and no setting names its hash.
        """
        if self._genesis is not None:
            return self._genesis
        found = await self._endpoints.agreed(genesis_of, Urgency.DECIDING)
        if found is None:
            raise NodeUnavailable("no node has the first block any more: set evm.genesis")
        return found

    async def _ask_at(self, block: Block, method: str, params: list[Any], urgency: Urgency) -> Any:
        """About one block as the operators agree; about "now" as one node says.

        With agreement, the finalized block is one that so many operators hold for final.
        """
        if block == "finalized" and self._endpoints.agreement > 1:
            final = await self.finalized(urgency)
            if final is None:
                raise NodeUnavailable("no block is final yet")
            block = final.number
        asked = [*params, _tag(block)]
        if isinstance(block, str):
            return await self._endpoints.request(method, asked, urgency)
        return await self._endpoints.agreed(
            lambda node: node.request(method, asked, urgency), urgency
        )


def _tag(block: Block) -> str:
    return block if isinstance(block, str) else hex(block)
