"""The bound of nomination, attacked where its roundings are largest: whatever a contract can hold.

Small numbers are exact in floating point, so what is drawn here has all its digits: every case is
made of a seed, its magnitudes spread evenly over their logarithms.
"""

import math
from dataclasses import replace
from fractions import Fraction
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from keepers.liquidation.ladder import DRIFT_MAX
from keepers.liquidation.lines import Extent, abscissa, level_of
from keepers.liquidation.margin import liquidation_price
from keepers.liquidation.positions import Position
from keepers.liquidation.standing import Terms
from keepers.liquidation.versions import Positions
from tests.unit.keepers.liquidation.examples import position, sort_ladders
from tests.unit.keepers.liquidation.test_nomination import falls, on_the_boundary, terms
from units import BPS_ONE, ONE, Bps, FundingIndex, PriceWei, Wei

ROUNDOFF = Fraction(1, 2**53)
AMOUNT_MAX = 2**128 - 1
INDEX_MAX = 10**24
"""A million times of all that is owed: more than 40,000 years of the highest rate."""

DRIFT = int(DRIFT_MAX * ONE)

seeds = st.integers(0, 2**40)


def spread(random: Random, low: int, high: int) -> int:
    """A number with all its digits, its logarithm evenly distributed."""
    return min(max(int(math.exp(random.uniform(math.log(low), math.log(high)))), low), high)


def some_index(random: Random) -> int:
    return random.choice([1, -1]) * spread(random, 1, INDEX_MAX)


def hard_case(seed: int) -> tuple[Position, Terms]:
    """A position that its margin can still be chosen for, and terms, both of any magnitude."""
    random = Random(seed)
    index = some_index(random)
    entry_index = random.choice([some_index(random), index + random.randint(-ONE, ONE), -index, 0])
    size = spread(random, 1, AMOUNT_MAX)
    held = position(
        size=size,
        margin=0,
        entry_price=spread(random, 1, AMOUNT_MAX),
        entry_index=entry_index,
        is_long=random.random() < 1 / 2,
    )
    price = spread(random, 1, AMOUNT_MAX)
    return held, terms(price, index, random.choice([1, 2_000, 9_999, random.randint(1, 9_999)]))


@settings(max_examples=500)
@given(seeds)
def test_nominate__numbers_with_all_their_digits__misses_none_at_the_boundary(seed: int) -> None:
    drawn, at = hard_case(seed)
    for beyond in (-1, 0, 1):
        held = on_the_boundary(drawn, at, beyond)
        if held is not None:
            assert falls(held, at) is (beyond <= 0)
            assert beyond > 0 or is_found(held, at)


@settings(max_examples=300)
@given(seeds)
def test_nominate__a_wei_of_price_around_the_liquidation_price__misses_none_that_fall(
    seed: int,
) -> None:
    drawn, at = hard_case(seed)
    held = replace(drawn, margin=Wei(drawn.size // Random(seed).randint(1, 10)))
    price = liquidation_price(held, at.parameters, at.index)
    if price is None or price > AMOUNT_MAX:
        return
    inward = 1 if held.is_long else -1
    assert not falls(held, replace(at, price=PriceWei(price + inward))) or price + inward < 1
    for moved in (price, price - inward):
        if moved >= 1:
            assert is_found(held, replace(at, price=PriceWei(moved)))


def is_found(held: Position, at: Terms) -> bool:
    """By the look at every row and by the ladder."""
    positions = Positions.of([held])
    by_row = positions.scan({at.netuid: at}) == [held]
    sort_ladders(positions, {at.netuid: at})
    return by_row and positions.nominate({at.netuid: at}) == [held]


@settings(max_examples=300)
@given(seeds, st.integers(-DRIFT, DRIFT))
def test_nominate__a_crowd_sorted_at_another_index__misses_none_at_the_boundary(
    seed: int, drift: int
) -> None:
    """Everybody stands on the boundary at the index that is asked about, not at the sorted one."""
    random = Random(seed)
    _, at = hard_case(seed)
    scale = spread(random, 10**6, 10**30)
    crowd = [
        position(
            number,
            size=spread(random, 1, 10**30),
            margin=0,
            entry_price=scale + random.randint(0, scale),
            entry_index=at.index + random.randint(-ONE, ONE),
            is_long=bool(number % 2),
        )
        for number in range(1, 9)
    ]
    at = replace(at, price=PriceWei(scale + random.randint(0, scale)))
    moved = (on_the_boundary(each, at, random.choice([-1, 0])) for each in crowd)
    fallen = [each for each in moved if each is not None]
    positions = Positions.of(fallen)
    sort_ladders(positions, {at.netuid: replace(at, index=FundingIndex(at.index - drift))})
    assert {p.key for p in positions.nominate({at.netuid: at})} == {p.key for p in fallen}
    assert {p.key for p in positions.scan({at.netuid: at})} == {p.key for p in fallen}


@settings(max_examples=300)
@given(seeds, st.integers(-DRIFT, DRIFT))
def test_lines__any_line__errs_by_less_than_the_docstring_derives(seed: int, drift: int) -> None:
    """The bound itself, against exact fractions: what is computed, and what is allowed for it."""
    drawn, at = hard_case(seed)
    held = on_the_boundary(drawn, at, 0)
    if held is None:
        return
    x, x0 = (
        abscissa(replace(at, index=FundingIndex(at.index - by)), is_long=held.is_long)
        for by in (0, drift)
    )
    level, slope, price = line(held), float(held.entry_price), float(at.price)
    size = abs(slope * x) + abs(slope * x0) + abs(level) + price
    exact = exact_line(held, at)
    inward = 1 if held.is_long else -1
    direct = Fraction(slope * x + level) - exact
    widened = Fraction(slope * x0 + level) + Fraction((x - x0) * slope) - exact
    rounded = Fraction(price) - at.price
    for computed in (direct, widened):
        assert (rounded - computed) * inward <= 9 * ROUNDOFF * Fraction(size)
    extent = Extent(slope_min=slope, slope_max=slope, level_max=abs(level))
    allowed = extent.tolerance(price, abs(x) + abs(x0))
    assert Fraction(allowed) >= 9 * ROUNDOFF * Fraction(size)


@settings(max_examples=300)
@given(seeds)
def test_level_of__any_position__never_errs_towards_soundness(seed: int) -> None:
    held, at = hard_case(seed)
    held = replace(held, margin=Wei(Random(seed).randint(0, AMOUNT_MAX)))
    at_zero = replace(
        at, index=FundingIndex(0), parameters=replace(at.parameters, maintenance=Bps(0))
    )
    outward = 1 if held.is_long else -1
    assert (Fraction(line(held)) - exact_line(held, at_zero)) * outward >= 0


def line(held: Position) -> float:
    return level_of(
        is_long=held.is_long,
        margin=held.margin,
        size=held.size,
        entry_price=held.entry_price,
        entry_index=held.entry_index,
    )


def exact_line(held: Position, at: Terms) -> Fraction:
    """B + E·x without any rounding, for the position's side."""
    sign = 1 if held.is_long else -1
    share = Fraction(held.margin - 2, held.size)
    owed = Fraction(at.index - held.entry_index, ONE)
    maintenance = Fraction(at.parameters.maintenance, BPS_ONE)
    return held.entry_price * (1 - sign * share + owed + sign * maintenance)
