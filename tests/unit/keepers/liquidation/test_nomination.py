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
from keepers.liquidation.standing import Terms
from keepers.liquidation.versions import Positions
from tests.unit.keepers.liquidation.examples import PARAMETERS, TAO, changed, position, sort_ladders
from units import BPS_ONE, Bps, FundingIndex, Netuid, PriceWei, Wei

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
    """By the ladder and by the referee alike."""
    positions = Positions.of([held])
    unsorted = positions.nominate({at.netuid: at})
    sort_ladders(positions, {at.netuid: at})
    found = positions.nominate({at.netuid: at}), positions.scan({at.netuid: at})
    assert found in (([held], [held]), ([], []))
    assert found[0] == unsorted
    return found[0] == [held]


def on_the_boundary(held: Position, at: Terms, beyond: int) -> Position | None:
    """The position with its margin moved so that remaining is `beyond` wei above the highest
    liquidatable one; None when no margin that fits does that."""
    highest = -(-held.size * at.parameters.maintenance // BPS_ONE) - 1
    margin = held.margin + highest + beyond - remaining_margin(held, at.price, at.index)
    return replace(held, margin=Wei(margin)) if 0 <= margin < 2**128 else None


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


# A crowd of lines that cross, asked at another index than the one they are sorted at

drifts = st.one_of(
    st.integers(-(2**10), 2**10),
    st.integers(-2 * 10**15, 2 * 10**15),
    st.integers(-(10**18), 10**18),
)
crowds = st.lists(
    st.builds(
        position,
        number=st.just(0),
        size=st.integers(10**9, 10**24),
        margin=st.integers(0, 10**24),
        entry_price=st.one_of(st.integers(10**17, 10**17 + 10**15), prices),
        entry_index=st.integers(-(10**18), 10**18),
        is_long=st.booleans(),
    ),
    min_size=1,
    max_size=30,
)


def numbered(crowd: list[Position], first: int) -> list[Position]:
    return [replace(p, key=position(number).key) for number, p in enumerate(crowd, start=first)]


@settings(max_examples=600)
@given(crowds, crowds, st.integers(-(10**18), 10**18), drifts, st.data())
def test_nominate__some_stand_on_the_boundary_after_a_drift__misses_none_that_fall(
    sorted_ones: list[Position], late: list[Position], index: int, drift: int, data: st.DataObject
) -> None:
    first, later = numbered(sorted_ones, 1), numbered(late, 100)
    victim = data.draw(st.sampled_from(first + later))
    price = liquidation_price(victim, PARAMETERS, FundingIndex(index + drift))
    price = PriceWei(TAO // 10) if price is None else price
    at = terms(price, index + drift)
    on_it = {
        p.key: on_the_boundary(p, at, data.draw(st.sampled_from([-1, 0, 1]))) or p
        for p in data.draw(st.lists(st.sampled_from(first + later), max_size=20))
    }
    first = [on_it.get(p.key, p) for p in first]
    later = [on_it.get(p.key, p) for p in later]
    positions = Positions.of(first)
    sort_ladders(positions, {Netuid(8): terms(price, index)})
    positions = changed(positions, {p.key.id: p for p in later})
    falling = {p.key for p in first + later if falls(p, at)}
    assert falling <= {p.key for p in positions.nominate({Netuid(8): at})}
    assert falling <= {p.key for p in positions.scan({Netuid(8): at})}


def falls(held: Position, at: Terms) -> bool:
    remaining = remaining_margin(held, at.price, at.index)
    return is_liquidatable(held, at.parameters, remaining)


def test_nominate__market_without_terms__is_not_looked_at() -> None:
    held, other = position(1, margin=0), position(2, margin=0, netuid=64)
    positions = Positions.of([held, other])
    assert positions.nominate({Netuid(8): terms(TAO // 10, 0)}) == [held]
    assert positions.nominate({}) == []
    assert positions.nominate({Netuid(9): terms(TAO // 10, 0, netuid=9)}) == []


def test_nominate__each_market_at_its_own_terms__takes_who_falls_there() -> None:
    held = [position(n, netuid=n % 2) for n in range(1, 9)]
    at = {Netuid(0): terms(TAO // 10, 0, netuid=0), Netuid(1): terms(TAO // 20, 0, netuid=1)}
    found = Positions.of(held).nominate(at)
    assert sorted(found, key=lambda p: p.key) == [p for p in held if p.netuid == 1]


def test_nominate__few_are_near__hardly_another_is_taken() -> None:
    held = [position(n, margin=TAO + n * TAO // 10_000) for n in range(5_000)]
    positions = Positions.of(held)
    sort_ladders(positions, {Netuid(8): terms(TAO // 10, 0)})
    at = terms(TAO // 10 * 8_650 // 10_000, -(10**15))
    falling = {p.key for p in held if falls(p, at)}
    assert 0 < len(falling) <= len(positions.nominate({Netuid(8): at})) < 2 * len(falling) + 50


@pytest.mark.parametrize("count", [1, 64, 65, 5_000])
def test_changed__any_number_of_positions__nominates_them_all(count: int) -> None:
    held = {p.key.id: p for p in (position(n, margin=0) for n in range(count))}
    first = position(10**6)
    for is_sorted in (False, True):
        positions = Positions.of([first])
        if is_sorted:
            sort_ladders(positions, {Netuid(8): terms(TAO // 10, 0)})
        positions = changed(positions, held)
        found = positions.nominate({Netuid(8): terms(TAO // 10, 0)})
        assert {p.key.id: p for p in found} == held
        assert positions == held | {first.key.id: first}


books = st.dictionaries(
    st.integers(1, 12), st.tuples(st.booleans(), st.sampled_from([8, 64])), max_size=12
)


@given(st.lists(books, min_size=1, max_size=6))
def test_changed__any_run_of_books__nominates_as_if_built_anew(
    run: list[dict[int, tuple[bool, int]]],
) -> None:
    kept = Positions.of([])
    at = {Netuid(8): terms(TAO // 10, 0)}
    for step in run:
        made = {
            p.key.id: p
            for p in (
                position(n, netuid=netuid, margin=0 if poor else 3 * TAO)
                for n, (poor, netuid) in step.items()
            )
        }
        gone = dict.fromkeys(kept.keys() - made.keys())
        kept = changed(kept, {**gone, **{key: p for key, p in made.items() if kept.get(key) != p}})
        assert kept == made
        poor = {p.key for p in made.values() if p.margin == 0 and p.netuid == 8}
        for version in (kept, Positions.of(made.values())):
            assert {p.key for p in version.nominate(at)} == poor
            assert {p.key for p in version.scan(at)} == poor


@given(
    st.dictionaries(st.integers(1, 30), st.booleans(), max_size=20),
    st.dictionaries(st.integers(1, 40), st.one_of(st.none(), st.booleans()), max_size=20),
    st.booleans(),
)
def test_sorting__the_book_goes_on_meanwhile__nominates_what_a_look_at_all_finds(
    before: dict[int, bool], meanwhile: dict[int, bool | None], is_begun_twice: bool
) -> None:
    at = {Netuid(8): terms(TAO // 10, 0)}
    positions = Positions.of(someone(n, poor) for n, poor in before.items())
    sortings = list(positions.table.sortings(at))
    orders = [sorting.order() for sorting in sortings]
    later = list(positions.table.sortings(at)) if is_begun_twice else []
    changes = {n: None if poor is None else someone(n, poor) for n, poor in meanwhile.items()}
    positions = changed(positions, {position(n).key.id: to for n, to in changes.items()})
    for sorting, order in zip(sortings, orders, strict=True):
        sorting.take(order)  # of no account where another was begun since
    for sorting in later:
        sorting.take(sorting.order())
    after = before | meanwhile
    poor = {position(n).key for n, is_poor in after.items() if is_poor}
    assert {p.key for p in positions.nominate(at)} == poor
    assert {p.key for p in positions.scan(at)} == poor
    assert not before or not list(positions.table.sortings(at))


def someone(number: int, is_poor: bool) -> Position:
    return position(number, margin=0 if is_poor else 3 * TAO)


def test_nominate__ladder_never_sorted__is_a_look_at_every_row() -> None:
    found = Positions.of(someone(n, n % 2 == 0) for n in range(100))
    poor = found.nominate({Netuid(8): terms(TAO // 10, 0)})
    assert sorted(p.key for p in poor) == [position(n).key for n in range(0, 100, 2)]
