"""Whose liquidation waits because the price it would be done at stands alone.

A system that has just come back is wrong more often than at any other time, and a liquidation
can't be undone: so whoever fell at the first price of a market after a break is taken at the next
one, which is of a later finalized source block. What a break is can be read from the feed's rows at
the ends of the blocks that the book still remembers. Pure. Knows no source and no feeder.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from keepers.liquidation.assessment import judge
from keepers.liquidation.book import Book
from keepers.liquidation.evidence import Grounds
from keepers.liquidation.margin import project_index
from keepers.liquidation.positions import FeedRow, Market, PositionKey
from keepers.liquidation.selection import Candidate
from keepers.liquidation.standing import Terms
from units import Head, Netuid, Seconds

_HELD_BY_THE_GUARD = 4
"""PriceFeed.Suspension.Jump: its blocks are themselves the confirmation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unconfirmed:
    """Which candidates wait at one block.

    `first`: those who fell at the first price after a break, while no other stands in the feed.
    `fresh`: those whom only the push of this very block brought below maintenance.
    """

    first: frozenset[PositionKey] = frozenset()
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
    pushes = {n: pushes_since_break(list(_rows(book, n)), silence_s_max) for n in netuids}
    return Unconfirmed(
        first=frozenset(
            each.position.key for each in fallen if _waits(each, book, pushes[each.position.netuid])
        ),
        fresh=frozenset(each.position.key for each in fallen if _is_fresh(each, book)),
    )


def pushes_since_break(rows: Sequence[FeedRow], silence_s_max: Seconds) -> int | None:
    """How many prices have been pushed since the last break that these rows show; None: no break.

    0: the market was opened by hand, and its price is of before the break.
    """
    pushes: int | None = None
    for before, after in pairwise(rows):
        is_pushed = after.source_block != before.source_block
        if _is_break(before) or (is_pushed and _was_silent(before, after, silence_s_max)):
            pushes = 0
        if is_pushed and pushes is not None:
            pushes += 1
    return pushes


def _waits(candidate: Candidate, book: Book, pushes: int | None) -> bool:
    """Who fell later, by funding, does not: a feeder that works corrects a wrong price at once."""
    if pushes == 0:
        return _is_break(book.trail[-1].markets[candidate.position.netuid].feed)
    return pushes == 1 and _fell_with_the_price(candidate, book)


def _fell_with_the_price(candidate: Candidate, book: Book) -> bool:
    """Whether it was below maintenance as soon as the price stood in the feed."""
    position, row = candidate.position, book.markets[candidate.position.netuid].feed
    head, market = next(
        (head, market)
        for head, market in _remembered(book, position.netuid)
        if market.feed.source_block == row.source_block
    )
    then = Terms(
        netuid=position.netuid,
        price=row.price,
        index=project_index(market, head.time),
        parameters=market.parameters,
    )
    return judge(position, then) is not None


def _remembered(book: Book, netuid: Netuid) -> Iterator[tuple[Head, Market]]:
    """The market at the ends of the blocks that the book remembers, oldest first."""
    ends = [(step.before, step.markets) for step in book.trail] + [(book.head, book.markets)]
    return ((head, markets[netuid]) for head, markets in ends if netuid in markets)


def _rows(book: Book, netuid: Netuid) -> Iterator[FeedRow]:
    return (market.feed for _, market in _remembered(book, netuid))


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
    grounds = Grounds(
        head=book.head,
        book=book.head,
        markets={netuid: book.markets[netuid]},
        pushed={netuid: before.feed.price},
    )
    standing = grounds.standing(netuid)
    return isinstance(standing, Terms) and judge(candidate.position, standing) is None
