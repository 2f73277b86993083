from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from oracle.alpha import change, has_moved_by, is_beyond, to_price_wei
from units import Bps, PriceWei, Rao

prices = st.integers(min_value=1, max_value=2**64 - 1).map(PriceWei)
distances = st.integers(min_value=1, max_value=100_000).map(Bps)


def test_to_price_wei__one_rao__is_a_billion_wei() -> None:
    assert to_price_wei(Rao(1)) == 10**9


def test_has_moved_by__exactly_the_distance__is_moved_but_not_beyond() -> None:
    reference, limit = PriceWei(10_000), Bps(10)
    assert has_moved_by(reference, PriceWei(10_010), limit)
    assert has_moved_by(reference, PriceWei(9_990), limit)
    assert not has_moved_by(reference, PriceWei(10_009), limit)
    assert not is_beyond(reference, PriceWei(10_010), limit)
    assert is_beyond(reference, PriceWei(10_011), limit)


@given(prices, prices, distances)
def test_comparisons__any_prices__agree_with_exact_fractions(
    reference: PriceWei, price: PriceWei, distance: Bps
) -> None:
    moved = Fraction(abs(price - reference), reference) * 10_000
    assert has_moved_by(reference, price, distance) == (moved >= distance)
    assert is_beyond(reference, price, distance) == (moved > distance)


@given(prices, prices)
def test_change__any_prices__is_the_floored_signed_move(
    reference: PriceWei, price: PriceWei
) -> None:
    exact = Fraction(price - reference, reference) * 10_000
    assert change(reference, price) <= exact < change(reference, price) + 1
