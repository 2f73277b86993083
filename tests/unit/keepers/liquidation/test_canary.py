"""Made-up positions are found at any terms, and a fault in what looks for them shows."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepers.liquidation import canary
from keepers.liquidation.standing import Terms
from tests.unit.keepers.liquidation.examples import PARAMETERS
from units import Bps, FundingIndex, Netuid, PriceWei

ONE = 10**18


def terms(netuid: int = 8, *, price: int = ONE // 10, index: int = 0) -> Terms:
    return Terms(
        netuid=Netuid(netuid),
        price=PriceWei(price),
        index=FundingIndex(index),
        parameters=PARAMETERS,
    )


def of(*every: Terms) -> dict[Netuid, Terms]:
    return {at.netuid: at for at in every}


@given(
    price=st.integers(min_value=10**9, max_value=10**21),
    index=st.integers(min_value=-(10**17), max_value=10**17),
)
def test_canary__any_price_and_index__sings(price: int, index: int) -> None:
    assert canary.sings(of(terms(price=price, index=index), terms(9))) is True


def test_canary__no_market_can_be_judged__does_not_know() -> None:
    assert canary.sings({}) is None


@pytest.mark.parametrize("answer", [True, False])
def test_canary__judge_that_finds_all_or_none__is_silent(
    answer: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keepers.liquidation.assessment.is_liquidatable", lambda *_: answer)
    # one that finds everybody is only asked about those that the ladders name
    assert canary.sings(of(terms())) is answer


def test_canary__ladders_that_overlook_somebody__is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("keepers.liquidation.table.Table.nominate", lambda *_: [])
    assert canary.sings(of(terms())) is False


def test_canary__maintenance_that_takes_all__tells_that_sound_ones_fall() -> None:
    strict = replace(PARAMETERS, maintenance=Bps(10_001))
    assert canary.sings(of(replace(terms(), parameters=strict))) is False
