"""Tells a devnet in lock-step that a bot has finished a block; in production, nobody.

Finished with block n = decided on n, and all that was sent for n is accepted and journaled.
"""

from typing import Protocol

from units import BlockNumber


class Barrier(Protocol):
    """Who waits for a bot before the next block is sealed."""

    async def finished(self, name: str, block: BlockNumber) -> None:
        """The bot has finished the block that woke it."""
        ...


class NoBarrier:
    """A chain that waits for nobody."""

    async def finished(self, name: str, block: BlockNumber) -> None:
        """Nobody waits."""
