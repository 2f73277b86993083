"""Heads over a real WebSocket whose other end does what nodes and proxies do."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from fleet.chain.failures import NodeUnavailable
from fleet.chain.heads import EthHeads, HeadPolicy
from fleet.chain.subscription import Socket, SocketPolicy
from units import BlockHash, BlockNumber, Head, Timestamp

pytestmark = pytest.mark.loopback

SOCKETS = SocketPolicy(redial_s=0.5, open_s_max=30, backoff_s_min=0.01, backoff_s_max=0.02)
FAST = HeadPolicy(poll_s=0.01, silence_s_max=0.3, sockets=SOCKETS)
CALM = replace(FAST, silence_s_max=60, sockets=replace(SOCKETS, redial_s=60))
"""Takes no pause of a busy machine for a silence."""
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


async def accept(socket: ServerConnection, chain_id: int = 964) -> Any:
    """Says the chain and takes the subscription, which is all that is ever asked on a socket."""
    for method, result in (("eth_chainId", hex(chain_id)), ("eth_subscribe", "0x1")):
        asked = await socket.recv()
        assert isinstance(asked, str), "a text frame"
        request = json.loads(asked)
        assert request["method"] == method
        await socket.send(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}))
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
async def listening(
    behaviour: Behaviour, polled: Polled, *others: Behaviour, policy: HeadPolicy = FAST
) -> AsyncIterator[EthHeads]:
    async with AsyncExitStack() as closing:
        sockets = []
        for index, each in enumerate((behaviour, *others)):
            server = await closing.enter_async_context(serve(each, "127.0.0.1", 0))
            port = next(iter(server.sockets)).getsockname()[1]
            sockets.append(Socket(name=f"ws-{index}", url=f"ws://127.0.0.1:{port}/secret-key"))
        heads = EthHeads(latest=polled, sockets=sockets, chain_id=964, policy=policy)
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
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


async def complaint(heads: EthHeads) -> str:
    """What the subscription fails at, as soon as it does."""
    while not (found := heads.problem or "").startswith("head subscription: "):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    return found


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


async def test_push__far_above_what_nodes_say__never_handed_on_and_the_next_is_dialled() -> None:
    async def boasts(socket: ServerConnection) -> None:
        await accept(socket)
        with suppress(ConnectionClosed):
            for number in itertools.count(10**9):
                await push(socket, number)
                await asyncio.sleep(0.01)

    async def behave(socket: ServerConnection) -> None:
        await accept(socket)
        await push(socket, 10)
        await socket.wait_closed()

    async with listening(boasts, Polled(head(9)), behave) as heads:
        assert (await until(heads, 10))[-1] == 10


async def test_push__however_many__the_nodes_are_asked_no_more_often_than_without() -> None:
    pushed = 0

    async def floods(socket: ServerConnection) -> None:
        nonlocal pushed
        await accept(socket)
        with suppress(ConnectionClosed):
            for number in itertools.count(10**9):
                await push(socket, number)
                await asyncio.sleep(0)
                pushed += 1

    policy = replace(CALM, poll_s=0.2)
    polled = Polled(head(9))
    async with listening(floods, polled, policy=policy) as heads:
        started = asyncio.get_running_loop().time()
        while pushed < 200 or polled.asked < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        elapsed_s = asyncio.get_running_loop().time() - started
        assert polled.asked <= 2 + elapsed_s / policy.poll_s
        assert heads.newest == head(9)


async def test_push__a_chain_of_its_own_on_top_of_ours__the_audit_ends_it() -> None:
    async def invents(socket: ServerConnection) -> None:
        await accept(socket)
        with suppress(ConnectionClosed):
            for number in itertools.count(10):
                await push(socket, number)
                await asyncio.sleep(0.01)

    polled = Polled(head(9))
    policy = replace(CALM, audit_s=0.5)
    async with listening(invents, polled, policy=policy) as heads:
        await until(heads, 20)
        polled.newest = replace(head(11), hash=BlockHash(word(10**6)))
        while heads.newest != polled.newest:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_push__misses_a_block__the_nodes_are_asked() -> None:
    async def behave(socket: ServerConnection) -> None:
        await accept(socket)
        await push(socket, 5)
        await push(socket, 7)
        await socket.wait_closed()

    polled = Polled(head(4))
    async with listening(behave, polled, policy=CALM) as heads:
        await until(heads, 5)
        polled.newest = head(7)
        assert (await until(heads, 7))[-1] == 7
