from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepers.liquidation.margin import (
    bad_debt,
    funding_owed,
    is_liquidatable,
    keeper_share,
    liquidation_price,
    penalty,
    profit,
    project_index,
    ratio_bps,
    remaining_margin,
)
from keepers.liquidation.positions import MarketParameters, Position
from tests.unit.keepers.liquidation.examples import GENESIS_TIME, PARAMETERS, TAO, market, position
from units import Bps, FundingIndex, PriceWei, Seconds, Timestamp, Wei

HOUR = 3_600
prices = st.integers(10**9, 10**24)
indices = st.integers(-(10**20), 10**20)
sizes = st.one_of(st.integers(1, 10_000), st.integers(1, 10**30))
positions = st.builds(
    lambda is_long, size, share, entry, index: position(
        is_long=is_long,
        size=size,
        margin=size * share // 10_000,
        entry_price=entry,
        entry_index=index,
    ),
    st.booleans(),
    sizes,
    st.integers(1, 10_000),
    prices,
    indices,
)
parameters = st.builds(
    lambda maintenance: replace(PARAMETERS, maintenance=Bps(maintenance)), st.integers(0, 10_000)
)


def in_market(long: int, short: int) -> int:
    """The index one interval after genesis."""
    at = replace(market(8), long_open_interest=Wei(long), short_open_interest=Wei(short))
    return project_index(at, Timestamp(GENESIS_TIME + 8 * HOUR))


@pytest.mark.parametrize(
    ("long", "short", "index"),
    [
        (5, 0, 75 * 10**14),
        (0, 5, -75 * 10**14),
        (3, 1, 375 * 10**13),
        (1, 2, -25 * 10**14),
        (4, 4, 0),
        (0, 0, 0),
    ],
)
def test_project_index__one_interval__moves_by_skew_times_maximum_rate(
    long: int, short: int, index: int
) -> None:
    assert in_market(long * TAO, short * TAO) == index


def test_project_index__uneven_division__is_floored_for_either_sign() -> None:
    odd = replace(PARAMETERS, funding_rate_max=1, funding_interval=Seconds(3))
    at = replace(market(8), parameters=odd, long_open_interest=Wei(2), short_open_interest=Wei(1))
    now = Timestamp(GENESIS_TIME + 1)
    assert project_index(at, now) == 0
    flipped = replace(at, long_open_interest=Wei(1), short_open_interest=Wei(2))
    assert project_index(flipped, now) == -1


def test_project_index__longer_than_the_cap__forfeits_the_rest() -> None:
    at = replace(market(8), long_open_interest=Wei(TAO))
    capped = project_index(at, Timestamp(GENESIS_TIME + 32 * HOUR))
    assert capped == 4 * 75 * 10**14
    assert project_index(at, Timestamp(GENESIS_TIME + 1_000 * HOUR)) == capped


def test_project_index__before_the_last_accrual__does_not_move() -> None:
    at = replace(market(8), long_open_interest=Wei(TAO), index=FundingIndex(7))
    assert project_index(at, Timestamp(GENESIS_TIME - 1)) == 7


def test_profit__uneven_division__is_floored_for_both_sides() -> None:
    long = position(size=10, entry_price=3)
    short = position(size=10, entry_price=3, is_long=False)
    assert profit(long, PriceWei(4)) == 3  # 3.33
    assert profit(long, PriceWei(2)) == -4  # −3.33
    assert profit(short, PriceWei(4)) == -4
    assert profit(short, PriceWei(2)) == 3


def test_funding_owed__uneven_division__is_ceiled_for_both_sides() -> None:
    long = position(size=1)
    short = position(size=1, is_long=False)
    assert funding_owed(long, FundingIndex(1)) == 1
    assert funding_owed(long, FundingIndex(-1)) == 0
    assert funding_owed(short, FundingIndex(1)) == 0
    assert funding_owed(short, FundingIndex(-1)) == 1


def test_is_liquidatable__three_times_leverage__falls_after_13_percent() -> None:
    long = position(margin=TAO, size=3 * TAO, entry_price=TAO)
    last_healthy = -(-13 * TAO // 15)  # entry × (1 + 20 % − 1/3), ceiled
    for price, falls in ((last_healthy, False), (last_healthy - 1, True)):
        remaining = remaining_margin(long, PriceWei(price), FundingIndex(0))
        assert is_liquidatable(long, PARAMETERS, remaining) is falls


def test_ratio_bps__negative_remaining__is_floored() -> None:
    assert ratio_bps(position(size=30_000), -1) == -1
    assert ratio_bps(position(size=30_000), 5_999) == 1_999


def test_penalty__remaining__is_five_percent_of_it_and_nothing_of_a_debt() -> None:
    assert penalty(PARAMETERS, 1_019) == 50
    assert penalty(PARAMETERS, -1_000) == 0
    assert keeper_share(PARAMETERS, Wei(50)) == 10
    assert bad_debt(-7) == 7
    assert bad_debt(7) == 0


@given(positions, parameters, indices)
def test_liquidation_price__any_position__is_the_exact_boundary(
    held: Position, rules: MarketParameters, index: FundingIndex
) -> None:
    def falls_at(price: int) -> bool:
        return is_liquidatable(held, rules, remaining_margin(held, PriceWei(price), index))

    boundary = liquidation_price(held, rules, index)
    if held.is_long and boundary is None:
        assert not falls_at(1)
    elif held.is_long:
        assert boundary is not None
        assert falls_at(boundary)
        assert not falls_at(boundary + 1)
    else:
        assert boundary is not None
        assert falls_at(boundary)
        assert boundary == 1 or not falls_at(boundary - 1)


@given(positions, prices, indices)
def test_remaining_margin__any_position__is_the_real_one_rounded_down_by_less_than_two_wei(
    held: Position, price: PriceWei, index: FundingIndex
) -> None:
    side = 1 if held.is_long else -1
    real = (
        held.margin
        + Fraction(side * held.size * (price - held.entry_price), held.entry_price)
        - Fraction(side * held.size * (index - held.entry_index), TAO)
    )
    assert real - 2 < remaining_margin(held, price, index) <= real
