"""Chain 964 as the fleet reads and writes it: typed questions to its nodes.

What names a block is asked of as many operators as must agree. Knows JSON-RPC method names and
units; nothing of the exchange, of keys or of who is asking. Every read takes an urgency; the rate
keeps a share for deciding and sending. What a sender asks is in `sending`.
"""

from collections.abc import AsyncIterator, Callable, Sequence

from fleet.chain import answers
from fleet.chain.answers import Sealed
from fleet.chain.calls import call_of
from fleet.chain.failures import NodeUnavailable
from fleet.chain.history import Checkpoint, Piece, read_history
from fleet.chain.horizon import Landmarks
from fleet.chain.log_reader import LogReader, Span
from fleet.chain.logs import Log, LogPolicy, Wanted, log_mark
from fleet.chain.member import Listener, genesis_of
from fleet.chain.pool import Pool
from fleet.chain.sending import Block, SendingNode
from fleet.chain.states import NodeState
from fleet.chain.throttle import Urgency
from units import Address, BlockHash, BlockNumber, Head, Wei


class Node(SendingNode):
    """The chain behind its endpoints. Raises `ChainError`s, see fleet/chain/failures.py."""

    def __init__(
        self,
        endpoints: Pool,
        *,
        log_policy: LogPolicy | None = None,
        genesis: BlockHash | None = None,
        landmarks: Sequence[BlockNumber] = (),
    ) -> None:
        super().__init__(endpoints)
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
            WrongChain: all of them serve another chain.
            NodeUnavailable: not one serves it.
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
        block: Block,
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

    async def balance(self, account: Address, block: Block = "latest") -> Wei:
        """An account's balance."""
        found = await self._ask_at(block, "eth_getBalance", [account], Urgency.DECIDING)
        return Wei(answers.quantity(found))

    async def code(self, account: Address, block: Block = "latest") -> bytes:
        """A contract's code; empty when there is none."""
        found = await self._ask_at(block, "eth_getCode", [account], Urgency.DECIDING)
        return answers.octets(found)

    async def storage(self, account: Address, slot: int, block: Block = "latest") -> bytes:
        """What a contract keeps in one slot."""
        arguments = [account, hex(slot)]
        found = await self._ask_at(block, "eth_getStorageAt", arguments, Urgency.DECIDING)
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
