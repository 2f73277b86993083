"""The book: every open position and market at one block, folded from events, rewound exactly.

A `Book` is a value. Following blocks gives a new one that carries what it takes to go back;
whoever holds the old one may keep reading it (see `versions.py`). Pure: knows no node, no clock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from keepers.liquidation.folding import Draft, InconsistentEventsError, require_sound
from keepers.liquidation.positions import BlockEvents, BookSnapshot, Market
from keepers.liquidation.versions import Positions
from units import BlockHash, Head, Netuid

UNDO_BLOCKS_MAX = 64


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
    markets = {market.netuid: market for market in snapshot.markets}
    if len({position.key.id for position in snapshot.positions}) != len(snapshot.positions):
        raise InconsistentEventsError("the snapshot holds a position id twice")
    for position in snapshot.positions:
        require_sound(position)
        if position.netuid not in markets:
            raise InconsistentEventsError(f"a position is in market {position.netuid}, not listed")
    return Book(head=snapshot.head, positions=Positions.of(snapshot.positions), markets=markets)


def follow(book: Book, blocks: Iterable[BlockEvents], head: Head) -> Book:
    """The book at `head`, a descendant of its block, given all events in between.

    Args:
        book: the book to start from; it stays as it is.
        blocks: blocks with events, ascending, after the book's and up to `head`.
        head: the block whose end the new book describes.

    Raises:
        InconsistentEventsError: the blocks are out of order or an event cannot follow.
    """
    draft = Draft(book.positions, book.markets)
    last = book.head.number
    for block in blocks:
        if not last < block.number <= head.number:
            raise InconsistentEventsError(f"block {block.number} cannot follow block {last}")
        if block.number == head.number and block.hash != head.hash:
            raise InconsistentEventsError(f"the events of block {head.number} are another fork's")
        last = block.number
        for event in block.events:
            draft.apply(event)
    return _advanced(book, draft, head)


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


def _advanced(book: Book, draft: Draft, head: Head) -> Book:
    step = Step(before=book.head, positions=book.positions, markets=book.markets)
    oldest = head.number - UNDO_BLOCKS_MAX
    kept = tuple(past for past in book.trail if past.before.number >= oldest)
    return Book(
        head=head,
        positions=book.positions.changed(draft.positions),
        markets={**book.markets, **draft.markets} if draft.markets else book.markets,
        trail=(*kept, step),
    )
