"""How many positions of each market are open, and how many of them are below a margin ratio.

The open ones are counted by the book. Floating point nominates those that may be below, exact
integers judge them; nobody else is looked at. Pure.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from keepers.liquidation.assessment import judge, judged_at
from keepers.liquidation.book import Book
from keepers.liquidation.standing import Terms, Unknown, UnknownReason
from units import Bps, Head, Netuid


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketTally:
    """The positions of one market. `below` is None exactly when `unknown` says why."""

    open: int
    below: int | None
    unknown: UnknownReason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Every market of a book at the end of block `head`."""

    head: Head
    markets: Mapping[Netuid, MarketTally]


def tally(book: Book, ratio: Bps) -> Tally:
    """Counts those whose ratio, floored, is less than `ratio`, at the feed's prices."""
    standings = {netuid: at.standing for netuid, at in judged_at(book).items()}
    asked = {n: _asked(at, ratio) for n, at in standings.items() if isinstance(at, Terms)}
    below = Counter(
        position.netuid
        for position in book.positions.nominate(asked)
        if judge(position, asked[position.netuid]) is not None
    )
    markets = {
        netuid: MarketTally(
            open=book.positions.count_in(netuid),
            below=None if isinstance(at, Unknown) else below[netuid],
            unknown=at.reason if isinstance(at, Unknown) else None,
        )
        for netuid, at in standings.items()
    }
    return Tally(head=book.head, markets=markets)


def _asked(at: Terms, ratio: Bps) -> Terms:
    """As if it were the maintenance margin: ⌊10⁴·r/S⌋ < t exactly when 10⁴·r < S·t."""
    return replace(at, parameters=replace(at.parameters, maintenance=ratio))
