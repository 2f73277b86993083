"""Keeps one book at the newest head for all bots of a process: from views once, then from logs.

What it must never do is take silence for an answer. Logs older than the node keeps come back
empty, so a gap beyond the horizon is never bridged by logs; a bridge of several blocks is checked
against the chain's own markets and its count of positions; and an index that accrues to another
value than the book foresaw means that something was missed. Each of these ends in a fresh
snapshot, or in `Unreadable`. A book that was contradicted counts as compared no more from that
moment on, and is never followed further: a snapshot of many takes a while, and may fail.
"""

import asyncio
from dataclasses import dataclass, field, replace

from keepers.liquidation.book import Book, following, opening, rewind
from keepers.liquidation.comparison import Comparison, ComparisonPolicy
from keepers.liquidation.exchange_log import ExchangeLog, Unreadable
from keepers.liquidation.folding import InconsistentEventsError
from keepers.liquidation.keeping import Checkpoints, NoCheckpoint
from keepers.liquidation.positions import ParametersChanged
from keepers.liquidation.rebuilds import FollowerCounts, RebuildReason
from keepers.liquidation.reconciliation import (
    Mismatched,
    PageReconciled,
    Reconciled,
    market_differences,
)
from keepers.liquidation.turns import in_turns
from units import BlockNumber, Head


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowerPolicy:
    """Limits of following.

    `rebuild_gap_blocks`: blocks that logs may bridge; below the ~300 blocks public nodes keep.
    `save_blocks`: how often a book that takes pages to compare is saved.
    """

    rebuild_gap_blocks: int = 200
    save_blocks: int = 100
    comparison: ComparisonPolicy = field(default_factory=ComparisonPolicy)


