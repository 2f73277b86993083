"""Whose liquidation waits because the price it would be done at stands alone.

A system that has just come back is wrong more often than at any other time, and a liquidation
can't be undone: so the first price of a market after a break takes nobody; the next one does, which
is of a later finalized source block. What a break is can be read from the feed's rows at the ends
of the blocks that the book still remembers. Pure. Knows no source and no feeder.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from keepers.liquidation.assessment import judge
from keepers.liquidation.book import Book
from keepers.liquidation.evidence import Grounds
from keepers.liquidation.positions import FeedRow, PositionKey
from keepers.liquidation.selection import Candidate
from keepers.liquidation.standing import Terms
from units import Netuid, Seconds

_HELD_BY_THE_GUARD = 4
"""PriceFeed.Suspension.Jump: its blocks are themselves the confirmation."""
_PUSHES_THAT_CONFIRM = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Unconfirmed:
    """What waits at one block.

    `netuids`: markets whose price is the first since a break. `fresh`: candidates whom only the
    push of this very block brought below maintenance.
    """

    netuids: frozenset[Netuid] = frozenset()
    fresh: frozenset[PositionKey] = frozenset()


def unconfirmed(book: Book, candidates: Iterable[Candidate], silence_s_max: Seconds) -> Unconfirmed:
    """What waits at the book's block.

    Args:
        book: with the blocks it remembers. One that was just made from the views remembers none,
            and so knows of no break.
        candidates: who is below maintenance at its prices.
        silence_s_max: the oldest a price gets while a feeder works; more is a break.
    """
    fallen = tuple(candidates)
    netuids = {candidate.position.netuid for candidate in fallen}
    return Unconfirmed(
        netuids=frozenset(n for n in netuids if is_first(_rows(book, n), silence_s_max)),
        fresh=frozenset(each.position.key for each in fallen if _is_fresh(each, book)),
    )


def is_first(rows: Sequence[FeedRow], silence_s_max: Seconds) -> bool:
    """Whether the last of these rows has no second price since the last break that they show.

    A price that a resumption by hand brings back is none: it is of before the break.
    """
    pushes: int | None = None
    for before, after in pairwise(rows):
        is_pushed = after.source_block != before.source_block
        if _is_break(before) or (is_pushed and _was_silent(before, after, silence_s_max)):
            pushes = 0
        if is_pushed and pushes is not None:
            pushes += 1
    return pushes is not None and pushes < _PUSHES_THAT_CONFIRM


def _rows(book: Book, netuid: Netuid) -> list[FeedRow]:
    """The market's rows at the ends of the blocks that the book remembers, oldest first."""
    remembered = [step.markets for step in book.trail] + [book.markets]
    return [markets[netuid].feed for markets in remembered if netuid in markets]


def _is_break(row: FeedRow) -> bool:
    return row.suspension not in {0, _HELD_BY_THE_GUARD}


def _was_silent(before: FeedRow, after: FeedRow, silence_s_max: Seconds) -> bool:
    is_held = before.suspension == _HELD_BY_THE_GUARD
    return not is_held and after.source_time - before.source_time > silence_s_max


def _is_fresh(candidate: Candidate, book: Book) -> bool:
    """Whether it would not be below maintenance without the push of the book's own block."""
    netuid = candidate.position.netuid
    if not book.trail or book.trail[-1].before.number != book.head.number - 1:
        return False
    before = book.trail[-1].markets.get(netuid)
    if before is None or before.feed.source_block == book.markets[netuid].feed.source_block:
        return False
    markets = {netuid: book.markets[netuid]}
    grounds = Grounds(
        head=book.head, book=book.head, markets=markets, pushed={netuid: before.feed.price}
    )
    standing = grounds.standing(netuid)
    return isinstance(standing, Terms) and judge(candidate.position, standing) is None
