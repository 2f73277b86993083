"""The book: every open position and market at one block, folded from events, rewound exactly.

A `Book` is a value. Following blocks gives a new one that carries what it takes to go back;
whoever holds the old one may keep reading it (see `versions.py`). Pure: knows no node, no clock.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Final

from keepers.liquidation.directory import HeldTwiceError
from keepers.liquidation.folding import Draft, InconsistentEventsError, require_sound
from keepers.liquidation.moves import BlockMoves
from keepers.liquidation.packing import UnrepresentableError
from keepers.liquidation.positions import BlockEvents, BookSnapshot, Market
from keepers.liquidation.rows import Rows
from keepers.liquidation.steps import finished
from keepers.liquidation.table import Changes, Table
from keepers.liquidation.versions import Positions
from units import BlockHash, BlockNumber, Head, Netuid

UNDO_BLOCKS_MAX = 64

SLICE: Final = 1_000
"""Events, or changes, of one step of `following`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One advance of the book: where it stood before, and with what."""

    before: Head
    positions: Positions
    markets: Mapping[Netuid, Market]


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Positions and markets at the end of block `head`; `trail` leads back, oldest step first."""

    head: Head
    positions: Positions
    markets: Mapping[Netuid, Market]
    trail: tuple[Step, ...] = field(default=(), compare=False, repr=False)


def open_book(snapshot: BookSnapshot) -> Book:
    """The book at the snapshot's block; nothing before it can be rewound to.

    Raises:
        InconsistentEventsError: a position is unsound, held twice or in no market.
    """
    return finished(opening(snapshot))


def opening(snapshot: BookSnapshot) -> Generator[None, None, Book]:
    """The same in steps of some milliseconds."""
    markets = {market.netuid: market for market in snapshot.markets}
    try:
        rows = snapshot.positions
        records = (rows if isinstance(rows, Rows) else Rows.of(rows)).records
        for start in range(0, len(records), SLICE):
            require_sound(records[start : start + SLICE], markets)
            yield
        table = Table()
        yield from table.filling(records)
    except (UnrepresentableError, HeldTwiceError) as error:
        raise InconsistentEventsError(f"the snapshot: {error}") from error
    return Book(head=snapshot.head, positions=Positions(table), markets=markets)


def follow(book: Book, blocks: Iterable[BlockEvents | BlockMoves], head: Head) -> Book:
    """The book at `head`, a descendant of its block, given all events in between.

    Args:
        book: the book to start from; it stays as it is.
        blocks: blocks with events, ascending, after the book's and up to `head`.
        head: the block whose end the new book describes.

    Raises:
        InconsistentEventsError: the blocks are out of order or an event cannot follow.
    """
    return finished(following(book, blocks, head))


def following(
    book: Book, blocks: Iterable[BlockEvents | BlockMoves], head: Head
) -> Generator[None, None, Book]:
    """The same in steps of some milliseconds, between which others may read any book."""
    draft = Draft(book.positions, book.markets)
    last = book.head.number
    for some in _batches(blocks):
        draft.foresee(chain.from_iterable(block.events for block in some))
        for block in some:
            _require_next(block, last, head)
            last = block.number
            draft.take(block.events)
        yield
    positions = book.positions
    for changes in _slices(draft.records):
        yield
        positions = positions.with_records(changes)
    return _advanced(book, positions, draft.markets, head)


def rewind(book: Book, block: BlockHash) -> Book | None:
    """The book exactly as it stood at that block, or None when its trail does not reach it."""
    if book.head.hash == block:
        return book
    depth = next((i for i, step in enumerate(book.trail) if step.before.hash == block), None)
    if depth is None:
        return None
    step = book.trail[depth]
    return Book(
        head=step.before,
        positions=step.positions,
        markets=step.markets,
        trail=book.trail[:depth],
    )


def _require_next(block: BlockEvents | BlockMoves, last: BlockNumber, head: Head) -> None:
    if not last < block.number <= head.number:
        raise InconsistentEventsError(f"block {block.number} cannot follow block {last}")
    if block.number == head.number and block.hash != head.hash:
        raise InconsistentEventsError(f"the events of block {head.number} are another fork's")


def _batches(
    blocks: Iterable[BlockEvents | BlockMoves],
) -> Iterator[list[BlockEvents | BlockMoves]]:
    """Blocks in their order, so many together that they have `SLICE` events, or all there are."""
    some: list[BlockEvents | BlockMoves] = []
    count = 0
    for block in blocks:
        some.append(block)
        count += len(block.events)
        if count >= SLICE:
            yield some
            some, count = [], 0
    if some:
        yield some


def _slices(changes: Changes) -> Iterator[Changes]:
    pairs = iter(changes.items())
    while piece := dict(islice(pairs, SLICE)):
        yield piece


def _advanced(
    book: Book, positions: Positions, markets: Mapping[Netuid, Market], head: Head
) -> Book:
    step = Step(before=book.head, positions=book.positions, markets=book.markets)
    oldest = head.number - UNDO_BLOCKS_MAX
    kept = tuple(past for past in book.trail if past.before.number >= oldest)
    return Book(
        head=head,
        positions=positions,
        markets={**book.markets, **markets} if markets else book.markets,
        trail=(*kept, step),
    )
