"""Looks at a book for the warnings: at whoever must be looked at, where that is known, or at all.

Implements `keeper.Risks`. Knows no node, no store.
"""

import asyncio
from typing import Protocol

from keepers.liquidation.assessment import RiskView, viewing
from keepers.liquidation.book import Book, rewind
from keepers.liquidation.margin import project_index
from keepers.liquidation.risk import RiskUnknown
from keepers.liquidation.turns import in_turns
from keepers.liquidation.versions import Positions
from keepers.warnings.stretches import Stretches, stretches
from keepers.warnings.survey import Survey, Watches, everybody
from keepers.warnings.tiers import WarningPolicy
from keepers.warnings.vigil import Vigil
from units import Head


class Books(Protocol):
    """Where the book is; the liquidation room's engine is one."""

    async def book_at(self, head: Head) -> Book | RiskUnknown:
        """Every position at the end of `head`, or of a later block that is known already."""
        ...


class Lookout:
    """Surveys of one process's book, for one keeper."""

    def __init__(self, books: Books, policy: WarningPolicy) -> None:
        self._books = books
        self._lines = stretches(policy)
        self._vigil = Vigil(self._lines)
        self._asked: tuple[Positions, Survey] | None = None
        self._begun: _Look | None = None

    async def survey(self, head: Head, *, anew: bool) -> Survey | RiskUnknown:
        """See the port."""
        book = await self._books.book_at(head)
        if isinstance(book, RiskUnknown):
            return book
        self._drop_what_is_old(book)
        if anew:
            self._vigil.start_over()
        survey = await self._few(book)
        if survey is None:
            book, survey = await self._everybody(book)
        else:
            self._begun = None  # what is settled leads here: an older look would lead back
        self._asked = book.positions, survey
        return survey

    async def note(self, head: Head) -> None:
        """See the port."""
        book = await self._books.book_at(head)
        if isinstance(book, Book):
            self._drop_what_is_old(book)
            self._asked = None
            await in_turns(self._vigil.noting(book.positions))

    async def settle(self, head: Head, watches: Watches) -> None:
        """See the port."""
        if self._asked is None or self._asked[1].head != head:
            self._vigil.start_over()  # another one was asked for since
            return
        positions, survey = self._asked
        self._asked = None
        await in_turns(self._vigil.settling(positions, survey, watches))
        self._begun = None
        await self._sort(survey)

    async def _few(self, book: Book) -> Survey | None:
        """Whoever must be looked at; None: everybody must."""
        try:
            return await in_turns(self._vigil.surveying(book))
        except asyncio.CancelledError:
            self._vigil.start_over()  # they are so many that it is to be gone on with
            raise

    async def _everybody(self, newest: Book) -> tuple[Book, Survey]:
        """A look at everybody, and at which book: the one that was begun, while that is of use.

        A million take longer than a step may on a machine that has other work; begun anew each
        time it would never come to an end.
        """
        look, self._begun = self._begun or _Look(newest, self._lines), None
        try:
            survey = await look.survey()
        except asyncio.CancelledError:
            self._begun = look
            raise
        self._begun = look  # until it is settled
        return look.book, survey

    def _drop_what_is_old(self, newest: Book) -> None:
        """A look that was begun at a block to which the book can't go back any more."""
        if self._begun is not None and rewind(newest, self._begun.book.head.hash) is None:
            self._begun = None

    async def _sort(self, survey: Survey) -> None:
        """Ladders, one after the other, in another thread: the loop goes on meanwhile."""
        now = survey.head.time
        indices = {n: project_index(market, now) for n, market in survey.markets.items()}
        for sorting in self._vigil.sortings(indices):
            sorting.take(await asyncio.to_thread(sorting.order))


class _Look:
    """A look at everybody in one book; given up meanwhile, it is gone on with."""

    def __init__(self, book: Book, lines: Stretches) -> None:
        self.book = book
        self._lines = lines
        self._viewing = viewing(book)
        self._view: RiskView | None = None
        self._survey: Survey | None = None

    async def survey(self) -> Survey:
        """What it comes to."""
        if self._view is None:
            self._view = await in_turns(self._viewing)
        if self._survey is None:
            self._survey = await asyncio.to_thread(everybody, self._view, self._lines)
        return self._survey
