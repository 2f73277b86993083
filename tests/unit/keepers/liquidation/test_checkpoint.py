"""A book that was saved is the same book, or it is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepers.liquidation.book import follow, open_book
from keepers.liquidation.checkpoint import CheckpointError, Stamp, freezing, sealed, thawed
from keepers.liquidation.steps import finished
from tests.unit.keepers.liquidation.examples import TAO, TRADER
from tests.unit.keepers.liquidation.simulated import Action, Block, SimulatedExchange, as_events
from units import Address

STAMP = Stamp(chain_id=964, exchange=TRADER)
BLOCKS = st.lists(
    st.tuples(st.booleans(), st.sampled_from([8, 64]), st.integers(1, 12), st.booleans()),
    max_size=20,
)


def opening(netuid: int, is_long: bool, number: int) -> Action:
    return lambda block: block.open(netuid, is_long, number * TAO, number)


def closing(number: int) -> Action:
    def close(block: Block) -> None:
        for held in list(block.positions.values())[:number][-1:]:
            block.close(held)

    return close


def exchange_of(steps: list[tuple[bool, int, int, bool]]) -> SimulatedExchange:
    exchange = SimulatedExchange()
    for is_open, netuid, number, is_long in steps:
        if is_open:
            exchange.grow(opening(netuid, is_long, number))
        else:
            exchange.grow(closing(number))
    return exchange


def saved(exchange: SimulatedExchange) -> bytes:
    """What is saved of a book that followed the exchange from its first block."""
    book = open_book(exchange.branch()[0].snapshot())
    for block in exchange.branch()[1:]:
        book = follow(book, as_events([block]), block.head)
    return b"".join(sealed(finished(freezing(book, STAMP))))


@given(BLOCKS)
def test_thawed__any_book_with_rows_that_are_free__is_the_book(
    steps: list[tuple[bool, int, int, bool]],
) -> None:
    exchange = exchange_of(steps)
    book = thawed(saved(exchange), STAMP)
    assert book.head == exchange.tip.head
    assert book.positions == exchange.tip.positions
    assert book.markets == exchange.tip.markets
    following = exchange.grow(lambda block: block.open(8, True, TAO, 99))
    followed = follow(book, as_events([following]), following.head)
    assert followed.positions == following.positions


WHOLE = saved(exchange_of([(True, 8, 1, True), (True, 64, 2, False)]))


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_thawed__one_byte_is_another__is_refused(place: int, change: int) -> None:
    damaged = bytearray(WHOLE)
    damaged[place] ^= change
    with pytest.raises(CheckpointError):
        thawed(bytes(damaged), STAMP)


@given(st.integers(0, len(WHOLE) - 1))
def test_thawed__cut_off_anywhere__is_refused(length: int) -> None:
    with pytest.raises(CheckpointError):
        thawed(WHOLE[:length], STAMP)


@pytest.mark.parametrize(
    "other",
    [
        Stamp(chain_id=945, exchange=TRADER),
        Stamp(chain_id=964, exchange=Address("0x0000000000000000000000000000000000000001")),
    ],
)
def test_thawed__of_another_exchange__is_refused(other: Stamp) -> None:
    with pytest.raises(CheckpointError, match="it is of"):
        thawed(WHOLE, other)
