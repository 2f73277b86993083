from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from keepers.liquidation.gas import GasModel

MODEL = GasModel(
    intercept=20_000, liquidation_intercept=80_000, id_slope=40_000, update_slope=30_000
)
models = st.builds(
    GasModel,
    intercept=st.integers(0, 10**6),
    liquidation_intercept=st.integers(0, 10**6),
    id_slope=st.integers(1, 10**5),
    update_slope=st.integers(0, 10**5),
)


def test_limit__ids_and_updates__is_the_line_with_thirty_percent_of_headroom() -> None:
    assert MODEL.limit(ids=10) == 650_000
    assert MODEL.limit(ids=10, updates=2) == 728_000


def test_limit__no_ids__leaves_out_what_the_exchange_keeps_in_hand() -> None:
    assert MODEL.limit(ids=0, updates=2) == 104_000


def test_limit__uneven_headroom__is_rounded_up() -> None:
    assert replace(MODEL, intercept=1).limit(ids=0) == 2


def test_ids_within__less_gas_than_the_intercept__is_none() -> None:
    assert MODEL.ids_within(100_000) == 0


@given(models, st.integers(0, 10**8), st.integers(0, 12))
def test_ids_within__any_gas__is_the_most_whose_limit_fits(
    model: GasModel, gas: int, updates: int
) -> None:
    count = model.ids_within(gas, updates=updates)
    if count:
        assert model.limit(ids=count, updates=updates) <= gas
    assert model.limit(ids=count + 1, updates=updates) > gas
