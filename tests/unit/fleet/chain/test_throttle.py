import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.chain.throttle import Rate, Throttle, Urgency


def at_once(throttle: Throttle, urgency: Urgency) -> bool:
    """Makes a request if it may be made now; whoever has to wait goes away."""
    asking = throttle.admit(urgency, wait_s_max=60)
    try:
        asking.send(None)
    except StopIteration:
        return True
    asking.close()
    return False


def passed(throttle: Throttle, urgency: Urgency) -> int:
    """How many requests one greedy caller gets through without waiting."""
    count = 0
    while at_once(throttle, urgency):
        count += 1
    return count


async def test_throttle__long_backfill__takes_its_share_and_a_send_never_waits() -> None:
    throttle, period_s = Throttle(Rate(requests=10, period_s=0.5, reserved_percent=50)), 0.5
    began = time.monotonic()
    backfills = sent = 0
    for _ in range(9):
        backfills += passed(throttle, Urgency.BACKFILL)
        sent += at_once(throttle, Urgency.SENDING)
        await asyncio.sleep(0.15)  # four of them a period
    windows = 1 + (time.monotonic() - began) // period_s
    assert 5 < backfills <= 5 * windows, "half of the rate"
    assert sent == 9


async def test_throttle__only_deciding__may_use_the_whole_rate_and_no_more() -> None:
    throttle = Throttle(Rate(requests=8, period_s=600, reserved_percent=50))
    assert passed(throttle, Urgency.DECIDING) == 8


async def test_throttle__only_backfill__is_kept_to_its_share() -> None:
    throttle = Throttle(Rate(requests=8, period_s=600, reserved_percent=75))
    assert passed(throttle, Urgency.BACKFILL) == 2


async def test_throttle__no_rate__never_waits() -> None:
    throttle = Throttle(None)
    assert all(at_once(throttle, Urgency.BACKFILL) for _ in range(10_000))


async def test_throttle__used_up__says_so_in_time() -> None:
    throttle = Throttle(Rate(requests=1, period_s=600))
    await throttle.admit(Urgency.SENDING, wait_s_max=0.1)
    with pytest.raises(TimeoutError):
        await throttle.admit(Urgency.SENDING, wait_s_max=0.05)


@given(
    requests=st.integers(1, 1_000),
    period_s=st.floats(0.1, 60),
    reserved=st.integers(0, 99),
)
def test_rate__any__backfill_never_has_more_than_its_share(
    requests: int, period_s: float, reserved: int
) -> None:
    count, period = Rate(requests=requests, period_s=period_s, reserved_percent=reserved).backfill
    share = requests / period_s * (100 - reserved) / 100
    assert count >= 1
    assert count / period <= share * 1.000001


@pytest.mark.parametrize("changes", [{"requests": 0}, {"period_s": 0}, {"reserved_percent": 100}])
def test_rate__makes_no_sense__refused(changes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="no such rate"):
        Rate(**({"requests": 1} | changes))
