import asyncio
from collections.abc import Sequence

import pytest

from fleet.chain.failures import NodeUnavailable
from fleet.chain.heads import EthHeads, HeadPolicy
from fleet.chain.lineage import Change, Withdrawal
from tests.unit.fleet.chain.played import head
from units import Head

FAST = HeadPolicy(poll_s=0.005)


class PolledNode:
    """Gives its script head by head, then the last one for ever."""

    def __init__(self, script: Sequence[Head | NodeUnavailable]) -> None:
        self._script = list(script)

    async def __call__(self) -> Head:
        found = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if isinstance(found, NodeUnavailable):
            raise found
        return found


async def collect(heads: EthHeads, count: int) -> list[Head]:
    found: list[Head] = []
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(heads.run())
        async for each in heads.heads():
            found.append(each)
            if len(found) == count:
                break
        running.cancel()
    return found


async def test_heads__polling__each_new_head_once() -> None:
    node = PolledNode([head(1), head(1), head(2), head(2), head(3)])
    heads = EthHeads(latest=node, policy=FAST)
    assert await collect(heads, 3) == [head(1), head(2), head(3)]


async def test_heads__slow_consumer__gets_the_newest_only() -> None:
    node = PolledNode([head(number) for number in range(1, 40)])
    heads = EthHeads(latest=node, policy=FAST)
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(heads.run())
        coming = heads.heads()
        first = await anext(coming)
        while heads.newest is None or heads.newest.number < first.number + 5:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert await anext(coming) == heads.newest
        running.cancel()


async def test_heads__several_consumers__all_get_the_last() -> None:
    node = PolledNode([head(1), head(2), head(3)])
    heads = EthHeads(latest=node, policy=FAST)

    async def until_three() -> Head:
        async for each in heads.heads():
            if each.number == 3:
                return each
        raise AssertionError

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(heads.run())
        consumers = [tasks.create_task(until_three()) for _ in range(3)]
        await asyncio.wait(consumers)
        running.cancel()
    assert [task.result() for task in consumers] == [head(3)] * 3


async def test_heads__node_down_for_a_while__told_and_waited_out() -> None:
    node = PolledNode([head(1), NodeUnavailable("down"), NodeUnavailable("down"), head(2)])
    heads = EthHeads(latest=node, policy=FAST)
    assert await collect(heads, 2) == [head(1), head(2)]


class Changes:
    """Hears what happens to the chain."""

    def __init__(self) -> None:
        self.heard: list[Change] = []

    def changed(self, change: Change) -> None:
        self.heard.append(change)


@pytest.mark.parametrize("time", [None, 0, 10**12], ids=["its own", "before all", "after all"])
async def test_heads__the_node_once_boasts__told_and_the_true_ones_go_on(time: int | None) -> None:
    boast = head(10**9) if time is None else head(10**9, time=time)
    node = PolledNode([head(1), boast, *map(head, range(2, 9))])
    changes = Changes()
    heads = EthHeads(latest=node, policy=FAST, listener=changes)
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(heads.run())
        async for each in heads.heads():
            if each == head(8):
                break
        running.cancel()
    assert [type(each) for each in changes.heard] == [Withdrawal]
    assert isinstance(changes.heard[0], Withdrawal)
    assert changes.heard[0].head == boast
    assert changes.heard[0].by.number <= 5


async def test_heads__chain_stands_still__its_age_grows() -> None:
    heads = EthHeads(latest=PolledNode([head(1)]), policy=FAST)
    assert heads.age_s() is None
    await collect(heads, 1)
    await asyncio.sleep(0.05)
    age = heads.age_s()
    assert age is not None
    assert age >= 0.05


async def test_heads__every_poll_fails__the_problem_is_named() -> None:
    heads = EthHeads(latest=PolledNode([NodeUnavailable("no route")]), policy=FAST)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await heads.run()
    assert heads.problem == "polling for heads: no route"
    assert heads.newest is None
