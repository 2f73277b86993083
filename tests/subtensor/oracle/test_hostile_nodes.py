"""The real client against nodes that keep the connection and break the protocol."""

import asyncio
import base64
import hashlib
import json
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, closing, suppress
from dataclasses import replace

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from oracle.quotes import SourceHead, Unavailable
from oracle.sources.policy import SourcePolicy
from oracle.sources.subtensor import SubtensorEndpoint
from units import BlockHash, BlockNumber, Netuid

pytestmark = pytest.mark.subtensor

SN = Netuid(64)
HEAD = SourceHead(number=BlockNumber(7), hash=BlockHash("0x" + "07" * 32))
ROOT = "0x" + "00" * 32
HEADER = {
    "parentHash": ROOT,
    "number": "0x7",
    "stateRoot": ROOT,
    "extrinsicsRoot": ROOT,
    "digest": {"logs": []},
}
TOO_DEEP = "[" * 200_000
NO_UTF8 = b'{"result": "\xff"}'
POLICY = SourcePolicy(
    request_s_max=0.4, heads_gap_s_max=0.4, backoff_s_first=0.02, backoff_s_max=0.05
)
SOON_S = 30.0

Behaviour = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def hostile(behave: Behaviour) -> AsyncIterator[str]:
    async def until_cut(socket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            await behave(socket)

    async with serve(until_cut, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}"


async def subscribed(socket: ServerConnection) -> None:
    """One head, as an honest node would send it."""
    asked = json.loads(await socket.recv())
    await socket.send(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": "s"}))
    said = {"subscription": "s", "result": HEADER}
    await socket.send(json.dumps({"method": "chain_finalizedHead", "params": said}))


async def pings_for_ever(socket: ServerConnection) -> None:
    await subscribed(socket)
    while True:
        await socket.ping()
        await asyncio.sleep(0.05)


async def chats_for_ever(socket: ServerConnection) -> None:
    await subscribed(socket)
    while True:
        await socket.send(json.dumps({"method": "another", "params": {"subscription": "x"}}))
        await asyncio.sleep(0.05)


async def nests_too_deep(socket: ServerConnection) -> None:
    await subscribed(socket)
    await socket.send(TOO_DEEP)
    await socket.wait_closed()


async def says_no_text(socket: ServerConnection) -> None:
    await subscribed(socket)
    await socket.send(NO_UTF8, text=True)
    await socket.wait_closed()


@pytest.mark.parametrize("behave", [pings_for_ever, chats_for_ever, nests_too_deep, says_no_text])
async def test_heads__the_connection_lives_and_brings_none__is_set_up_again(
    behave: Behaviour,
) -> None:
    reported: list[str] = []
    async with (
        hostile(behave) as url,
        SubtensorEndpoint(url=url, markets=(SN,), policy=POLICY, report=reported.append) as source,
    ):
        seen: list[int] = []
        following = asyncio.ensure_future(follow(source, seen))
        async with asyncio.timeout(SOON_S):
            while not (seen and len(reported) > 1):  # noqa: ASYNC110 - it is the node's doing
                await asyncio.sleep(0.02)
        source.close()
        await following
        assert seen == [7]
    await no_thread_is_left()


async def follow(source: SubtensorEndpoint, seen: list[int]) -> None:
    async with aclosing(source.heads()) as heads:
        async for head in heads:
            seen.append(head.number)  # noqa: PERF401 - it is looked at meanwhile


async def answers_too_deep(socket: ServerConnection) -> None:
    await socket.recv()
    await socket.send(TOO_DEEP)
    await socket.wait_closed()


async def answers_no_text(socket: ServerConnection) -> None:
    await socket.recv()
    await socket.send(NO_UTF8, text=True)
    await socket.wait_closed()


async def answers_pings_only(socket: ServerConnection) -> None:
    await socket.recv()
    while True:
        await socket.ping()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("behave", [answers_too_deep, answers_no_text, answers_pings_only])
async def test_read__no_answer_that_is_one__is_unavailable_in_time(behave: Behaviour) -> None:
    async with (
        hostile(behave) as url,
        SubtensorEndpoint(url=url, markets=(SN,), policy=POLICY) as source,
    ):
        async with asyncio.timeout(SOON_S):
            for _ in range(3):
                assert isinstance(await source.read(HEAD), Unavailable)
    await no_thread_is_left()


async def test_read__a_message_of_a_terabyte_is_announced__is_cut_off_at_once() -> None:
    policy = SourcePolicy(request_s_max=120)

    async def announces(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            asked = await reader.readuntil(b"\r\n\r\n")
            key = re.search(rb"Sec-WebSocket-Key: (\S+)", asked)
            assert key is not None
            digest = hashlib.sha1(key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
            answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            answer += b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + base64.b64encode(digest)
            writer.write(answer + b"\r\n\r\n\x81\x7f" + (1 << 40).to_bytes(8, "big") + b"x" * 9)
            await reader.read()

    async with await asyncio.start_server(announces, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with SubtensorEndpoint(url=url, markets=(SN,), policy=policy) as source:
            async with asyncio.timeout(SOON_S):
                said = await source.read(HEAD)
            assert isinstance(said, Unavailable)
            assert "1099511627776 bytes" in said.detail
    await no_thread_is_left()


async def test_read__a_message_without_an_end__is_cut_off_at_the_limit() -> None:
    policy = SourcePolicy(request_s_max=120)

    async def goes_on(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send("x" * 2**20 for _ in range(64))

    async with (
        hostile(goes_on) as url,
        SubtensorEndpoint(url=url, markets=(SN,), policy=policy) as source,
    ):
        async with asyncio.timeout(SOON_S):
            said = await source.read(HEAD)
        assert isinstance(said, Unavailable)
        assert f"a message of {17 * 2**20} bytes" in said.detail
    await no_thread_is_left()


async def test_read__a_handshake_that_drips__is_unavailable_in_time_and_leaves_no_thread() -> None:
    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            while not writer.is_closing():
                writer.write(b"H")
                await asyncio.sleep(0.02)

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with SubtensorEndpoint(url=url, markets=(SN,), policy=POLICY) as source:
            async with asyncio.timeout(SOON_S):
                for _ in range(3):
                    assert isinstance(await source.read(HEAD), Unavailable)
            await no_thread_is_left()


async def no_thread_is_left() -> None:
    async with asyncio.timeout(SOON_S):
        while any(each.name.startswith("subtensor") for each in threading.enumerate()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("is_open", [False, True], ids=["at the door", "on the line"])
async def test_read__the_node_asks_us_to_wait__nothing_is_asked_until_then(is_open: bool) -> None:
    asked = dialled = 0

    async def refuses(socket: ServerConnection) -> None:
        nonlocal asked
        while True:
            question = json.loads(await socket.recv())
            asked += 1
            error = {"code": -32005, "message": "limit", "data": {"retry_after": 600}}
            await socket.send(json.dumps({"jsonrpc": "2.0", "id": question["id"], "error": error}))

    def door(connection: ServerConnection, _: Request) -> Response | None:
        nonlocal dialled
        dialled += 1
        if is_open:
            return None
        response = connection.respond(429, "slow down")
        response.headers["Retry-After"] = "600"
        return response

    async with serve(refuses, "127.0.0.1", 0, process_request=door) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        patient = replace(POLICY, request_s_max=SOON_S)
        async with SubtensorEndpoint(
            url=f"ws://127.0.0.1:{port}", markets=(SN,), policy=patient
        ) as source:
            for _ in range(5):
                assert isinstance(await source.read(HEAD), Unavailable)
                said = await source.finalized()
            assert isinstance(said, Unavailable)
            assert "asked us to wait" in said.detail
    assert (dialled, asked) == (1, int(is_open))
    await no_thread_is_left()


async def test_heads__the_subscription_is_refused__nobody_asks_the_node_until_then() -> None:
    asked: list[str] = []

    async def refuses(socket: ServerConnection) -> None:
        while True:
            question = json.loads(await socket.recv())
            asked.append(question["method"])
            error = {"code": -32005, "message": "limit", "data": {"retry_after": 600}}
            await socket.send(json.dumps({"jsonrpc": "2.0", "id": question["id"], "error": error}))

    reported: list[str] = []
    async with (
        hostile(refuses) as url,
        SubtensorEndpoint(url=url, markets=(SN,), policy=POLICY, report=reported.append) as source,
    ):
        following = asyncio.ensure_future(follow(source, []))
        async with asyncio.timeout(SOON_S):
            while not reported:  # noqa: ASYNC110 - it is the node's doing
                await asyncio.sleep(0.02)
        said = await source.finalized()
        assert isinstance(said, Unavailable)
        assert "asked us to wait" in said.detail
        source.close()
        await following
    assert asked == ["chain_subscribeFinalizedHeads"]
    await no_thread_is_left()
