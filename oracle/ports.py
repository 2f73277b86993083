"""What the feeder needs of the two chains, declared by it and built by others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from oracle.feed import FeedRowView, SuspensionReason
from oracle.plan import Publication
from oracle.quotes import Reading, SourceHead, Unavailable
from units import BlockNumber, Head, Netuid, TxHash, Wei


class PriceSource(Protocol):
    """Where prices are read: finalized blocks of Subtensor."""

    async def read(self, number: BlockNumber) -> Reading | Unavailable:
        """All markets' prices and identities at the finalized block of this height."""

    async def finalized(self) -> SourceHead | Unavailable:
        """The newest finalized head, for a step that nobody announced one to."""

    async def buried(self, depth: int) -> Reading | Unavailable:
        """The same of the block so far below the best one, which nobody has finalized."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """The price feed at one block of chain 964: a row for every market that was asked for."""

    head: Head
    rows: Mapping[Netuid, FeedRowView]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The node accepted it and the journal holds it."""

    tx_hash: TxHash


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent:
    """Nothing went out; `reason` is one line.

    `is_moot`: another feeder had done it already, so nothing is left undone.
    """

    reason: str
    is_moot: bool = False


class Feed(Protocol):
    """The price feed on chain 964."""

    async def rows(self, netuids: Sequence[Netuid]) -> FeedState | Unavailable:
        """The rows of these markets, all at the newest block."""

    async def submit(self, publication: Publication) -> Sent | NotSent:
        """Push the updates and liquidate in the same transaction; returns before it is mined."""

    async def push_cost(self) -> Wei | Unavailable:
        """What the push of one price costs at the present fee."""

    async def suspend(
        self, netuids: Sequence[Netuid], reason: SuspensionReason, head: Head
    ) -> Sent | NotSent:
        """Say on chain that these prices are not known; returns before it is mined."""
