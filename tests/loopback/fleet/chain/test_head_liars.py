"""Sockets that push what is none of the chain, or more than anybody asked for, or refuse to."""

import asyncio
import itertools
import json
from contextlib import suppress
from dataclasses import replace

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from fleet.chain.heads import EthHeads
from fleet.chain.subscription import Socket
from tests.loopback.fleet.chain.pushing import (
    CALM,
    FAST,
    Polled,
    accept,
    head,
    listening,
    push,
    until,
    word,
)
from units import BlockHash

pytestmark = pytest.mark.loopback


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


@pytest.mark.parametrize("says", ["status 429", "its delay", "error at the chain", "at the rest"])
async def test_sockets__one_asks_us_to_stay_away__not_dialled_again_and_the_next_is(
    says: str,
) -> None:
    dialled = 0

    async def limited(socket: ServerConnection) -> None:
        for result in (hex(964),) if says == "at the rest" else ():
            asked = json.loads(await socket.recv())
            await socket.send(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}))
        await socket.recv()
        error = {"code": -32005, "message": "limit", "data": {"retry_after": 600}}
        await socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "error": error}))
        await socket.wait_closed()

    def refused(connection: ServerConnection, _: Request) -> Response | None:
        nonlocal dialled
        dialled += 1
        if says.startswith("error") or says == "at the rest":
            return None
        response = connection.respond(429 if says == "status 429" else 503, "slow down")
        response.headers["Retry-After"] = "600"
        return response

    turns = 0

    async def behave(socket: ServerConnection) -> None:
        nonlocal turns
        turns += 1
        await accept(socket)
        await push(socket, turns)

    async with serve(limited, "127.0.0.1", 0, process_request=refused) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        asks = Socket(name="asks", url=f"ws://127.0.0.1:{port}")
        async with serve(behave, "127.0.0.1", 0) as other:
            port = next(iter(other.sockets)).getsockname()[1]
            sockets = [asks, Socket(name="other", url=f"ws://127.0.0.1:{port}")]
            heads = EthHeads(latest=Polled(), sockets=sockets, chain_id=964, policy=FAST)
            async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
                running = tasks.create_task(heads.run())
                await until(heads, 5)
                running.cancel()
    assert dialled == 1
