from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.sources.rising import LAG_BLOCKS_MAX, Rise


def rises(heights: Iterable[int]) -> list[int]:
    """The heights that were rises, each said at a second of its own and held alone."""
    rise, found = Rise(), []
    for now, height in enumerate(heights):
        rise.note(height, height, now)
        if rise.risen_at == now:
            found.append(height)
    return found


def test_rise__heights_that_rise__each_is_one() -> None:
    assert rises([100, 101, 104, 500]) == [100, 101, 104, 500]


def test_rise__taken_back_and_said_again__is_none() -> None:
    assert rises([1_000, 900, 1_000, 900, 1_000, 900]) == [1_000]


def test_rise__a_node_that_catches_up_on_what_was_passed__is_none() -> None:
    passed = [*range(100, 1_000, 3)]
    assert rises([*passed, 500, 501, 502, 1_000, 503, 504]) == [*passed, 1_000]


def test_rise__a_height_that_was_made_up_and_taken_back__true_ones_are() -> None:
    assert rises([100, 10**9, 101, 102, 103]) == [100, 10**9, 102, 103]


def test_rise__made_up_and_true_ones_in_turn__true_ones_are() -> None:
    said = [each for height in range(101, 140, 2) for each in (10**9, height, height + 1)]
    assert rises([100, *said]) == [100, 10**9, *range(102, 141, 2)]


def test_rise__said_by_one_and_not_held_by_enough__is_measured_from_what_is_held() -> None:
    rise = Rise()
    rise.note(100, 100, 1.0)
    rise.note(102, 90, 2.0)
    assert rise.risen_at == 2.0


@pytest.mark.parametrize("far", [LAG_BLOCKS_MAX + 1, 5 * LAG_BLOCKS_MAX])
@given(turns=st.lists(st.booleans(), max_size=50))
def test_rise__any_turns_of_two_that_stand__is_none(far: int, turns: list[bool]) -> None:
    assert rises([1_000, *(1_000 - far * each for each in turns)]) == [1_000]
