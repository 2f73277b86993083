"""Nomination must never miss: attacked at the boundary ± 1 wei, over every size and price."""

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keepers.liquidation.margin import (
    is_liquidatable,
    liquidation_price,
    remaining_margin,
)
from keepers.liquidation.positions import MarketParameters, Position
from keepers.liquidation.scan import Columns
from keepers.liquidation.standing import Terms
from tests.unit.keepers.liquidation.examples import PARAMETERS, TAO, position
from units import BPS_ONE, Bps, FundingIndex, Netuid, PositionId, PriceWei, Wei

ONE_RAO = 10**9
MILLION_TAO = 10**24

sizes = st.one_of(st.integers(1, 100), st.integers(1, 10**18), st.integers(1, 10**30))
prices = st.one_of(st.integers(ONE_RAO, 10**12), st.integers(ONE_RAO, MILLION_TAO))
indices = st.one_of(st.just(0), st.integers(-(10**18), 10**18), st.integers(-(10**23), 10**23))


def rules(maintenance: int) -> MarketParameters:
    return replace(PARAMETERS, maintenance=Bps(maintenance))


def terms(price: int, index: int, maintenance: int = 2_000, netuid: int = 8) -> Terms:
    return Terms(
        netuid=Netuid(netuid),
        price=PriceWei(price),
        index=FundingIndex(index),
        parameters=rules(maintenance),
    )


def is_nominated(held: Position, at: Terms) -> bool:
    columns = Columns()
    columns.follow({held.key.id: held})
    return columns.nominate({at.netuid: at}) == [held]


def on_the_boundary(held: Position, at: Terms, beyond: int) -> Position | None:
    """The position with its margin moved so that remaining is `beyond` wei above the highest
    liquidatable one; None when no margin does that."""
    highest = -(-held.size * at.parameters.maintenance // BPS_ONE) - 1
    margin = held.margin + highest + beyond - remaining_margin(held, at.price, at.index)
    return replace(held, margin=Wei(margin)) if margin >= 0 else None


def attack(
    *,
    size: int,
    entry: int,
    price: int,
    index: int,
    entry_index: int,
    is_long: bool,
    maintenance: int,
) -> tuple[Position, Terms]:
    held = position(
        size=size, margin=size, entry_price=entry, entry_index=entry_index, is_long=is_long
    )
    return held, terms(price, index, maintenance)


def extreme(is_long: bool, size: int = 10**30) -> tuple[Position, Terms]:
    """The position loses all that prices from 1 RAO to a million TAO and huge indices can take."""
    low, high = ONE_RAO, MILLION_TAO - 1
    rise = 10**23 - 1 if is_long else 1 - 10**23
    return attack(
        size=size,
        entry=high if is_long else low,
        price=low if is_long else high,
        index=rise,
        entry_index=-rise,
        is_long=is_long,
        maintenance=3_333,
    )


@settings(max_examples=1_000)
@given(
    st.builds(
        attack,
        size=sizes,
        entry=prices,
        price=prices,
        index=indices,
        entry_index=indices,
        is_long=st.booleans(),
        maintenance=st.integers(1, 9_999),
    )
)
@example(extreme(is_long=True))
@example(extreme(is_long=False))
@example(extreme(is_long=True, size=1))
def test_nominate__margin_at_the_boundary_and_one_wei_around__misses_none_that_fall(
    attacked: tuple[Position, Terms],
) -> None:
    drawn, at = attacked
    for beyond in (-1, 0, 1):
        held = on_the_boundary(drawn, at, beyond)
        if held is None:
            continue
        remaining = remaining_margin(held, at.price, at.index)
        assert is_liquidatable(held, at.parameters, remaining) is (beyond <= 0)
        if beyond <= 0:
            assert is_nominated(held, at)


@settings(max_examples=500)
@given(sizes, prices, indices, st.booleans(), st.integers(1, 10_000))
def test_nominate__price_at_the_liquidation_price__misses_none_that_fall(
    size: int, entry: int, entry_index: int, is_long: bool, share: int
) -> None:
    held = position(
        size=size,
        margin=size * share // 10_000,
        entry_price=entry,
        entry_index=entry_index,
        is_long=is_long,
    )
    price = liquidation_price(held, PARAMETERS, FundingIndex(entry_index))
    if price is not None:
        assert is_nominated(held, terms(price, entry_index))


@given(
    st.integers(10**16, 10**30),
    st.integers(10**13, 10**21),
    st.integers(-5_000, 5_000),
    st.booleans(),
)
def test_nominate__a_billionth_above_maintenance__is_not_bothered(
    size: int, entry: int, move: int, is_long: bool
) -> None:
    at = terms(entry * (10_000 + move) // 10_000, 10**16)
    held = on_the_boundary(
        position(size=size, entry_price=entry, is_long=is_long), at, size // 10**9
    )
    if held is not None:
        assert not is_nominated(held, at)


def test_nominate__far_out_of_float_range__is_left_to_the_integers() -> None:
    held = position(size=1, margin=0, entry_price=1)
    assert is_nominated(held, terms(10**308, 10**326))
    assert is_nominated(replace(held, is_long=False), terms(10**308, 10**326))


def test_nominate__market_without_terms__is_not_looked_at() -> None:
    falls, other = position(1, margin=0), position(2, margin=0, netuid=64)
    columns = Columns()
    columns.follow({held.key.id: held for held in (falls, other)})
    assert columns.nominate({Netuid(8): terms(TAO // 10, 0)}) == [falls]
    assert columns.nominate({}) == []
    assert columns.nominate({Netuid(9): terms(TAO // 10, 0, netuid=9)}) == []


def test_nominate__each_market_at_its_own_terms__takes_who_falls_there() -> None:
    held = [position(n, netuid=n % 2) for n in range(1, 9)]
    columns = Columns()
    columns.follow({p.key.id: p for p in held})
    at = {Netuid(0): terms(TAO // 10, 0, netuid=0), Netuid(1): terms(TAO // 20, 0, netuid=1)}
    assert columns.nominate(at) == [p for p in held if p.netuid == 1]


@pytest.mark.parametrize("count", [1, 1_024, 1_025, 5_000])
def test_follow__any_number_of_positions__holds_them_all(count: int) -> None:
    held = {p.key.id: p for p in (position(n, margin=0) for n in range(count))}
    columns = Columns()
    columns.follow(held)
    assert columns.nominate({Netuid(8): terms(TAO // 10, 0)}) == list(held.values())


books = st.dictionaries(
    st.integers(1, 12), st.tuples(st.booleans(), st.sampled_from([8, 64])), max_size=12
)


@given(st.lists(books, min_size=1, max_size=6))
def test_follow__any_run_of_books__nominates_as_if_built_anew(
    run: list[dict[int, tuple[bool, int]]],
) -> None:
    kept = Columns()
    at = {Netuid(8): terms(TAO // 10, 0)}
    earlier: dict[PositionId, Position] = {}
    for step in run:
        made = {
            p.key.id: earlier.get(p.key.id, p) if earlier.get(p.key.id) == p else p
            for p in (
                position(n, netuid=netuid, margin=0 if falls else 3 * TAO)
                for n, (falls, netuid) in step.items()
            )
        }
        kept.follow(made)
        anew = Columns()
        anew.follow(made)
        falling = {p.key for p in made.values() if p.margin == 0 and p.netuid == 8}
        assert {p.key for p in kept.nominate(at)} == falling
        assert {p.key for p in anew.nominate(at)} == falling
        earlier = made
