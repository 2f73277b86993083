"""A long read of logs in pieces, each agreed on and each with where to go on from there.

Whoever keeps the checkpoint of the last piece it has worked in may stop, crash, and go on.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

from fleet.chain.logs import Log
from units import BlockNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Blocks first..last are wanted, and everything below `next` has been had."""

    first: BlockNumber
    last: BlockNumber
    next: BlockNumber

    @property
    def is_done(self) -> bool:
        """Has everything been had?"""
        return self.next > self.last

    @property
    def progress(self) -> float:
        """The share that has been had, 0 to 1; for watching only."""
        blocks = self.last - self.first + 1
        return 1.0 if blocks <= 0 else (self.next - self.first) / blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """The logs of some blocks, and where to go on when they are worked in."""

    logs: tuple[Log, ...]
    checkpoint: Checkpoint


def beginning(first: BlockNumber, last: BlockNumber) -> Checkpoint:
    """Nothing has been had."""
    return Checkpoint(first=first, last=last, next=first)


async def read_history(
    read: Callable[[BlockNumber, BlockNumber], Awaitable[tuple[Log, ...]]],
    checkpoint: Checkpoint,
    *,
    piece_blocks: int,
    progress: Callable[[Checkpoint], None] = lambda _: None,
) -> AsyncIterator[Piece]:
    """The pieces that are left, in order.

    Args:
        read: all logs of a range, both ends included, or a failure.
        checkpoint: where to go on.
        piece_blocks: how many blocks a piece has at most.
        progress: hears after each piece.

    Raises:
        ChainError: as `read` raises it; the checkpoint of the last piece is where to go on.
    """
    while not checkpoint.is_done:
        end = BlockNumber(min(checkpoint.next + piece_blocks - 1, checkpoint.last))
        logs = await read(checkpoint.next, end)
        checkpoint = replace(checkpoint, next=BlockNumber(end + 1))
        progress(checkpoint)
        yield Piece(logs=logs, checkpoint=checkpoint)
