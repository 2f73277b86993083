"""Heads over a real WebSocket whose other end does what nodes and proxies do."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from fleet.chain.failures import NodeUnavailable
from fleet.chain.heads import EthHeads, HeadPolicy
from units import BlockHash, BlockNumber, Head, Timestamp

pytestmark = pytest.mark.loopback

FAST = HeadPolicy(
    poll_s=0.01, silence_s_max=0.3, redial_s=0.5, backoff_s_min=0.01, backoff_s_max=0.02
)
Behaviour = Callable[[ServerConnection], Awaitable[None]]


def word(number: int) -> str:
    return f"0x{number:064x}"


def header(number: int) -> dict[str, str]:
    return {
        "number": hex(number),
        "hash": word(number),
        "parentHash": word(number - 1),
        "timestamp": hex(number * 12),
    }


def head(number: int) -> Head:
    return Head(
        number=BlockNumber(number),
        hash=BlockHash(word(number)),
        parent_hash=BlockHash(word(number - 1)),
        time=Timestamp(number * 12),
    )


async def push(socket: ServerConnection, number: int) -> None:
    params = {"subscription": "0x1", "result": header(number)}
    notification = {"jsonrpc": "2.0", "method": "eth_subscription", "params": params}
    await socket.send(json.dumps(notification))


async def accept(socket: ServerConnection) -> Any:
    asked = await socket.recv()
    assert isinstance(asked, str), "a text frame"
    request = json.loads(asked)
    await socket.send(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": "0x1"}))
    return request


class Polled:
    """The HTTP side: a head, or none."""

    def __init__(self, newest: Head | None = None) -> None:
        self.newest = newest
        self.asked = 0

    async def __call__(self) -> Head:
        self.asked += 1
        if self.newest is None:
            raise NodeUnavailable("down")
        return self.newest


@asynccontextmanager
async def listening(behaviour: Behaviour, polled: Polled) -> AsyncIterator[EthHeads]:
    async with serve(behaviour, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        heads = EthHeads(latest=polled, ws_url=f"ws://127.0.0.1:{port}", policy=FAST)
        async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(heads.run())
            yield heads
            running.cancel()


async def until(heads: EthHeads, number: int) -> list[int]:
    seen = []
    async for each in heads.heads():
        seen.append(int(each.number))
        if each.number >= number:
            return seen
    raise AssertionError


async def test_subscription__pushes__arrive_in_order() -> None:
    async def behave(socket: ServerConnection) -> None:
        assert (await accept(socket))["params"] == ["newHeads"]
        for number in range(1, 6):
            await push(socket, number)
            await asyncio.sleep(0.01)
        await socket.wait_closed()

    async with listening(behave, Polled()) as heads:
        assert await until(heads, 5) == [1, 2, 3, 4, 5]
        assert heads.newest == head(5)


async def test_subscription__lively__nobody_polls() -> None:
    async def behave(socket: ServerConnection) -> None:
        await accept(socket)
        for number in range(1, 30):
            await push(socket, number)
            await asyncio.sleep(0.02)
        await socket.wait_closed()

    polled = Polled(head(1))
    async with listening(behave, polled) as heads:
        await until(heads, 3)
        asked = polled.asked
        await until(heads, 25)
        assert polled.asked == asked


async def test_subscription__falls_silent__polling_takes_over() -> None:
    async def behave(socket: ServerConnection) -> None:
        await accept(socket)
        await push(socket, 1)
        await socket.wait_closed()

    async with listening(behave, Polled(head(9))) as heads:
        assert (await until(heads, 9))[-1] == 9
        assert heads.newest == head(9)


async def test_subscription__silent_for_long__dialled_again() -> None:
    calls = 0

    async def behave(socket: ServerConnection) -> None:
        nonlocal calls
        calls += 1
        await accept(socket)
        if calls > 1:
            await push(socket, 7)
        await socket.wait_closed()

    async with listening(behave, Polled()) as heads:
        assert await until(heads, 7) == [7]
    assert calls >= 2


async def test_subscription__closed_by_the_node__dialled_again() -> None:
    calls = 0

    async def behave(socket: ServerConnection) -> None:
        nonlocal calls
        calls += 1
        await accept(socket)
        await push(socket, calls)

    async with listening(behave, Polled()) as heads:
        await until(heads, 4)
    assert calls >= 4


@pytest.mark.parametrize(
    "answer",
    ['{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}', "<html>", "[]", "{"],
)
async def test_subscription__refused_or_nonsense__polling_goes_on(answer: str) -> None:
    async def behave(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send(answer)
        await socket.wait_closed()

    async with listening(behave, Polled(head(3))) as heads:
        await until(heads, 3)
        await asyncio.sleep(0.1)
        assert heads.problem is not None
        assert "subscription" in heads.problem
