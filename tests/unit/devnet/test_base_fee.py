from hypothesis import given
from hypothesis import strategies as st

from devnet.base_fee import BASE_FEE_FLOOR, GAS_LIMIT, GAS_TARGET, next_base_fee
from units import Wei


def test_next_base_fee__full_block__rises_by_an_eighth() -> None:
    assert next_base_fee(base_fee=BASE_FEE_FLOOR, gas_used=GAS_LIMIT) == 11_250_000_000


def test_next_base_fee__block_on_target__stays() -> None:
    assert next_base_fee(base_fee=Wei(20 * 10**9), gas_used=GAS_TARGET) == 20 * 10**9


def test_next_base_fee__empty_block_above_the_floor__falls_by_an_eighth() -> None:
    assert next_base_fee(base_fee=Wei(16 * 10**9), gas_used=0) == 14 * 10**9


@given(base_fee=st.integers(BASE_FEE_FLOOR, 10**13), gas_used=st.integers(0, GAS_LIMIT))
def test_next_base_fee__any_block__never_below_the_floor(base_fee: int, gas_used: int) -> None:
    assert next_base_fee(base_fee=Wei(base_fee), gas_used=gas_used) >= BASE_FEE_FLOOR
