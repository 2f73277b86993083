"""What is counted without a look at everybody is what a look at everybody counts."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from keepers.liquidation.assessment import viewing
from keepers.liquidation.book import Book
from keepers.liquidation.risk import RiskUnknown
from keepers.liquidation.standing import UnknownReason, sorting_terms
from keepers.liquidation.steps import finished
from keepers.liquidation.tally import MarketTally, Tally, tally
from tests.unit.keepers.liquidation.test_risk import (
    CRASH,
    JUMP,
    engine_on,
    exchange_with,
    opening,
    pushing,
    suspending,
)
from tests.unit.keepers.warnings.surveyed import LINES, NETUIDS, Block, BookWorld
from tests.unit.keepers.warnings.test_vigil import blocks, first_blocks
from units import Bps, Netuid


def by_a_look_at_everybody(book: Book, ratio: int) -> dict[Netuid, MarketTally]:
    opened: Counter[Netuid] = Counter()
    below: Counter[Netuid] = Counter()
    reasons = {}
    for risk in finished(viewing(book)).positions:
        netuid = risk.position.netuid
        opened[netuid] += 1
        reasons[netuid] = risk.unknown
        below[netuid] += risk.ratio_bps is not None and risk.ratio_bps < ratio
    return {
        netuid: MarketTally(
            open=opened[netuid],
            below=None if reasons[netuid] else below[netuid],
            unknown=reasons[netuid],
        )
        for netuid in opened
    }


def sort(book: Book) -> None:
    terms = {netuid: sorting_terms(each, book.head.time) for netuid, each in book.markets.items()}
    for sorting in book.positions.table.sortings(terms):
        sorting.take(sorting.order())


@settings(deadline=None, max_examples=300)
@given(first_blocks, st.lists(blocks, max_size=3), st.sampled_from(LINES.lines), st.booleans())
def test_tally__any_book__is_what_a_look_at_everybody_counts(
    first: Block, later: list[Block], line: Bps, is_sorted: bool
) -> None:
    world = BookWorld()
    for block in (first, *later):
        world.grow(block)
    book = world.books[-1]
    if is_sorted:  # as in a process that stays; a command finds no order
        sort(book)
    found = tally(book, line)
    expected = by_a_look_at_everybody(book, line)
    assert found.head == book.head
    assert {netuid: each for netuid, each in found.markets.items() if each.open} == expected
    assert set(found.markets) == {Netuid(netuid) for netuid in NETUIDS}


async def test_tally__book_unreadable__is_unknown() -> None:
    exchange = exchange_with(opening(1))
    exchange.down = {"snapshot"}
    found = await engine_on(exchange).tally(exchange.tip.head, Bps(2_000))
    assert isinstance(found, RiskUnknown)


async def test_tally__a_market_that_is_suspended__has_an_unknown_number_below() -> None:
    exchange = exchange_with(opening(1), opening(2, netuid=64), pushing(CRASH))
    exchange.grow(suspending(JUMP, 64))
    found = await engine_on(exchange).tally(exchange.tip.head, Bps(2_000))
    assert isinstance(found, Tally)
    assert found.markets == {
        Netuid(8): MarketTally(open=1, below=1, unknown=None),
        Netuid(64): MarketTally(open=1, below=None, unknown=UnknownReason.SUSPENDED),
    }
