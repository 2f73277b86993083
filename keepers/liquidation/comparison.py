"""Holds the book against the contract's own views: the whole of a small one, a large one in pages.

A position keeps its row for as long as it is open, so a walk over all rows meets everybody who was
open all the while. With an equal count, a book all of whose positions the chain confirms is the
chain's: it can't lack one without holding another too many. Each page is of one block, whichever
the book stands at by then; a walk begins anew with the process, and with every book made anew.
"""

from dataclasses import dataclass

from keepers.liquidation.book import Book
from keepers.liquidation.exchange_log import ExchangeLog, Unreadable
from keepers.liquidation.packing import ID_BYTES
from keepers.liquidation.reconciliation import (
    Mismatched,
    PageReconciled,
    Reconciled,
    compare,
    compare_page,
)
from units import PositionId


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonPolicy:
    """`whole_max`: up to so many positions all are compared at once. `page`: else so many."""

    whole_max: int = 2_000
    page: int = 500


class Comparison:
    """Where the walk over a large book stands. Not for several books at once."""

    def __init__(self, *, log: ExchangeLog, policy: ComparisonPolicy) -> None:
        self._log = log
        self._policy = policy
        self._place = 0
        self._compared = 0

    def is_paged(self, book: Book) -> bool:
        """Whether it takes more than one comparison to have seen all of that book."""
        return len(book.positions) > self._policy.whole_max

    def start_over(self) -> None:
        """Nothing of the book counts as compared."""
        self._place = self._compared = 0

    async def of(self, book: Book) -> Reconciled | PageReconciled | Mismatched | Unreadable:
        """Compares the book, or its next page, with views of its block."""
        if self.is_paged(book):
            return await self._page(book)
        self.start_over()
        snapshot = await self._log.snapshot(book.head)
        return snapshot if isinstance(snapshot, Unreadable) else compare(book, snapshot)

    async def _page(self, book: Book) -> Reconciled | PageReconciled | Mismatched | Unreadable:
        records, place = book.positions.table.walk(self._place, self._policy.page)
        ids = [PositionId(record[:ID_BYTES]) for record in records]
        outline = await self._log.outline(book.head)
        if isinstance(outline, Unreadable):
            return outline
        held = await self._log.held(ids, book.head)  # which makes sure that the block still stands
        if isinstance(held, Unreadable):
            return held
        differences = compare_page(book, records, held, outline)
        if differences:
            self.start_over()
            return Mismatched(head=book.head, differences=differences)
        compared = self._compared + len(records)
        if place is None:
            self.start_over()
            return Reconciled(head=book.head)
        self._place, self._compared = place, compared
        return PageReconciled(head=book.head, compared=compared, of=len(book.positions))
