"""Every difference between a book and the views is found, and nothing else."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from keepers.liquidation.book import open_book
from keepers.liquidation.positions import Position
from keepers.liquidation.reconciliation import Mismatched, Reconciled, compare
from tests.unit.keepers.liquidation.examples import position
from tests.unit.keepers.liquidation.simulated import SimulatedExchange
from units import PositionId, Wei

SNAPSHOT = SimulatedExchange().tip.snapshot()

held = st.dictionaries(st.integers(1, 6), st.sampled_from([1, 2, 2**130]), max_size=6)


def positions(numbers: dict[int, int]) -> dict[PositionId, Position]:
    made = (position(number, margin=margin) for number, margin in numbers.items())
    return {each.key.id: each for each in made}


@given(held, held)
def test_compare__any_two_books__names_every_position_that_is_not_the_same(
    ours: dict[int, int], theirs: dict[int, int]
) -> None:
    mine = positions({number: min(margin, 2) for number, margin in ours.items()})
    chain = positions(theirs)
    book = open_book(replace(SNAPSHOT, positions=tuple(mine.values())))
    found = compare(book, replace(SNAPSHOT, positions=tuple(chain.values())))
    differing = sorted(key for key in mine | chain if mine.get(key) != chain.get(key))
    if not differing:
        assert found == Reconciled(head=SNAPSHOT.head)
        return
    assert isinstance(found, Mismatched)
    assert [line.split(":")[0] for line in found.differences] == [
        f"position 0x{key.hex()}" for key in differing
    ]


def test_compare__another_open_interest__is_a_difference() -> None:
    first, *others = SNAPSHOT.markets
    moved = replace(first, long_open_interest=Wei(1))
    found = compare(open_book(SNAPSHOT), replace(SNAPSHOT, markets=(moved, *others)))
    assert isinstance(found, Mismatched)
    assert len(found.differences) == 1
