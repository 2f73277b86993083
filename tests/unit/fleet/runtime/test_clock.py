import asyncio

from fleet.runtime.clock import ChainClock, SystemClock
from units import Timestamp


async def test_chain_clock__sleeper__wakes_when_a_head_is_late_enough() -> None:
    clock = ChainClock(Timestamp(100))
    async with asyncio.TaskGroup() as group:
        sleeper = group.create_task(clock.sleep(20))
        await asyncio.sleep(0)
        clock.advance(Timestamp(119))
        await asyncio.sleep(0)
        assert not sleeper.done()
        clock.advance(Timestamp(120))

    assert clock.now() == 120


async def test_chain_clock__sleepers__wake_in_the_order_of_their_times() -> None:
    clock = ChainClock(Timestamp(0))
    order: list[float] = []

    async def sleep(seconds: float) -> None:
        await clock.sleep(seconds)
        order.append(seconds)

    async with asyncio.TaskGroup() as group:
        for seconds in (30, 10, 20, 0):
            group.create_task(sleep(seconds))
        await asyncio.sleep(0)
        clock.advance(Timestamp(100))

    assert order == [0, 10, 20, 30]


async def test_chain_clock__cancelled_sleeper__harms_nobody() -> None:
    clock = ChainClock(Timestamp(0))
    async with asyncio.TaskGroup() as group:
        cancelled = group.create_task(clock.sleep(10))
        other = group.create_task(clock.sleep(10))
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.sleep(0)
        clock.advance(Timestamp(10))

    assert other.done()


def test_chain_clock__older_head__does_not_turn_it_back() -> None:
    clock = ChainClock(Timestamp(100))
    clock.advance(Timestamp(90))

    assert (clock.now(), clock.monotonic()) == (100, 100.0)


async def test_system_clock__sleep__passes() -> None:
    clock = SystemClock()
    before, since = clock.now(), clock.monotonic()
    await clock.sleep(0.01)

    assert clock.now() >= before > 1_700_000_000
    assert clock.monotonic() - since >= 0.009
