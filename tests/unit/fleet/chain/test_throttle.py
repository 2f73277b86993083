import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.chain.throttle import Rate, Throttle, Urgency


async def passed(throttle: Throttle, urgency: Urgency, *, seconds: float) -> int:
    """How many requests one greedy caller gets through in a time."""
    count, until = 0, time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        try:
            await throttle.admit(urgency, wait_s_max=left)
        except TimeoutError:
            break
        count += 1
    return count


async def test_throttle__long_backfill__takes_its_share_and_a_send_never_waits() -> None:
    throttle = Throttle(Rate(requests=10, period_s=0.3, reserved_percent=50))
    waits = []
    async with asyncio.TaskGroup() as tasks:
        backfills = [
            tasks.create_task(passed(throttle, Urgency.BACKFILL, seconds=0.9)) for _ in range(5)
        ]
        for _ in range(9):
            began = time.monotonic()
            await throttle.admit(Urgency.SENDING, wait_s_max=1)
            waits.append(time.monotonic() - began)
            await asyncio.sleep(0.09)
    assert sum(task.result() for task in backfills) <= 20, "half of the rate in four windows"
    assert max(waits) < 0.05


async def test_throttle__only_deciding__may_use_the_whole_rate_and_no_more() -> None:
    throttle = Throttle(Rate(requests=8, period_s=10, reserved_percent=50))
    assert await passed(throttle, Urgency.DECIDING, seconds=0.1) == 8


async def test_throttle__only_backfill__is_kept_to_its_share() -> None:
    throttle = Throttle(Rate(requests=8, period_s=10, reserved_percent=75))
    assert await passed(throttle, Urgency.BACKFILL, seconds=0.1) == 2


async def test_throttle__no_rate__never_waits() -> None:
    throttle = Throttle(None)
    async with asyncio.timeout(0.5):
        for _ in range(10_000):
            await throttle.admit(Urgency.BACKFILL, wait_s_max=0.1)


async def test_throttle__used_up__says_so_in_time() -> None:
    throttle = Throttle(Rate(requests=1, period_s=10))
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
