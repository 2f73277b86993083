import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from oracle.quotes import SourceHead
from oracle.sources.client import SourceFailureError
from oracle.sources.heads import FinalizedHeads
from oracle.sources.policy import SourcePolicy
from tests.unit.oracle.sources.node import TableNode, until


def header(number: int) -> dict[str, Any]:
    root = "0x" + number.to_bytes(32, "big").hex()
    return {
        "parentHash": root,
        "number": hex(number),
        "stateRoot": root,
        "extrinsicsRoot": root,
        "digest": {"logs": []},
    }


class Followed:
    """A node that is followed, and what was reported of it."""

    def __init__(self, heads_gap_s_max: float = 60.0) -> None:
        self.node = TableNode()
        self.reported: list[str] = []
        self.heads = FinalizedHeads(
            connect=self.node.connect,
            policy=SourcePolicy(
                backoff_s_first=0.001, backoff_s_max=0.002, heads_gap_s_max=heads_gap_s_max
            ),
            chance=lambda: 0.0,
            report=self.reported.append,
            failed=lambda _: None,
        )

    async def put(self, said: Any) -> None:
        """Say something on the newest connection, once it is subscribed."""
        await until(lambda: self._put() is not None)
        put = self._put()
        assert put is not None
        put(said)

    def _put(self) -> Callable[[Any], None] | None:
        return self.node.connections[-1].put if self.node.connections else None

    async def next(self, heads: AsyncGenerator[SourceHead, None], said: Any) -> int:
        async with asyncio.TaskGroup() as tasks:
            arrived = tasks.create_task(anext(heads))
            await self.put(said)
        return arrived.result().number


async def test_follow__heads_come__are_given_on_in_order() -> None:
    followed = Followed()
    async with aclosing(followed.heads.follow()) as heads:
        assert [await followed.next(heads, header(number)) for number in (7, 8, 11)] == [7, 8, 11]
    assert followed.node.connections[0].is_aborted


async def test_follow__the_reader_is_slow__gets_the_newest_only() -> None:
    followed = Followed()
    async with aclosing(followed.heads.follow()) as heads:
        await followed.next(heads, header(7))
        await followed.put(header(8))
        await followed.put(header(9))
        assert (await anext(heads)).number == 9


async def test_follow__the_connection_breaks__is_set_up_again_and_no_head_comes_twice() -> None:
    followed = Followed()
    async with aclosing(followed.heads.follow()) as heads:
        await followed.next(heads, header(7))
        await followed.put(SourceFailureError("cut"))

        async def say_again() -> None:
            await until(lambda: len(followed.node.connections) == 2)
            await followed.put(header(7))
            await asyncio.sleep(0.01)
            await followed.put(header(8))

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(say_again())
            assert (await anext(heads)).number == 8
    assert followed.reported == ["finalized heads: cut"]
    assert followed.node.connections[0].is_aborted


async def test_follow__a_head_far_above_the_true_ones__does_not_silence_them() -> None:
    followed = Followed()
    async with aclosing(followed.heads.follow()) as heads:
        said = [await followed.next(heads, header(number)) for number in (7_000, 10**9, 7_001)]
        assert said == [7_000, 10**9, 7_001]
        async with asyncio.TaskGroup() as tasks:
            coming = tasks.create_task(anext(heads))
            await followed.put(header(6_990))
            await asyncio.sleep(0.01)
            await followed.put(header(7_002))
        assert coming.result().number == 7_002, "a little lower is a slow node"


async def test_follow__something_that_is_no_header__breaks_the_connection() -> None:
    followed = Followed()
    async with aclosing(followed.heads.follow()) as heads:

        async def talk() -> None:
            await followed.put({"number": "0x7"})
            await until(lambda: len(followed.node.connections) == 2)
            await followed.put(header(8))

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(talk())
            assert (await anext(heads)).number == 8
    assert len(followed.reported) == 1


async def test_follow__the_node_is_down__keeps_trying_until_closed() -> None:
    followed = Followed()
    followed.node.is_down = True

    async def collect() -> list[SourceHead]:
        async with aclosing(followed.heads.follow()) as heads:
            return [head async for head in heads]

    async with asyncio.TaskGroup() as tasks:
        collected = tasks.create_task(collect())
        await until(lambda: len(followed.reported) == 3)
        followed.heads.close()
    assert collected.result() == []


async def test_close__while_waiting_for_a_head__ends_the_following() -> None:
    followed = Followed()

    seen: list[int] = []

    async def collect() -> None:
        async with aclosing(followed.heads.follow()) as heads:
            async for head in heads:
                seen.append(head.number)  # noqa: PERF401 - it is looked at meanwhile

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(collect())
        await followed.put(header(7))
        await until(lambda: seen == [7])
        followed.heads.close()
    assert seen == [7]
    assert followed.reported == []


async def test_follow__alive_and_silent__the_connection_is_taken_for_dead_and_set_up_again() -> (
    None
):
    followed = Followed(heads_gap_s_max=0.5)
    async with aclosing(followed.heads.follow()) as heads:
        await followed.next(heads, header(7))

        async def speak_again() -> None:
            await until(lambda: len(followed.node.connections) == 2)
            await followed.put(header(8))

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(speak_again())
            assert (await anext(heads)).number == 8
    assert followed.reported == ["finalized heads: none came for 0.5 s"]
    assert followed.node.connections[0].is_aborted


async def test_follow__the_reader_takes_long__is_no_silence_of_the_node() -> None:
    followed = Followed(heads_gap_s_max=0.5)
    async with aclosing(followed.heads.follow()) as heads:
        await followed.next(heads, header(7))
        await asyncio.sleep(0.6)
        assert await followed.next(heads, header(8)) == 8
    assert followed.reported == []
