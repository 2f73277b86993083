"""Keeps the book at the head and compares it with the chain now and then, as a bot's step.

For processes in which nobody else does: the feeder gives up on a book that takes too long, so a
book that only the feeder asked for might never be finished.
"""

import asyncio
from dataclasses import dataclass

from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.follower import BookFollower
from keepers.liquidation.reconciliation import Mismatched, PageReconciled, Reconciled
from keepers.liquidation.standing import sorting_terms
from units import BLOCK_TIME, BlockNumber, Head, Timestamp

Reconciliation = Reconciled | PageReconciled | Mismatched | Unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class BookKept:
    """The book stands at `head` and holds that many positions.

    `reconciliation` is None when it was not due.
    """

    head: Head
    positions: int
    reconciliation: Reconciliation | None


class BookUpkeep:
    """Follows every head; reconciles at least every `reconcile_blocks`, whoever else does.

    A book that takes pages to compare has one compared every `page_blocks`, and until it has been
    gone through once up to `hurry_pages` at every head. A page is five requests.
    """

    def __init__(
        self,
        *,
        follower: BookFollower,
        reconcile_blocks: int,
        page_blocks: int = 5,
        hurry_pages: int = 50,
    ) -> None:
        self._follower = follower
        self._reconcile_blocks = reconcile_blocks
        self._page_blocks = page_blocks
        self._hurry_pages = hurry_pages
        self._compared_at: BlockNumber | None = None

    async def step(self, head: Head) -> BookKept | Unreadable:
        """Brings the book to `head`, then looks after it."""
        book = await self._follower.at_head(head)
        if isinstance(book, Unreadable):
            return book
        return BookKept(
            head=book.head,
            positions=len(book.positions),
            reconciliation=await self.look_after(book.head),
        )

    async def confirm_restored(self, head: Head) -> bool:
        """Compares a book that was restored and never compared; whether it then may be used."""
        if self._follower.book is None or self._follower.reconciled_at is not None:
            return False
        await self._reconciled(head)
        return self._follower.reconciled_at is not None

    async def look_after(self, head: Head) -> Reconciliation | None:
        """Sorts what is to be sorted, then compares the book unless that was done lately (None)."""
        await self._sort()
        return await self._reconciled(head) if self._is_due(head) else None

    def _is_due(self, head: Head) -> bool:
        whole, page = self._follower.reconciled_at, self._compared_at
        if whole is None:
            return True
        if self._follower.is_paged:
            return page is None or head.number - page >= self._page_blocks
        return head.number - whole >= self._reconcile_blocks

    async def _reconciled(self, head: Head) -> Reconciliation:
        found = await self._follower.reconcile(head)
        for _ in range(self._hurry_pages - 1):
            if self._follower.reconciled_at is not None or not isinstance(found, PageReconciled):
                break
            found = await self._follower.reconcile(head)
        if not isinstance(found, Unreadable):
            self._compared_at = head.number
        return found

    async def _sort(self) -> None:
        """Ladders, one after the other, in another thread: the loop goes on meanwhile."""
        book = self._follower.book
        if book is None:
            return
        lands_at = Timestamp(book.head.time + BLOCK_TIME)
        terms = {netuid: sorting_terms(each, lands_at) for netuid, each in book.markets.items()}
        for sorting in book.positions.table.sortings(terms):
            sorting.take(await asyncio.to_thread(sorting.order))
