"""What is at stake at a price: of those who fall at it, and not of dust, whoever sends it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from keepers.liquidation.evidence import Judgement
from keepers.liquidation.stakes import StakePolicy, at_stake
from tests.unit.keepers.liquidation.examples import TAO, judgement, position
from tests.unit.keepers.liquidation.test_risk import (
    EIGHT,
    SIXTY_FOUR,
    engine_on,
    exchange_with,
    opening,
    pushing,
    suspending,
)
from units import PriceWei, Wei

POLICY = StakePolicy(shortfall_ppm=20, dust=Wei(TAO))
ENTRY = TAO // 10
EDGE = ENTRY * 13 // 15  # where a long of exactly 3x is at 20 %
JUMP = 4


def test_at_stake__a_position_just_below_maintenance__the_shortfall_of_its_notional() -> None:
    assert at_stake(judgement(position(), price=EDGE - 1), POLICY) == {EIGHT: 3 * TAO * 20 // 10**6}


def test_at_stake__a_position_with_bad_debt__that_and_the_shortfall() -> None:
    ruined = judgement(position(), price=ENTRY // 2)
    (candidate,) = ruined.candidates
    assert candidate.bad_debt > 0
    assert at_stake(ruined, POLICY) == {EIGHT: candidate.bad_debt + 3 * TAO * 20 // 10**6}


def test_at_stake__already_below_at_the_feed_s_own_price__is_no_reason_for_a_push() -> None:
    fallen = judgement(position(), price=EDGE - 1, pushed=False)
    grounds = replace(fallen.grounds, pushed={EIGHT: PriceWei(EDGE - 2)})
    again = Judgement(grounds=grounds, candidates=fallen.candidates)
    assert at_stake(again, POLICY) == {}


@given(sizes=st.lists(st.integers(1, TAO - 1), max_size=40))
def test_at_stake__any_crowd_of_dust__is_worth_nothing(sizes: list[int]) -> None:
    crowd = [position(n, size=size, margin=0) for n, size in enumerate(sizes, 1)]
    fallen = judgement(*crowd, price=ENTRY // 10)
    assert len(fallen.candidates) == len(sizes)
    assert at_stake(fallen, POLICY) == {}


def test_at_stake__dust_beside_a_whole_position__counts_for_nothing() -> None:
    dust = [position(n, size=TAO - 1, margin=TAO // 3) for n in range(2, 500)]
    assert at_stake(judgement(position(), *dust, price=ENTRY // 2), POLICY) == at_stake(
        judgement(position(), price=ENTRY // 2), POLICY
    )


async def test_liquidatable_at__two_markets__says_what_is_at_stake_in_each() -> None:
    exchange = exchange_with(opening(1), opening(2, netuid=64, tao=6), opening(3, is_long=False))
    found = await engine_on(exchange).liquidatable_at(
        {EIGHT: PriceWei(EDGE - 1), SIXTY_FOUR: PriceWei(EDGE - 1)}, exchange.tip.head
    )
    assert isinstance(found, Judgement)
    assert found.at_stake == {EIGHT: 60 * TAO // 10**6, SIXTY_FOUR: 120 * TAO // 10**6}
    only = found.within({EIGHT})
    assert [each.position.netuid for each in only.candidates] == [EIGHT]
    assert dict(only.grounds.pushed) == {EIGHT: EDGE - 1}


async def test_liquidatable_at__a_suspended_market__is_pushed_for_other_reasons() -> None:
    exchange = exchange_with(opening(1), pushing(EDGE - 1), suspending(JUMP))
    found = await engine_on(exchange).liquidatable_at({EIGHT: PriceWei(EDGE - 1)})
    assert isinstance(found, Judgement)
    assert len(found.candidates) == 1
    assert found.at_stake == {}
