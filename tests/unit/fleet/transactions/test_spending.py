from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from fleet.transactions.request import Lane
from fleet.transactions.spending import (
    HOUR_S,
    Account,
    Spend,
    SpendPolicy,
    Spent,
    is_half_spent,
    why_stop,
)
from units import Timestamp, Wei

TAO = 10**18
POLICY = SpendPolicy()


def spend(
    tao: float = 1, *, lane: Lane = Lane.LIQUIDATION, hour: int = 0, had_effect: bool = False
) -> Spend:
    time = Timestamp(1_000_000 * HOUR_S + hour * HOUR_S)
    return Spend(nonce=7, lane=lane, fee=Wei(int(tao * TAO)), time=time, had_effect=had_effect)


def booked(*spends: Spend) -> Account:
    account = Account()
    for each in spends:
        account = account.plus(each, POLICY)
    return account


def test_plus__without_effect_up_to_the_limit__goes_on() -> None:
    assert booked(*[spend()] * 6).stopped == {}


def test_plus__without_effect_above_the_limit__stops_that_lane_alone() -> None:
    account = booked(*[spend()] * 7)
    assert list(account.stopped) == [Lane.LIQUIDATION]
    assert "7.000 TAO without effect" in account.stopped[Lane.LIQUIDATION]


def test_plus__without_effect_over_more_than_a_day__goes_on() -> None:
    assert booked(*(spend(hour=5 * number) for number in range(40))).stopped == {}


def test_plus__stopped_and_then_quiet_for_days__stays_stopped() -> None:
    account = booked(*[spend()] * 7, spend(0.001, hour=100))
    assert Lane.LIQUIDATION in account.stopped


def test_plus__with_effect__pages_at_half_and_goes_on_to_the_ceiling() -> None:
    account = booked(*[spend(75, had_effect=True)] * 2)
    day = account.last_day(Lane.LIQUIDATION, spend().time)
    assert not is_half_spent(Lane.LIQUIDATION, day, POLICY)
    account = account.plus(spend(1, had_effect=True), POLICY)
    day = account.last_day(Lane.LIQUIDATION, spend().time)
    assert is_half_spent(Lane.LIQUIDATION, day, POLICY)
    assert account.stopped == {}
    account = account.plus(spend(150, had_effect=True), POLICY)
    assert "the ceiling is 300.000" in account.stopped[Lane.LIQUIDATION]


def test_policy__worst_drill__is_carried_with_room() -> None:
    """20 full blocks of 75 million gas at ten times the floor of 10 gwei."""
    drill = 20 * 75_000_000 * 100 * 10**9
    for lane in (Lane.PRICE, Lane.LIQUIDATION):
        assert why_stop(lane, Spent(with_effect=drill), POLICY) is None


@given(
    fees=st.lists(st.tuples(st.sampled_from(Lane), st.integers(0, 3 * TAO), st.booleans())),
)
def test_plus__anything__a_lane_that_goes_on_is_within_its_limits(
    fees: list[tuple[Lane, int, bool]],
) -> None:
    account = Account()
    for lane, fee, had_effect in fees:
        one = spend(lane=lane, had_effect=had_effect)
        account = account.plus(
            Spend(nonce=7, lane=lane, fee=Wei(fee), time=one.time, had_effect=had_effect), POLICY
        )
    for lane in Lane:
        day = account.last_day(lane, spend().time)
        own = [fee for of, fee, had_effect in fees if of is lane and not had_effect]
        assert day.without_effect == sum(own), "to the wei, whatever other lanes do"
        is_within = why_stop(lane, day, POLICY) is None
        assert is_within == (lane not in account.stopped)


def test_plus__lower_nonce_than_what_was_forgiven__does_not_count() -> None:
    wasted = spend(100)
    forgiving = Account(forgiven={Lane.LIQUIDATION: wasted.nonce + 1})
    assert forgiving.plus(wasted, POLICY) == forgiving
    others = forgiving.plus(spend(100, lane=Lane.PRICE), POLICY)
    assert list(others.stopped) == [Lane.PRICE], "each lane by itself"
    again = forgiving.plus(replace(wasted, nonce=wasted.nonce + 1), POLICY)
    assert list(again.stopped) == [Lane.LIQUIDATION]
