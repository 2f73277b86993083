from dataclasses import replace

from devnet.population import TraderPlan
from devnet.trader import ATTEMPTS_MAX, RETRY_BLOCKS, Close, Deposit, Mind, Open, Stage, Withdraw
from units import ONE, Netuid, Wei

PLAN = TraderPlan(
    netuid=Netuid(64),
    is_long=True,
    margin=Wei(ONE),
    leverage=3 * ONE,
    arrives=5,
    reduces_after=None,
    leaves_after=None,
    withdraws=False,
    comes_back_after=None,
)
POSITION = bytes(15) + b"\x01"


def holding(plan: TraderPlan) -> Mind:
    """A mind that opened 3 TAO in block 10."""
    mind = Mind(plan=plan)
    mind.done(Deposit(amount=Wei(1)), 9)
    mind.done(Open(plan=plan), 10)
    mind.hold(POSITION, Wei(3 * ONE))
    return mind


def test_wish__before_its_arrival__none() -> None:
    assert Mind(plan=PLAN).wish(4) is None


def test_wish__at_its_arrival__deposits_margin_and_fee_in_whole_gwei() -> None:
    wish = Mind(plan=PLAN).wish(5)
    assert isinstance(wish, Deposit)
    assert ONE + 3 * ONE // 1_000 <= wish.amount < 2 * ONE
    assert wish.amount % 10**9 == 0


def test_wish__deposited__opens() -> None:
    mind = Mind(plan=PLAN)
    mind.done(Deposit(amount=Wei(1)), 6)
    assert mind.wish(6) == Open(plan=PLAN)


def test_wish__holding_without_further_plans__none_for_ever() -> None:
    assert holding(PLAN).wish(2_000) is None


def test_wish__time_to_reduce__closes_half_once() -> None:
    mind = holding(replace(PLAN, reduces_after=20))
    assert mind.wish(29) is None
    half = mind.wish(30)
    assert half == Close(position=POSITION, size=Wei(3 * ONE // 2))
    assert half is not None
    mind.done(half, 31)
    assert mind.wish(32) is None


def test_wish__reduces_at_once__waits_for_the_block_after_the_opening() -> None:
    mind = holding(replace(PLAN, reduces_after=1))
    assert mind.wish(11) is None
    assert mind.wish(12) is not None


def test_wish__time_to_leave__closes_all_then_withdraws_then_nothing() -> None:
    mind = holding(replace(PLAN, leaves_after=20, withdraws=True))
    assert mind.wish(30) == Close(position=POSITION, size=Wei(0))
    mind.done(Close(position=POSITION, size=Wei(0)), 31)
    assert mind.wish(32) == Withdraw()
    mind.done(Withdraw(), 33)
    assert mind.wish(34) is None


def test_wish__liquidated_and_coming_back__deposits_once_more_only() -> None:
    mind = holding(replace(PLAN, comes_back_after=50))
    mind.lost(100)
    assert mind.wish(149) is None
    again = mind.wish(150)
    assert isinstance(again, Deposit)
    mind.done(again, 151)
    mind.done(Open(plan=PLAN), 152)
    mind.lost(200)
    assert mind.wish(2_000) is None


def test_refused__tried_again_later_and_not_for_ever() -> None:
    mind = Mind(plan=PLAN)
    now = 5
    for _ in range(ATTEMPTS_MAX):
        assert mind.wish(now) is not None
        mind.refused(now)
        assert mind.wish(now + RETRY_BLOCKS - 1) is None
        now += RETRY_BLOCKS
    assert mind.stage is Stage.GONE


def test_waits__no_price_for_hours__still_there() -> None:
    mind = Mind(plan=PLAN)
    for now in range(5, 200 * RETRY_BLOCKS, RETRY_BLOCKS):
        assert mind.wish(now) is not None
        mind.waits(now)
    assert mind.stage is Stage.AWAY


def test_wish__at_night__nobody_acts_and_in_the_morning_they_do() -> None:
    mind = Mind(plan=replace(PLAN, arrives=3_000))
    assert mind.wish(3_000) is None
    assert mind.wish(5_399) is None
    assert mind.wish(5_400) is not None
