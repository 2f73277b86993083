import asyncio
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.chain.failures import NodeUnavailable
from fleet.chain.heads import EthHeads, HeadOrder, HeadPolicy
from units import BlockHash, BlockNumber, Head, Timestamp

FAST = HeadPolicy(poll_s=0.005)


def head(number: int, fork: str = "a") -> Head:
    return Head(
        number=BlockNumber(number),
        hash=BlockHash(f"0x{number}{fork}"),
        parent_hash=BlockHash(f"0x{number - 1}{fork}"),
        time=Timestamp(number * 12),
    )


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


def test_order__same_head_again__no_news() -> None:
    order = HeadOrder()
    assert order.admit(head(5))
    assert not order.admit(head(5))


def test_order__lagging_node__no_news() -> None:
    order = HeadOrder()
    for number in (4, 5, 7):
        assert order.admit(head(number))
    assert not order.admit(head(5)), "seen"
    assert not order.admit(head(6)), "never seen: it lags"
    assert order.newest == head(7)


def test_order__other_block_of_the_same_height__news() -> None:
    order = HeadOrder()
    order.admit(head(5))
    assert order.admit(head(5, "b"))
    assert order.newest == head(5, "b")


def test_order__reorganised_to_a_lower_height__news_and_the_old_branch_is_forgotten() -> None:
    order = HeadOrder()
    for number in (4, 5, 6):
        order.admit(head(number))
    assert order.admit(head(5, "b"))
    assert order.admit(head(6, "b"))
    assert order.admit(head(6, "a")), "and back"


@given(st.lists(st.tuples(st.integers(1, 30), st.sampled_from("ab")), max_size=200))
def test_order__any_sequence__news_is_never_the_head_before(heads: list[tuple[int, str]]) -> None:
    order = HeadOrder()
    admitted = [each for number, fork in heads if order.admit(each := head(number, fork))]
    for one, two in pairwise(admitted):
        assert two.number > one.number or two.hash != one.hash


def test_order__many_heads__memory_stays_small() -> None:
    order = HeadOrder()
    for number in range(5_000):
        order.admit(head(number))
    assert len(order._seen) < 600
    assert order.admit(head(4_990, "b"))


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
