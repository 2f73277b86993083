"""What wakes the bots of a fleet that a devnet waits for."""

import asyncio
import math

import pytest

from fleet.chain.failures import NodeUnavailable
from fleet.runtime.clock import SystemClock
from fleet.runtime.health import Health
from fleet.runtime.lockstep import LockstepError, WokenBy
from fleet.runtime.loop import Bot, LoopPolicy
from fleet.runtime.supervisor import Supervisor
from fleet.wiring.lockstep_rhythm import LockstepRhythm
from fleet.wiring.rhythm import FeederWake, Order, Tick
from tests.unit.fleet.runtime.streams import Witness, head, until_idle
from tests.unit.fleet.wiring.simulated import Chain, Finalized, Wall, World, give, running
from units import Head


@pytest.fixture
def rhythm(world: World, chain: Chain, finalized: Finalized) -> LockstepRhythm:
    return LockstepRhythm(client=world, node=chain, source=finalized)


def supervisor_of(rhythm: LockstepRhythm, seen: list[tuple[str, int]]) -> Supervisor:
    """A liquidator and a feeder that only remember what woke them."""

    async def liquidate(wake: Head) -> None:
        seen.append(("liquidator", wake.number))

    async def feed(wake: FeederWake) -> None:
        seen.append(("feeder", wake.number))

    clock = SystemClock()
    return Supervisor(
        bots=[
            Bot(
                name="liquidator",
                wakes=lambda: rhythm.heads("liquidator", Order.LIQUIDATOR),
                step=liquidate,
                barrier=rhythm.barrier,
            ),
            Bot(
                name="feeder",
                wakes=lambda: rhythm.finalized("feeder", Order.FEEDER),
                step=feed,
                barrier=rhythm.barrier,
            ),
        ],
        policy=LoopPolicy(retries=False, step_s_max=None),
        clock=clock,
        health=Health(clock=clock, age_s_max=180),
        observer=Witness(),
        grace_s=1,
        services=rhythm.services,
    )


async def test_run__a_block__each_is_woken_in_its_own_way_and_says_when_it_has_finished(
    rhythm: LockstepRhythm, world: World, finalized: Finalized
) -> None:
    seen: list[tuple[str, int]] = []
    async with running(supervisor_of(rhythm, seen).run()):
        await world.release("liquidator", 100)
        await finalized.arrive(98)
        await world.release("liquidator", 99)

    assert sorted(world.joined) == [
        ("feeder", WokenBy.FINALIZED, 10),
        ("liquidator", WokenBy.HEAD, 20),
    ]
    assert seen == [("liquidator", 100), ("feeder", 98), ("liquidator", 99)]
    assert world.finishes == seen


async def test_run__the_world_ends__ends_the_fleet_though_its_source_never_would(
    rhythm: LockstepRhythm, world: World
) -> None:
    async with asyncio.TaskGroup() as group:
        run = group.create_task(supervisor_of(rhythm, []).run())
        await until_idle()
        assert not run.done()
        await world.end()

    assert run.result() is True


async def test_run__a_block_that_the_node_does_not_have__ends_it_and_keeps_nobody_waiting(
    rhythm: LockstepRhythm, world: World, chain: Chain
) -> None:
    chain.height = 99
    seen: list[tuple[str, int]] = []

    async def run() -> None:
        with pytest.raises(ExceptionGroup) as raised:
            await supervisor_of(rhythm, seen).run()
        assert raised.group_contains(LockstepError, match="released block 100, and the node has no")

    async with asyncio.TaskGroup() as group:
        running = group.create_task(run())
        await until_idle()
        await world.release("liquidator", 100)
        assert running.done()  # and with the process its connection, which is how one leaves

    assert seen == []


async def test_run__a_node_that_does_not_answer__ends_with_its_reason(
    rhythm: LockstepRhythm, world: World, chain: Chain
) -> None:
    chain.is_down()

    async def run() -> None:
        with pytest.raises(ExceptionGroup) as raised:
            await supervisor_of(rhythm, []).run()
        assert raised.group_contains(NodeUnavailable, match="no answer in 5 s")

    async with asyncio.TaskGroup() as group:
        group.create_task(run())
        await until_idle()
        await world.release("liquidator", 100)


async def test_heads__a_released_block__is_read_from_the_node(
    rhythm: LockstepRhythm, world: World
) -> None:
    blocks: list[Head] = []
    async with running(give(rhythm.heads("funding", Order.FUNDING), blocks.append)):
        await world.release("funding", 42)
        await world.release("funding", 43)
        await world.end()

    assert blocks == [head(42), head(43)]


async def test_finalized__closed_or_cancelled__leaves_no_reader_behind(
    rhythm: LockstepRhythm, finalized: Finalized
) -> None:
    wakes = rhythm.finalized("feeder", Order.FEEDER)
    finalized.stream.put(head(98))
    await anext(wakes)
    assert finalized.stream.reading == 1
    await wakes.aclose()
    assert finalized.stream.reading == 0

    async with running(give(rhythm.finalized("feeder", Order.FEEDER), lambda _: None)):
        assert finalized.stream.reading == 1
    assert finalized.stream.reading == 0


async def test_ticks__the_world_ends__end_with_it(
    rhythm: LockstepRhythm, world: World, wall: Wall
) -> None:
    ticks: list[Tick] = []
    counting = give(rhythm.ticks(wall, lambda: 1.0), ticks.append)
    services = (service() for service in rhythm.services)

    async with running(counting, *services) as (task, *_):
        await wall.pass_(1)
        await world.end()
        assert not task.done()
        await wall.pass_(1)
        assert task.done()

    assert [tick.number for tick in ticks] == [1, 2]


def test_head_age__in_step__is_not_known(rhythm: LockstepRhythm) -> None:
    assert math.isnan(rhythm.head_age_s())
