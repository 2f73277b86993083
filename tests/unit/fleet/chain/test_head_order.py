from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fleet.chain.head_order import HeadOrder
from tests.unit.fleet.chain.played import head


def test_order__same_head_again__no_news() -> None:
    order = HeadOrder()
    assert order.admit(head(5))
    assert not order.admit(head(5))


def test_order__lagging_node__no_news() -> None:
    order = HeadOrder()
    for number in (4, 5, 7):
        assert order.admit(head(number))
    assert not order.admit(head(5)), "seen"
    assert not order.admit(head(6)), "never seen: it lags"
    assert order.newest == head(7)


def test_order__other_block_of_the_same_height__news() -> None:
    order = HeadOrder()
    order.admit(head(5))
    assert order.admit(head(5, "b"))
    assert order.newest == head(5, "b")


def test_order__reorganised_to_a_lower_height__news_and_the_old_branch_is_forgotten() -> None:
    order = HeadOrder()
    for number in (4, 5, 6):
        order.admit(head(number))
    assert order.admit(head(5, "b"))
    assert order.admit(head(6, "b"))
    assert order.admit(head(6, "a")), "and back"


@given(st.lists(st.tuples(st.integers(1, 30), st.sampled_from("ab")), max_size=200))
def test_order__any_sequence__news_is_never_the_head_before(heads: list[tuple[int, str]]) -> None:
    order = HeadOrder()
    admitted = [each for number, fork in heads if order.admit(each := head(number, fork))]
    for one, two in pairwise(admitted):
        assert two.number > one.number or two.hash != one.hash


def test_order__many_heads__memory_stays_small() -> None:
    order = HeadOrder()
    for number in range(5_000):
        order.admit(head(number))
    assert len(order._seen) < 600
    assert order.admit(head(4_990, "b"))


def test_order__a_head_made_up_once__its_first_younger_successor_takes_it_back() -> None:
    order = HeadOrder()
    boast = head(10**9, time=8 * 12)
    assert order.admit(head(8))
    assert order.admit(boast)
    assert not order.admit(head(8)), "known: it may lag"
    assert order.admit(head(9)), "younger and lower: no chain has both"
    assert order.refuted == boast
    assert order.newest == head(9)


def test_order__a_head_made_up_with_its_time__several_that_rise_take_it_back() -> None:
    order = HeadOrder()
    order.admit(head(8))
    order.admit(head(10**9))
    assert not order.admit(head(9))
    assert order.is_doubted
    assert not order.admit(head(9)), "the same again is not more"
    assert not order.admit(head(10))
    assert not order.admit(head(11))
    assert order.admit(head(12))
    assert order.admit(head(13))
    assert not order.is_doubted


def test_order__a_head_made_up_by_a_few_blocks__is_taken_back_as_well() -> None:
    order = HeadOrder()
    order.admit(head(8))
    order.admit(head(20))
    assert [order.admit(head(number)) for number in range(9, 14)] == [*[False] * 3, True, True]


def test_order__the_first_head_ever_is_made_up__the_true_ones_take_it_back() -> None:
    order = HeadOrder()
    order.admit(head(10**9))
    assert [order.admit(head(number)) for number in range(1, 6)] == [*[False] * 3, True, True]


def test_order__made_up_again_and_again_behind_one_address__believed_once() -> None:
    order = HeadOrder()
    boast = head(10**9)
    order.admit(head(8))
    said = [each for number in range(9, 40) for each in (boast, head(number), boast)]
    admitted = [each for each in said if order.admit(each)]
    assert admitted == [boast, *map(head, range(12, 40))]


def test_order__made_up_anew_each_time_with_the_clock_right__every_true_head_is_news() -> None:
    order = HeadOrder()
    order.admit(head(8))
    for number in range(9, 40):
        order.admit(head(10**9 + number, time=(number - 1) * 12))
        assert order.admit(head(number))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 2)), max_size=200))
def test_order__nodes_in_turn_some_blocks_apart__the_highest_leads_and_nothing_is_taken_back(
    turns: list[tuple[int, int]],
) -> None:
    order = HeadOrder()
    highest = 100
    order.admit(head(highest))
    for lag, rise in turns:
        if lag == 0:
            highest += rise
        order.admit(head(highest - lag))
        assert order.newest == head(highest)
    assert order.refuted is None


def test_order__a_node_far_behind_that_catches_up_on_what_was_seen__never_leads() -> None:
    order = HeadOrder()
    for number in range(1, 400):
        order.admit(head(number))
    assert not any(order.admit(head(number)) for number in range(1, 400))
    assert order.newest == head(399)


def test_continues__what_was_seen_or_stands_on_it() -> None:
    order = HeadOrder()
    order.admit(head(8))
    assert order.continues(head(8))
    assert order.continues(head(9))
    assert not order.continues(head(10))
    assert not order.continues(head(9, "b"))
    assert not order.continues(head(8, "b"))
