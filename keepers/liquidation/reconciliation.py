"""Where a followed book and the chain's own views of the same block differ. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from keepers.liquidation.book import Book
from keepers.liquidation.positions import BookSnapshot, Market
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
