"""A loop before a gate: nothing is decided until it opens."""

from tests.unit.fleet.runtime.doing import Run, Steps, Turnstile
from tests.unit.fleet.runtime.streams import Heads


async def test_loop__gate_is_closed__begins_no_step_until_it_opens_and_then_the_newest(
    running: Run, heads: Heads
) -> None:
    steps, gate = Steps(), Turnstile()
    async with running(steps.step, gate=gate):
        await heads.arrive(1)
        await heads.arrive(2)
        assert steps.blocks == []
        await gate.open()
        assert steps.blocks == [2]
        await heads.arrive(3)
    assert steps.blocks == [2, 3]


async def test_loop__stopped_before_a_closed_gate__ends_without_a_step(
    running: Run, heads: Heads
) -> None:
    steps = Steps()
    async with running(steps.step, gate=Turnstile()):
        await heads.arrive(1)
    assert steps.blocks == []


async def test_loop__of_a_bot_that_only_follows__heeds_no_gate(running: Run, heads: Heads) -> None:
    steps = Steps()
    async with running(steps.step, gate=Turnstile(), acts=False):
        await heads.arrive(1)
    assert steps.blocks == [1]
