"""Where a followed book and the chain's own views of the same block differ. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from keepers.liquidation.book import Book
from keepers.liquidation.packing import unpacked
from keepers.liquidation.positions import BookOutline, BookSnapshot, Market, Position
from units import Head


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """The book equals the views at `head`, entry by entry."""

    head: Head


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatched:
    """The book differed from the views at `head`; one line a difference, at least one."""

    head: Head
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageReconciled:
    """A page of the book equals the views at `head`: so far `compared` of the positions do."""

    head: Head
    compared: int
    of: int


def compare(book: Book, snapshot: BookSnapshot) -> Reconciled | Mismatched:
    """Compares every market and position; open interest, indices and feed rows included."""
    if book.head != snapshot.head:
        line = f"the book is at block {book.head.number}, the views at {snapshot.head.number}"
        return Mismatched(head=book.head, differences=(line,))
    differences = (
        *_position_differences(book, snapshot),
        *market_differences(book, snapshot.markets),
    )
    if differences:
        return Mismatched(head=book.head, differences=differences)
    return Reconciled(head=book.head)


def compare_page(
    book: Book, records: Sequence[bytes], held: Iterable[Position], outline: BookOutline
) -> tuple[str, ...]:
    """One line a difference: some records of the book, of which the chain has `held`."""
    views = {position.key.id: position for position in held}
    differing = [
        f"position 0x{ours.key.id.hex()}: book {ours}, chain {views.get(ours.key.id)}"
        for ours in map(unpacked, records)
        if views.get(ours.key.id) != ours
    ]
    if outline.positions != len(book.positions):
        count = f"the chain counts {outline.positions} positions, the book {len(book.positions)}"
        differing.append(count)
    return (*differing, *market_differences(book, outline.markets))


def _position_differences(book: Book, snapshot: BookSnapshot) -> list[str]:
    views = {position.key.id: position for position in snapshot.positions}
    differing = {key for key, position in views.items() if not book.positions.holds(position)}
    if len(book.positions) != len(views) - len(differing):  # what differs may be in the book or not
        differing |= book.positions.keys() - views.keys()
    return [
        f"position 0x{key.hex()}: book {book.positions.get(key)}, chain {views.get(key)}"
        for key in sorted(differing)
    ]


def market_differences(book: Book, markets: Iterable[Market]) -> list[str]:
    """One line for each of the chain's markets at the book's block that differs from the book's."""
    views = {market.netuid: market for market in markets}
    return [
        f"market {netuid}: book {book.markets.get(netuid)}, chain {views.get(netuid)}"
        for netuid in sorted(book.markets.keys() | views.keys())
        if book.markets.get(netuid) != views.get(netuid)
    ]
