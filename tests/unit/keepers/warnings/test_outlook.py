"""How long a position may last, against the exact rules that end it."""

import math
import random
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from keepers.liquidation.assessment import PositionRisk
from keepers.liquidation.margin import (
    is_liquidatable,
    liquidation_price,
    project_index,
    ratio_bps,
    remaining_margin,
)
from keepers.liquidation.positions import Market, Position
from keepers.liquidation.standing import UnknownReason
from keepers.warnings.outlook import UNKNOWN, Moves, Outlook, Volatility, noted, outlook
from tests.unit.keepers.liquidation.examples import (
    GENESIS_TIME,
    PARAMETERS,
    TAO,
    market,
    position,
)
from units import Netuid, PriceWei, Seconds, Timestamp, Wei

YEARS = Seconds(10 * 365 * 86_400)


def crowded(longs: int, shorts: int, price: int = TAO // 10) -> Market:
    """A market whose accrual is not capped, so that its index can be projected for years."""
    return replace(
        market(8, price=price),
        long_open_interest=Wei(longs),
        short_open_interest=Wei(shorts),
        parameters=replace(PARAMETERS, funding_cap=YEARS),
    )


def judged(found: Position, at: Market) -> PositionRisk:
    remaining = remaining_margin(found, at.feed.price, at.index)
    return PositionRisk(
        position=found,
        remaining=remaining,
        ratio_bps=ratio_bps(found, remaining),
        unknown=None,
        liquidation_price=liquidation_price(found, at.parameters, at.index),
    )


@given(
    is_long=st.booleans(),
    longs=st.integers(0, 10**24),
    shorts=st.integers(0, 10**24),
    percent=st.integers(88, 112),
)
def test_by_funding__when_it_is_over_the_position_is_liquidatable_and_not_long_before(
    is_long: bool, longs: int, shorts: int, percent: int
) -> None:
    at = crowded(longs, shorts, price=TAO // 1_000 * percent)
    found = position(is_long=is_long)
    risk = judged(found, at)
    assert risk.remaining is not None
    assume(not is_liquidatable(found, at.parameters, risk.remaining))

    seconds = outlook(risk, at, None).by_funding

    def falls(after: float) -> bool:
        index = project_index(at, Timestamp(GENESIS_TIME + math.ceil(after)))
        return is_liquidatable(found, at.parameters, remaining_margin(found, at.feed.price, index))

    if seconds is None:
        assert not falls(YEARS), "who receives funding lasts"
    else:
        assume(seconds < YEARS // 2)
        assert falls(seconds * 1.001 + 2)
        assert not falls(seconds * 0.999 - 2)


def walk(sigma: float, steps: int, seed: int = 1) -> Volatility:
    """A price that moves by sigma a minute, seen every minute."""
    chance, price, memory = random.Random(seed), TAO / 10, dict[Netuid, Moves]()
    for step in range(steps):
        price *= math.exp(chance.gauss(0, sigma))
        at = {Netuid(8): market(8, price=int(price))}
        memory = dict(noted(memory, at, Timestamp(GENESIS_TIME + 60 * step)))
    return memory


def test_by_moves__a_known_volatility__is_found_again() -> None:
    sigma = 0.002
    memory = walk(sigma, steps=24 * 60)[Netuid(8)]
    at = crowded(0, 0)
    reached = 0.1 * (1 + 0.2 - 1 / 3)
    expected = 60 * ((0.1 - reached) / 0.1 / sigma) ** 2

    found = outlook(judged(position(), at), at, memory).by_moves

    assert found is not None
    assert expected / 1.5 < found < expected * 1.5


def test_by_moves__seen_for_ten_minutes__is_not_known() -> None:
    at = crowded(0, 0)

    assert outlook(judged(position(), at), at, walk(0.01, steps=10)[Netuid(8)]) == UNKNOWN


def test_by_moves__a_price_that_stands_still__is_not_known() -> None:
    at = crowded(0, 0)

    assert outlook(judged(position(), at), at, walk(0.0, steps=600)[Netuid(8)]) == UNKNOWN


def test_by_moves__twice_as_far__four_times_as_long() -> None:
    moves = Moves(price=PriceWei(TAO // 10), time=Timestamp(0), variance=1e-8, seen=Seconds(7_200))
    near, far = (
        outlook(judged(position(margin=margin), at := crowded(0, 0)), at, moves).by_moves
        for margin in (3 * TAO * 30 // 100, 3 * TAO * 40 // 100)
    )

    assert near is not None
    assert far is not None
    assert far / near == pytest.approx(4, rel=0.001)


@pytest.mark.parametrize("seconds", [0, -12])
def test_noted__the_same_block_or_one_before__adds_nothing(seconds: int) -> None:
    memory = walk(0.002, steps=60)
    moves = memory[Netuid(8)]
    again = noted(memory, {Netuid(8): market(8)}, Timestamp(moves.time + seconds))

    assert again[Netuid(8)] == replace(moves, price=PriceWei(TAO // 10))


def test_noted__a_market_without_a_price__is_forgotten() -> None:
    memory = walk(0.002, steps=60)
    suspended = market(8)
    suspended = replace(suspended, feed=replace(suspended.feed, suspension=3))

    assert noted(memory, {Netuid(8): suspended}, Timestamp(GENESIS_TIME + 3_600)) == {}


def test_outlook__risk_unknown_or_below_already__says_nothing() -> None:
    at = crowded(10**20, 0)
    risk = judged(position(), at)
    below = crowded(10**20, 0, price=TAO * 8 // 100)

    assert outlook(replace(risk, unknown=UnknownReason.STALE), at, None) == UNKNOWN
    assert outlook(judged(position(), below), below, None) == Outlook()
