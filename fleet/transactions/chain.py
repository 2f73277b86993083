"""What the sender needs of a chain, and nothing else. `fleet/chain/node.py` fits this shape.

Reads raise what the implementation raises when nobody answers; that passes through the sender,
whose state is in the journal. Answers to a broadcast and to a simulation are values.
"""

from collections.abc import Sequence
from typing import Any, Literal, Protocol

from units import Address, BlockHash, BlockNumber, Head, TxHash, Wei

Verdict = Literal[
    "accepted",
    "already known",
    "nonce too low",
    "nonce too high",
    "replacement underpriced",
    "fee too low",
    "insufficient funds",
    "invalid",
    "uncertain",
]
"""What a node said to a raw transaction. "uncertain": it may have it or not."""


class Broadcast(Protocol):
    """A node's answer to a raw transaction."""

    @property
    def verdict(self) -> Verdict:
        """What it means."""

    @property
    def detail(self) -> str:
        """The node's own words."""


class Simulation(Protocol):
    """What a transaction would do now."""

    @property
    def outcome(self) -> Literal["succeeds", "reverts", "unknown"]:
        """What would happen; unknown: the node gave no answer."""

    @property
    def data(self) -> bytes:
        """What the contract returned, or reverted with."""

    @property
    def detail(self) -> str:
        """The node's own words."""


class Quote(Protocol):
    """What gas costs, in wei."""

    @property
    def gas_price(self) -> int:
        """What the node asks."""

    @property
    def base_fee(self) -> int:
        """The base fee of the latest block."""


class Nonces(Protocol):
    """An account's next nonce by the chain."""

    @property
    def latest(self) -> int:
        """At the end of the block that was asked for."""

    @property
    def pending(self) -> int:
        """With what is in the pool."""


class Receipt(Protocol):
    """What became of a transaction."""

    @property
    def tx_hash(self) -> TxHash:
        """Whose receipt it is."""

    @property
    def block(self) -> BlockNumber:
        """Where it stands."""

    @property
    def block_hash(self) -> BlockHash:
        """In which block of that height."""

    @property
    def succeeded(self) -> bool:
        """False: it reverted."""

    @property
    def gas_used(self) -> int:
        """Of its gas limit."""

    @property
    def fee(self) -> Wei:
        """All that was paid for gas."""

    @property
    def logs(self) -> tuple[dict[str, Any], ...]:
        """As the node gave them."""


class Chain(Protocol):
    """The chain that one key sends to."""

    async def head(self) -> Head:
        """The latest block."""

    async def finalized(self) -> Head | None:
        """The latest finalized block; None when the node names none."""

    async def nonces(self, account: Address, block: BlockNumber) -> Nonces:
        """The account's next nonce at the end of a block, and with the pool."""

    async def count_at(self, account: Address, block: BlockNumber) -> int | None:
        """Its next nonce at the end of a block; None: no node that counts has that block."""

    async def receipts(self, hashes: Sequence[TxHash]) -> Sequence[Receipt | None]:
        """Of each; None while it is in no block that the nodes have indexed."""

    async def knows(self, tx_hash: TxHash) -> bool:
        """Does the node hold it, in its pool or in a block?"""

    async def spender_of(
        self, account: Address, nonce: int, *, after: BlockNumber, by: BlockNumber
    ) -> TxHash | None:
        """The transaction that used a nonce in a block of (after, by]; None: it can't be told."""

    async def fee_quote(self) -> Quote:
        """What gas costs at the latest block."""

    async def send_raw(self, raw: bytes) -> Broadcast:
        """Hands over a signed transaction; never raises for a node's no or silence."""

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
        """What the whole transaction would do; never raises for a node's no or silence."""
