"""Keeps the book at the head and compares it with the chain now and then, as a bot's step.

For processes in which nobody else does: the feeder gives up on a book that takes too long, so a
book that only the feeder asked for might never be finished.
"""

from dataclasses import dataclass

from keepers.liquidation.follower import BookFollower, Unreadable
from keepers.liquidation.reconciliation import Mismatched, Reconciled
from units import Head


@dataclass(frozen=True, slots=True, kw_only=True)
class BookKept:
    """The book stands at `head` and holds that many positions.

    `reconciliation` is None when it was not due.
    """

    head: Head
    positions: int
    reconciliation: Reconciled | Mismatched | Unreadable | None


class BookUpkeep:
    """Follows every head; reconciles at least every `reconcile_blocks`, whoever else does."""

    def __init__(self, *, follower: BookFollower, reconcile_blocks: int) -> None:
        self._follower = follower
        self._reconcile_blocks = reconcile_blocks

    async def step(self, head: Head) -> BookKept | Unreadable:
        """Brings the book to `head`, then reconciles it when due."""
        book = await self._follower.at_head(head)
        if isinstance(book, Unreadable):
            return book
        reconciliation = await self.reconcile_when_due(book.head)
        return BookKept(
            head=book.head, positions=len(book.positions), reconciliation=reconciliation
        )

    async def confirm_restored(self, head: Head) -> bool:
        """Compares a book that was restored and never compared; whether it then may be used."""
        if self._follower.book is None or self._follower.reconciled_at is not None:
            return False
        return not isinstance(await self._follower.reconcile(head), Unreadable)

    async def reconcile_when_due(self, head: Head) -> Reconciled | Mismatched | Unreadable | None:
        """Compares the book with the chain's views, unless that was done lately (None)."""
        last = self._follower.reconciled_at
        if last is not None and head.number - last < self._reconcile_blocks:
            return None
        return await self._follower.reconcile(head)