class BookFollower:
    """Owns the process's book. Safe for several bots at once; each answer is a frozen value."""

    def __init__(self, *, log: ExchangeLog, policy: FollowerPolicy) -> None:
        self._log = log
        self._policy = policy
        self._checkpoints: Checkpoints | None = None
        self._is_restorable = False
        self._lock = asyncio.Lock()
        self._book: Book | None = None
        self._counts = FollowerCounts()
        self._comparison = Comparison(log=log, policy=policy.comparison)
        self._reconciled_at: BlockNumber | None = None
        self._contradicted: str | None = None
        self._saved_at: BlockNumber | None = None

    @property
    def book(self) -> Book | None:
        """The newest book made so far, whatever block it stands at; None before the first."""
        return self._book

    @property
    def counts(self) -> FollowerCounts:
        """What it went through so far."""
        return self._counts

    @property
    def reconciled_at(self) -> BlockNumber | None:
        """The block at which the book was last equal to the chain's views, or read from them.

        None also for a book that was restored from a checkpoint and not compared since, and for
        one that turned out to be wrong and is not made anew yet.
        """
        return self._reconciled_at

    def keep(self, checkpoints: Checkpoints) -> None:
        """Starts with the book that is kept there, if it is of use, and keeps later ones there.

        For processes that stay: who asks once is better served by the views.
        """
        self._checkpoints, self._is_restorable = checkpoints, True

    async def at_head(self, head: Head | None = None) -> Book | Unreadable:
        """The book at `head` (the latest when None), or at a later block another bot brought it to.

        Cancelling it leaves the last book in place.
        """
        target = await self._target(head)
        if isinstance(target, Unreadable):
            return target
        standing = self._sound_at(target)
        if standing is not None:
            return standing  # also while a reconciliation holds the lock
        async with self._lock:
            return await self._caught_up(target)

    @property
    def is_paged(self) -> bool:
        """Whether `reconcile` compares only a page of the book at a time."""
        return self._book is not None and self._comparison.is_paged(self._book)

    async def reconcile(
        self, head: Head | None = None
    ) -> Reconciled | PageReconciled | Mismatched | Unreadable:
        """Compares the book, or a page, with views at its block; on a mismatch the views win.

        Others may bring the book forward meanwhile: what is compared is a version of it. Where
        the views can't be had after a mismatch, `reconciled_at` is None until somebody gets them.
        """
        book = await self.at_head(head)
        if isinstance(book, Unreadable):
            return book
        found = await self._comparison.of(book)
        if isinstance(found, Mismatched):
            self._contradict(found.differences[0])
            async with self._lock:
                await self._caught_up(self._newest(book))
        await self._note(found, book)
        return found

    def _sound_at(self, head: Head) -> Book | None:
        book = self._book
        if book is None or self._contradicted is not None or book.head.hash != head.hash:
            return None
        return book

    def _contradict(self, detail: str) -> None:
        """From now on nobody is liquidated by this book, however long another takes."""
        self._contradicted, self._reconciled_at = detail, None
        counts = self._counts
        self._counts = replace(counts, mismatches=counts.mismatches + 1, last_mismatch=detail)

    def _newest(self, book: Book) -> Head:
        return book.head if self._book is None else self._book.head

    async def _note(
        self, found: Reconciled | PageReconciled | Mismatched | Unreadable, book: Book
    ) -> None:
        if isinstance(found, Unreadable):
            return
        self._counts = replace(self._counts, reconciliations=self._counts.reconciliations + 1)
        if isinstance(found, Reconciled):
            self._reconciled_at = book.head.number
        if isinstance(found, PageReconciled) and not self._is_save_due():
            return
        if self._contradicted is None:
            await self._save()

    async def _target(self, head: Head | None) -> Head | Unreadable:
        return await self._log.head() if head is None else head

    async def _caught_up(self, head: Head) -> Book | Unreadable:
        if self._contradicted is not None:
            return await self._rebuilt(head, RebuildReason.MISMATCH, self._contradicted)
        book = self._book or await self._restored(head)
        if isinstance(book, Unreadable):
            return book
        if isinstance(book, NoCheckpoint):
            return await self._rebuilt(head, RebuildReason.START, book.reason)
        return await self._brought(book, head)

    async def _brought(self, book: Book, head: Head) -> Book | Unreadable:
        if await self._covers(book, head):
            return book
        ancestor = await self._ancestor(book, head)
        if isinstance(ancestor, Unreadable):
            return ancestor
        if ancestor is None:
            return await self._rebuilt(head, RebuildReason.DEEP_REORG)
        if head.number - ancestor.head.number > self._policy.rebuild_gap_blocks:
            return await self._rebuilt(head, RebuildReason.GAP)
        return await self._followed(ancestor, head)

    async def _restored(self, head: Head) -> Book | NoCheckpoint | Unreadable:
        """The saved book, when logs can lead from its block to `head`.

        Tried until that is known: a push that does not wait, or a silent node, tells nothing.
        """
        if self._checkpoints is None or not self._is_restorable:
            return NoCheckpoint(reason="")
        saved = await self._checkpoints.load()
        found = saved if isinstance(saved, NoCheckpoint) else await self._usable(saved, head)
        self._is_restorable = isinstance(found, Unreadable)
        if isinstance(found, Book):
            self._book = found
            self._counts = replace(self._counts, restored=self._counts.restored + 1)
        return found

    async def _usable(self, saved: Book, head: Head) -> Book | NoCheckpoint | Unreadable:
        at = saved.head
        if not 0 <= head.number - at.number <= self._policy.rebuild_gap_blocks:
            return NoCheckpoint(reason=f"the saved book is of block {at.number}")
        canonical = await self._log.block_hash(at.number)
        if isinstance(canonical, Unreadable):
            return canonical
        if canonical != at.hash:
            return NoCheckpoint(reason="the saved book's block is not on the chain")
        return saved

    def _is_save_due(self) -> bool:
        if self._book is None or self._saved_at is None:
            return True
        return self._book.head.number - self._saved_at >= self._policy.save_blocks

    async def _save(self) -> None:
        """Keeps the book, of which all or a page was just found or made equal to the views."""
        if self._checkpoints is not None and self._book is not None:
            self._saved_at = self._book.head.number
            await self._checkpoints.save(self._book)

    async def _covers(self, book: Book, head: Head) -> bool:
        """Whether `head` is the book's block or a forerunner of it that is still canonical."""
        if book.head.hash == head.hash:
            return True
        if head.number >= book.head.number:
            return False
        return await self._log.block_hash(book.head.number) == book.head.hash

    async def _ancestor(self, book: Book, head: Head) -> Book | Unreadable | None:
        """The newest state of the book that `head` descends from; None when it kept none."""
        linked = rewind(book, head.parent_hash)
        if linked is not None:
            return self._rewound(book, linked)
        for stood in (book.head, *(step.before for step in reversed(book.trail))):
            if stood.number >= head.number:
                continue
            canonical = await self._log.block_hash(stood.number)
            if isinstance(canonical, Unreadable):
                return canonical
            if canonical == stood.hash:
                return self._rewound(book, rewind(book, stood.hash))
        return None

    def _rewound(self, book: Book, ancestor: Book | None) -> Book | None:
        if ancestor is not None and ancestor is not book:
            self._counts = replace(self._counts, rewinds=self._counts.rewinds + 1)
        return ancestor

    async def _followed(self, book: Book, head: Head) -> Book | Unreadable:
        blocks = await self._log.moves(BlockNumber(book.head.number + 1), head)
        if isinstance(blocks, Unreadable):
            return blocks
        if any(isinstance(event, ParametersChanged) for block in blocks for event in block.events):
            return await self._rebuilt(head, RebuildReason.PARAMETERS)
        try:
            followed = await in_turns(following(book, blocks, head))
        except InconsistentEventsError as error:
            self._reconciled_at = None  # it missed something, or was told of another fork
            return await self._rebuilt(head, RebuildReason.INCONSISTENT, str(error))
        if head.number - book.head.number == 1:
            self._book = followed
            return followed
        return await self._checked(followed)

    async def _checked(self, book: Book) -> Book | Unreadable:
        """A bridge of several blocks: still the same chain, with the same markets and count."""
        canonical = await self._log.block_hash(book.head.number)
        if isinstance(canonical, Unreadable):
            return canonical
        if canonical != book.head.hash:
            return Unreadable(reason=f"block {book.head.number} was replaced while it was read")
        outline = await self._log.outline(book.head)
        if isinstance(outline, Unreadable):
            return outline
        if outline.positions != len(book.positions):
            detail = (
                f"the chain counts {outline.positions} positions, the book {len(book.positions)}"
            )
            return await self._rebuilt(book.head, RebuildReason.COUNT, detail)
        differences = market_differences(book, outline.markets)
        if differences:
            return await self._rebuilt(book.head, RebuildReason.MARKETS, differences[0])
        self._book = book
        return book

    async def _rebuilt(
        self, head: Head, reason: RebuildReason, detail: str = ""
    ) -> Book | Unreadable:
        snapshot = await self._log.snapshot(head)
        if isinstance(snapshot, Unreadable):
            return snapshot
        try:
            book = await in_turns(opening(snapshot))
        except InconsistentEventsError as error:
            return Unreadable(reason=f"the views contradict themselves: {error}")
        rebuilds = {**self._counts.rebuilds, reason: self._counts.rebuilds.get(reason, 0) + 1}
        self._counts = replace(self._counts, rebuilds=rebuilds, last_rebuild_detail=detail)
        self._comparison.start_over()
        self._book, self._contradicted = book, None
        self._reconciled_at = book.head.number
        return book
