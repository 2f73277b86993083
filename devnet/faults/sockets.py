"""WebSockets through the proxy: both directions, message by message.

What a client asks has the method it names; what the node pushes has eth_subscription. Faults that
have no meaning on a socket (HTTP's status, an older block) let the message pass.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp import web

from devnet.faults.faults import Cut, Fault, Lag, Limited, Silence, Truncated, Twice
from devnet.faults.upstream import refusal

Strike = Callable[[str], Fault | None]
Write = Callable[[str], Awaitable[None]]


async def relay(
    request: web.Request, session: aiohttp.ClientSession, target: str, strike: Strike
) -> web.WebSocketResponse:
    """Joins a client's socket with one to the node until either side or a fault ends it."""
    client = web.WebSocketResponse()
    await client.prepare(request)
    async with session.ws_connect(target) as node, asyncio.TaskGroup() as tasks:
        up = tasks.create_task(_asks(client, node, strike), name="faults: to the node")
        down = tasks.create_task(_pushes(node, client, strike), name="faults: to the client")
        await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        down.cancel()
    await client.close()
    return client


async def _asks(
    client: web.WebSocketResponse, node: aiohttp.ClientWebSocketResponse, strike: Strike
) -> None:
    """Client to node, until the client leaves or is cut off."""
    async for message in client:
        call = json.loads(message.data)
        fault = strike(_method(call))
        if isinstance(fault, Limited):
            await client.send_str(json.dumps(refusal(call, fault)))
        elif not await _pass_on(_text(message.data), fault, node.send_str):
            return


async def _pushes(
    node: aiohttp.ClientWebSocketResponse, client: web.WebSocketResponse, strike: Strike
) -> None:
    """Node to client; answers to what was asked pass unharmed, notifications may not."""
    async for message in node:
        text = _text(message.data)
        method = _method(json.loads(text))
        fault = strike(method) if method == "eth_subscription" else None
        if not await _pass_on(text, fault, client.send_str):
            return


async def _pass_on(text: str, fault: Fault | None, write: Write) -> bool:
    """Writes the message as the fault has it; False: the connection is to end."""
    match fault:
        case Cut():
            return False
        case Silence():
            return True
        case Lag():
            await asyncio.sleep(fault.seconds)
        case Truncated():
            text = text[: len(text) // 2]
        case Twice():
            await write(text)
        case _:
            pass
    await write(text)
    return True


def _method(message: Any) -> str:
    return str(message.get("method")) if isinstance(message, dict) else ""


def _text(data: str | bytes) -> str:
    return data if isinstance(data, str) else data.decode()
