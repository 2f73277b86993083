"""Heads over a real WebSocket whose other end does what nodes and proxies do."""

import asyncio

import pytest
from websockets.asyncio.server import ServerConnection

from fleet.chain.heads import HeadPolicy
from tests.loopback.fleet.chain.pushing import (
    CALM,
    SOCKETS,
    Polled,
    accept,
    complaint,
    head,
    listening,
    push,
    until,
)

pytestmark = pytest.mark.loopback


async def test_subscription__pushes__arrive_in_order() -> None:
    taken = asyncio.Semaphore(1)

    async def behave(socket: ServerConnection) -> None:
        assert (await accept(socket))["params"] == ["newHeads"]
        for number in range(1, 6):
            await taken.acquire()
            await push(socket, number)
        await socket.wait_closed()

    async with listening(behave, Polled(), policy=CALM) as heads:
        seen: list[int] = []
        async for each in heads.heads():
            seen.append(each.number)
            if each.number == 5:
                break
            taken.release()
        assert seen == [1, 2, 3, 4, 5]
        assert heads.newest == head(5)


async def test_subscription__lively__nobody_polls() -> None:
    async def behave(socket: ServerConnection) -> None:
        await accept(socket)
        for number in range(1, 30):
            await push(socket, number)
            await asyncio.sleep(0.02)
        await socket.wait_closed()

    polled = Polled(head(1))
    async with listening(behave, polled, policy=CALM) as heads:
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
    [
        '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}',
        "<html>",
        "[]",
        "{",
        "[" * 200_000,
        "1" * 10_000,
    ],
    ids=["error", "html", "a list", "half", "nested without end", "endless digits"],
)
async def test_subscription__refused_or_nonsense__polling_goes_on(answer: str) -> None:
    async def behave(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send(answer)
        await socket.wait_closed()

    async with listening(behave, Polled(head(3))) as heads:
        await until(heads, 3)
        assert await complaint(heads)


async def test_sockets__first_is_down__the_second_is_listened_to() -> None:
    async def closes(socket: ServerConnection) -> None:
        await socket.close()

    async def behave(socket: ServerConnection) -> None:
        await accept(socket)
        await push(socket, 5)
        await socket.wait_closed()

    async with listening(closes, Polled(), behave) as heads:
        assert await until(heads, 5) == [5]


async def test_sockets__each_falls_silent__the_next_is_dialled_and_then_the_first_again() -> None:
    dialled: list[str] = []

    async def silent(socket: ServerConnection) -> None:
        dialled.append("first")
        await accept(socket)
        await socket.wait_closed()

    async def behave(socket: ServerConnection) -> None:
        dialled.append("second")
        await accept(socket)
        await push(socket, len(dialled))

    async with listening(silent, Polled(), behave) as heads:
        await until(heads, 4)
    assert dialled[:4] == ["first", "second", "first", "second"]


async def test_sockets__first_serves_another_chain__its_heads_are_never_heard() -> None:
    async def wrong(socket: ServerConnection) -> None:
        await accept(socket, chain_id=1)
        await push(socket, 999)
        await socket.wait_closed()

    async def behave(socket: ServerConnection) -> None:
        await accept(socket)
        await push(socket, 5)
        await socket.wait_closed()

    async with listening(wrong, Polled(head(4)), behave, policy=CALM) as heads:
        assert (await until(heads, 5))[-1] == 5
        assert heads.problem is None
    async with listening(wrong, Polled()) as heads:
        assert await complaint(heads) == "head subscription: ws-0: serves chain 1, not 964"


async def test_sockets__first_lags_for_ever__polling_goes_on_and_the_next_is_dialled() -> None:
    async def lags(socket: ServerConnection) -> None:
        await accept(socket)
        for number in range(1, 500):
            await push(socket, number)
            await asyncio.sleep(0.01)

    async def behave(socket: ServerConnection) -> None:
        await accept(socket)
        await push(socket, 10_001)
        await socket.wait_closed()

    polled = Polled(head(10_000))
    async with listening(lags, polled, behave) as heads:
        assert (await until(heads, 10_001))[-1] == 10_001


async def test_problem__of_a_socket__never_holds_its_address() -> None:
    async def refuses(socket: ServerConnection) -> None:
        await socket.close(code=1011, reason="ws://secret-key")

    async with listening(refuses, Polled()) as heads:
        assert "secret-key" not in await complaint(heads)


async def test_push__not_trusted__only_wakes_the_poll() -> None:
    async def behave(socket: ServerConnection) -> None:
        await accept(socket)
        await push(socket, 5)
        await socket.wait_closed()

    slow = HeadPolicy(poll_s=0.05, silence_s_max=30, trusts_pushes=False, sockets=SOCKETS)
    polled = Polled(head(4))
    async with listening(behave, polled, policy=slow) as heads:
        assert await until(heads, 4) == [4], "the pushed head is not handed on"
        polled.newest = head(5)
        assert (await until(heads, 5))[-1] == 5
        await asyncio.sleep(0.1)
        asked = polled.asked
        await asyncio.sleep(0.2)
        assert polled.asked == asked, "what was promised has been had"
