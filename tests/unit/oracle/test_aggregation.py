from dataclasses import replace

import pytest

from oracle.aggregation import aggregate
from oracle.quotes import Identity, NoPrice, NoPriceReason, Price, Reading, Unavailable
from tests.unit.oracle.simulated import (
    ORDINARY,
    OTHER,
    REGISTERED_AT,
    SN,
    TAO,
    reading,
    time_of,
)
from units import BlockNumber, Rao

PINS = {SN: REGISTERED_AT}


def refusal(said: Reading | Unavailable) -> NoPriceReason:
    priced = aggregate(said, (SN,), PINS)[SN]
    assert isinstance(priced, NoPrice)
    return priced.reason


def test_aggregate__an_ordinary_subnet__has_the_price_that_was_read() -> None:
    assert aggregate(reading(100, {SN: TAO}), (SN,), PINS)[SN] == Price(
        netuid=SN, rao=TAO, block=BlockNumber(100), time=time_of(100)
    )


@pytest.mark.parametrize(
    ("identity", "reason"),
    [
        (replace(ORDINARY, exists=False), NoPriceReason.UNKNOWN_SUBNET),
        (replace(ORDINARY, registered_at=BlockNumber(99)), NoPriceReason.REREGISTERED),
        (replace(ORDINARY, mechanism=0), NoPriceReason.NOT_DYNAMIC),
        (replace(ORDINARY, mechanism=2), NoPriceReason.NOT_DYNAMIC),
    ],
)
def test_aggregate__another_identity__refuses_the_price_though_there_is_one(
    identity: Identity, reason: NoPriceReason
) -> None:
    assert refusal(reading(100, {SN: TAO}, {SN: identity})) is reason


def test_aggregate__a_price_of_zero__is_no_price() -> None:
    assert refusal(reading(100, {SN: Rao(0)})) is NoPriceReason.ZERO_PRICE


def test_aggregate__no_price_api__is_said_as_such() -> None:
    assert refusal(reading(100, None, {SN: ORDINARY})) is NoPriceReason.NO_PRICE_API


def test_aggregate__a_subnet_that_the_runtime_does_not_list__is_unpriced() -> None:
    assert refusal(reading(100, {OTHER: TAO}, {SN: ORDINARY})) is NoPriceReason.UNPRICED


def test_aggregate__a_market_without_a_pin__is_refused() -> None:
    priced = aggregate(reading(100, {SN: TAO}), (SN,), {})[SN]
    assert priced == NoPrice(netuid=SN, reason=NoPriceReason.NOT_PINNED)


def test_aggregate__before_the_pinned_registration__the_subnet_is_not_there_yet() -> None:
    said = reading(3, {}, {SN: replace(ORDINARY, exists=False, registered_at=BlockNumber(0))})
    assert refusal(said) is NoPriceReason.NOT_YET


def test_aggregate__the_source_is_away__no_market_has_a_price() -> None:
    assert refusal(Unavailable(detail="down")) is NoPriceReason.SOURCE_DOWN


def test_aggregate__identities_unread__the_price_goes_on() -> None:
    said = replace(reading(100, {SN: TAO}), identities=None)
    assert isinstance(aggregate(said, (SN,), PINS)[SN], Price)


def test_aggregate__before_the_registration_and_identities_unread__is_not_there_yet() -> None:
    """The price at that block is of whoever had the netuid before."""
    assert refusal(replace(reading(3, {SN: TAO}), identities=None)) is NoPriceReason.NOT_YET
