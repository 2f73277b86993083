import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.transactions.fees import (
    Fee,
    FeeMode,
    FeePolicy,
    Quoted,
    bumped_fee,
    first_fee,
    gas_price_cap,
    insistent_fee,
)

GWEI = 10**9


def gas(price: int, base_fee: int, recent: int = 0) -> Quoted:
    return Quoted(gas_price=price, base_fee=base_fee, recent_base_fee=max(recent, base_fee))


prices = st.integers(0, 10**13)
modes = st.sampled_from(FeeMode)


def test_first_fee__idle_chain__the_floor_with_room_for_one_full_block() -> None:
    fee = first_fee(gas(10 * GWEI, 10 * GWEI), FeePolicy(), FeePolicy().payload_ceiling)
    assert fee == Fee(max_fee=11_300_000_000)


def test_first_fee__node_quotes_below_the_floor__the_floor_counts() -> None:
    quote = gas(8_750_000_000, 8_750_000_000)
    assert first_fee(quote, FeePolicy(headroom_percent=0), 10**12) == Fee(max_fee=10 * GWEI)


def test_first_fee__base_fee_has_just_fallen__the_highest_of_late_counts() -> None:
    quote = gas(10 * GWEI, 10 * GWEI, recent=20 * GWEI)
    assert first_fee(quote, FeePolicy(), 10**12) == Fee(max_fee=22_600_000_000)


def test_first_fee__base_fee_above_the_cap__none() -> None:
    assert first_fee(gas(30 * GWEI, 30 * GWEI), FeePolicy(), 29 * GWEI) is None


def test_first_fee__quote_out_of_all_proportion__capped() -> None:
    fee = first_fee(gas(10**15, 10 * GWEI), FeePolicy(), 50 * GWEI)
    assert fee == Fee(max_fee=50 * GWEI)


def test_first_fee__eip1559__has_a_tip() -> None:
    fee = first_fee(gas(10 * GWEI, 10 * GWEI), FeePolicy(mode=FeeMode.EIP1559), 10**12)
    assert fee == Fee(max_fee=11_300_000_000, tip=GWEI)


@given(price=prices, base=prices, cap=st.integers(1, 10**13), mode=modes)
def test_first_fee__anything__between_base_fee_and_cap(
    price: int, base: int, cap: int, mode: FeeMode
) -> None:
    fee = first_fee(gas(price, base), FeePolicy(mode=mode), cap)
    if fee is None:
        assert base > cap or cap < FeePolicy().floor
    else:
        assert base <= fee.max_fee <= cap
        assert fee.tip is None or fee.tip <= fee.max_fee


@given(
    old=st.integers(10 * GWEI, 200 * GWEI),
    tip=st.integers(1, GWEI),
    price=prices,
    base=prices,
    cap=st.integers(1, 200 * GWEI),
    mode=modes,
)
def test_bumped_fee__anything__replaces_in_every_pool_and_stays_below_the_cap(
    *, old: int, tip: int, price: int, base: int, cap: int, mode: FeeMode
) -> None:
    policy = FeePolicy(mode=mode)
    previous = Fee(max_fee=old, tip=tip if mode is FeeMode.EIP1559 else None)
    fee = bumped_fee(previous, gas(price, base), policy, cap)
    if fee is None:
        assert old * 113 > cap * 100
        return
    assert fee.max_fee * 8 >= old * 9, "12.5 %"
    assert fee.max_fee * 100 >= old * 113
    assert fee.max_fee <= cap
    if fee.tip is not None:
        assert fee.tip * 10 >= tip * 11


@given(ceiling=st.integers(12 * GWEI, 10**13), bump=st.integers(10, 100), base=prices)
def test_payload_ceiling__offered_in_full__one_bump_still_fits(
    ceiling: int, bump: int, base: int
) -> None:
    policy = FeePolicy(floor=GWEI, ceiling=ceiling, bump_percent=bump)
    at_most = Fee(max_fee=policy.payload_ceiling)
    assert bumped_fee(at_most, gas(base, base), policy, policy.ceiling) is not None


@given(price=prices, base=prices)
def test_insistent_fee__anything__never_above_the_ceiling(price: int, base: int) -> None:
    assert FeePolicy().floor <= insistent_fee(gas(price, base), FeePolicy()).max_fee <= 200 * GWEI


@given(limit=st.integers(0, 10**20), gas=st.integers(21_000, 75_000_000))
def test_gas_price_cap__spend_limit__is_never_passed(limit: int, gas: int) -> None:
    assert gas_price_cap(limit, gas, 200 * GWEI) * gas <= limit
    assert gas_price_cap(None, gas, 200 * GWEI) == 200 * GWEI


@pytest.mark.parametrize(
    "changes", [{"floor": 190 * GWEI}, {"floor": 0}, {"bump_percent": 0}, {"tip": 0}]
)
def test_fee_policy__contradicts_itself__refused(changes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="no such fee policy"):
        FeePolicy(**changes)  # type: ignore[arg-type]  # mypy takes the mode for an int here
