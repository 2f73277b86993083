import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.runtime.clock import ChainClock
from fleet.runtime.health import Health
from fleet.runtime.loop import LoopPolicy, describe
from fleet.runtime.wakes import Alarm
from tests.unit.fleet.runtime.doing import Log, Run, Steps, WrongKeyError
from tests.unit.fleet.runtime.streams import Heads, Witness, until_idle
from units import Head, Timestamp


async def test_loop__heads__are_stepped_on_one_by_one(
    running: Run, heads: Heads, health: Health, witness: Witness
) -> None:
    steps = Steps()
    async with running(steps.step):
        await heads.arrive(1)
        await heads.arrive(2)

    assert steps.blocks == [1, 2]
    assert witness.seen == [
        ("succeeded", "feeder", 1, "done"),
        ("succeeded", "feeder", 2, "done"),
    ]
    assert health.ready().is_well


async def test_loop__heads_during_a_slow_step__only_the_newest_is_stepped_on(
    running: Run, heads: Heads
) -> None:
    blocks: list[int] = []
    go_on = asyncio.Event()

    async def slow(wake: Head) -> None:
        blocks.append(wake.number)
        await go_on.wait()

    async with running(slow):
        for number in (1, 2, 3, 4):
            await heads.arrive(number)
        go_on.set()
        await until_idle()

    assert blocks == [1, 4]


async def test_loop__failing_step__is_tried_again_after_a_growing_pause(
    running: Run, heads: Heads, clock: ChainClock, health: Health, witness: Witness
) -> None:
    steps = Steps(OSError("down"), OSError("still down"))
    async with running(steps.step):
        await heads.arrive(7)
        assert steps.blocks == [7]
        assert not health.ready().is_well

        clock.advance(Timestamp(1_001))
        await until_idle()
        assert steps.blocks == [7, 7]

        clock.advance(Timestamp(1_002))
        await until_idle()
        assert steps.blocks == [7, 7]  # the second pause is two seconds

        clock.advance(Timestamp(1_003))
        await until_idle()

    assert witness.seen == [
        ("failed", "feeder", 7, "OSError: down", 1),
        ("failed", "feeder", 7, "OSError: still down", 2),
        ("succeeded", "feeder", 7, "done"),
    ]
    assert health.ready().is_well


async def test_loop__new_head_during_the_pause__does_not_wait_for_its_end(
    running: Run, heads: Heads, clock: ChainClock
) -> None:
    steps = Steps(OSError("down"))
    async with running(steps.step):
        await heads.arrive(7)
        await heads.arrive(8)
        clock.advance(Timestamp(9_999))
        await until_idle()

    assert steps.blocks == [7, 8]  # and the retry of 7 is off


async def test_loop__step_that_hangs__is_given_up(
    running: Run, heads: Heads, witness: Witness
) -> None:
    async def hang(_: Head) -> None:
        await asyncio.Event().wait()

    async with running(hang, LoopPolicy(step_s_max=0.01)):
        await heads.arrive(1)
        async with asyncio.timeout(30):
            while not witness.seen:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)

    assert witness.seen == [("failed", "feeder", 1, "TimeoutError", 1)]


def _away(_: object) -> str:
    return "the node is away"


async def test_loop__result_that_is_no_success__is_no_sign_of_health(
    running: Run, heads: Heads, health: Health, witness: Witness
) -> None:
    steps = Steps("unreadable")
    judge = {"is_success": lambda result: result != "unreadable", "why_not": _away}
    async with running(steps.step, **judge):
        await heads.arrive(1)

        assert not health.ready().is_well
        assert health.ready().bots["feeder"].endswith("after its start: the node is away")
        assert witness.seen == [("succeeded", "feeder", 1, "unreadable")]

        await heads.arrive(2)
        assert health.ready().is_well


async def test_loop__permanent_error__ends_it(running: Run, heads: Heads) -> None:
    steps = Steps(ExceptionGroup("both", [OSError(), WrongKeyError("the key of another chain")]))

    async def run() -> None:
        async with running(steps.step):
            await heads.arrive(1)
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as raised:
        await run()

    assert raised.group_contains(WrongKeyError, match="the key of another chain")


async def test_loop__stream_that_fails__is_opened_again_after_a_pause(
    running: Run, heads: Heads, clock: ChainClock, witness: Witness
) -> None:
    heads.failures = [OSError("cut off")]
    steps = Steps()
    async with running(steps.step):
        await heads.arrive(1)
        assert (heads.openings, steps.blocks) == (1, [])

        clock.advance(Timestamp(1_001))
        await until_idle()

    assert (heads.openings, steps.blocks) == (2, [1])
    assert witness.seen[0] == ("failed", "feeder", None, "OSError: cut off", 1)


async def test_loop__alarm__makes_it_look_at_the_newest_head_again(
    running: Run, heads: Heads
) -> None:
    steps, alarm = Steps(), Alarm()
    async with running(steps.step, alarm=alarm, heads_wake=False):
        await heads.arrive(1)
        await heads.arrive(2)
        assert steps.blocks == []

        alarm.set()
        await until_idle()

    assert steps.blocks == [2]


async def test_loop__stopped__finishes_its_step_and_begins_no_other(
    running: Run, heads: Heads
) -> None:
    blocks: list[int] = []
    go_on = asyncio.Event()

    async def slow(wake: Head) -> None:
        await go_on.wait()
        blocks.append(wake.number)

    async with running(slow) as loop:
        await heads.arrive(1)
        await heads.arrive(2)
        loop.stop()
        go_on.set()
        await until_idle()

    assert blocks == [1]


async def test_loop__in_lockstep__finishes_every_block_once_whatever_came_of_it(
    running: Run, heads: Heads, clock: ChainClock
) -> None:
    steps, barrier = Steps(OSError("down")), Log()
    async with running(steps.step, LoopPolicy(retries=False), barrier=barrier):
        await heads.arrive(1)
        clock.advance(Timestamp(9_999))
        await until_idle()
        await heads.arrive(2)

    assert barrier.finishes == [("feeder", 1), ("feeder", 2)]
    assert steps.blocks == [1, 2]


async def test_loop__in_lockstep__a_failing_stream_ends_it(running: Run, heads: Heads) -> None:
    heads.failures = [OSError("cut off")]

    with pytest.raises(ExceptionGroup) as raised:
        async with running(Steps().step, LoopPolicy(retries=False)):
            await asyncio.Event().wait()

    assert raised.group_contains(OSError, match="cut off")


@given(
    shortest=st.floats(min_value=0.01, max_value=10),
    longest=st.floats(min_value=10, max_value=600),
    failures=st.integers(min_value=1, max_value=10_000),
)
def test_pause__any_number_of_failures__doubles_within_its_bounds(
    shortest: float, longest: float, failures: int
) -> None:
    policy = LoopPolicy(pause_s_min=shortest, pause_s_max=longest)

    assert shortest <= policy.pause(failures) <= longest
    assert policy.pause(failures + 1) in {longest, 2 * policy.pause(failures)}


def test_describe__many_lines__is_one_short_line() -> None:
    assert describe(OSError("first\nsecond")) == "OSError: first"
    assert describe(TimeoutError()) == "TimeoutError"
    assert len(describe(OSError("x" * 10_000))) == 300
