"""The lock-step client against the devnet's own stand-in."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from devnet.standin import LateParticipantError, SubtensorStandIn
from devnet.synthetic_tape import synthetic_tape
from fleet.runtime.lockstep import LockstepClient, LockstepError, WokenBy
from units import BlockNumber

pytestmark = pytest.mark.subtensor

START_ROW = 40


@pytest.fixture
async def node() -> AsyncIterator[SubtensorStandIn]:
    tape = synthetic_tape(1, rows=200)
    start = list(tape.rows())[START_ROW].block
    async with SubtensorStandIn(tape, start=start, turn_s_max=60) as started:
        yield started


@asynccontextmanager
async def connected(node: SubtensorStandIn) -> AsyncIterator[LockstepClient]:
    client = LockstepClient(node.url, reply_s_max=60)
    async with asyncio.TaskGroup() as group:
        service = group.create_task(client.run())
        yield client
        service.cancel()


async def take_part(client: LockstepClient, name: str, order: int, log: list[str]) -> None:
    await client.join(name=name, woken_by=WokenBy.HEAD, order=order)
    async for block in client.released(name):
        log.append(f"{name} {block}")
        await client.finished(name, block)


async def test_released__two_participants__go_in_their_order_block_by_block(
    node: SubtensorStandIn,
) -> None:
    log: list[str] = []
    first = node.best
    async with connected(node) as client, asyncio.TaskGroup() as group:
        for name, order in (("funding", 30), ("liquidator", 20)):
            group.create_task(take_part(client, name, order, log))
        await node.lock_step.wait_joined(frozenset({"funding", "liquidator"}), timeout_s=60)
        for ahead in (1, 2):
            await node.release(BlockNumber(first + ahead))
        await node.stop()

    assert log == [
        f"liquidator {first + 1}",
        f"funding {first + 1}",
        f"liquidator {first + 2}",
        f"funding {first + 2}",
    ]


async def test_finished__never_said__the_world_names_who(node: SubtensorStandIn) -> None:
    node.lock_step._turn_s_max = 0.05
    async with connected(node) as client:
        await client.join(name="funding", woken_by=WokenBy.HEAD, order=30)
        with pytest.raises(LateParticipantError, match="funding did not finish block"):
            await node.release(BlockNumber(node.best + 1))


async def test_finalized_kind__is_waited_for_without_being_told(node: SubtensorStandIn) -> None:
    async with connected(node) as client, asyncio.TaskGroup() as group:
        await client.join(name="feeder", woken_by=WokenBy.FINALIZED, order=10)
        best = BlockNumber(node.best + 3)
        release = group.create_task(node.release(best))
        await asyncio.sleep(0.05)
        assert not release.done()
        await client.finished("feeder", node.finalized)


async def test_join__name_taken__is_refused_in_the_worlds_words(node: SubtensorStandIn) -> None:
    async with connected(node) as client:
        await client.join(name="feeder", woken_by=WokenBy.FINALIZED, order=10)
        with pytest.raises(LockstepError, match="devnet_join: feeder has joined already"):
            await client.join(name="feeder", woken_by=WokenBy.FINALIZED, order=10)


async def test_world_gone__calls_do_nothing_and_streams_end(node: SubtensorStandIn) -> None:
    async with connected(node) as client:
        await client.join(name="funding", woken_by=WokenBy.HEAD, order=30)
        await node.stop()
        assert [block async for block in client.released("funding")] == []
        await client.finished("funding", BlockNumber(1))
        await client.join(name="late", woken_by=WokenBy.HEAD, order=50)
        assert [block async for block in client.released("late")] == []


async def test_run__nobody_there__says_where(node: SubtensorStandIn) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(LockstepError, match=f"no devnet at {url}"):
            await LockstepClient(url).run()
