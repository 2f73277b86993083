"""The exchange's state and history, as the book reads them: a port."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from keepers.liquidation.moves import BlockMoves
from keepers.liquidation.positions import BookOutline, BookSnapshot, Position
from units import BlockHash, BlockNumber, Head, PositionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """The chain could not be read; `reason` is one line for an operator."""

    reason: str


class ExchangeLog(Protocol):
    """The exchange's state and history, as the follower reads them."""

    async def head(self) -> Head | Unreadable:
        """The latest block."""
        ...

    async def snapshot(self, at: Head) -> BookSnapshot | Unreadable:
        """All listed markets and open positions at the end of that very block (by hash)."""
        ...

    async def moves(self, first: BlockNumber, last: Head) -> tuple[BlockMoves, ...] | Unreadable:
        """The blocks from `first` up to `last` that have events, ascending.

        A node that does not know `last.hash`, or has not indexed its logs yet, answers a range
        with nothing; the implementation must make that `Unreadable`.
        """
        ...

    async def block_hash(self, number: BlockNumber) -> BlockHash | Unreadable | None:
        """The canonical block of that height now; None when the chain is not that high."""
        ...

    async def held(self, ids: Sequence[PositionId], at: Head) -> tuple[Position, ...] | Unreadable:
        """Which of these positions are open at the end of that very block (by hash)."""
        ...

    async def outline(self, at: Head) -> BookOutline | Unreadable:
        """All listed markets and the number of positions at the end of that block: few calls."""
        ...
