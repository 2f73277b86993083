"""Sockets that push heads and do what nodes and proxies do, and the heads that come of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from fleet.chain.failures import NodeUnavailable
from fleet.chain.heads import EthHeads, HeadPolicy
from fleet.chain.subscription import Socket, SocketPolicy
from units import BlockHash, BlockNumber, Head, Timestamp

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
