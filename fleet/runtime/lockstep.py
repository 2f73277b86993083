"""Keeps step with a devnet that seals block n+1 only after every bot has finished block n.

JSON-RPC 2.0 over the WebSocket of the devnet's Subtensor stand-in: `devnet_join`, the
notification `devnet_released`, `devnet_finished`. A closed connection means that the world has
ended: that is no error, calls then do nothing and streams end. Knows nothing of what a bot does
with a block.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from enum import StrEnum
from itertools import count
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from units import BlockNumber


class WokenBy(StrEnum):
    """What wakes a participant, in the words of the wire."""

    HEAD = "head"
    FINALIZED = "finalized"


class LockstepError(Exception):
    """The devnet cannot be kept step with; the text is one line for an operator."""


class LockstepClient:
    """One connection for all bots of a process. `run` must run while anything else is used.

    Args:
        url: the stand-in's WebSocket.
        reply_s_max: wall-clock seconds for a reply, connecting included.
    """

    def __init__(self, url: str, *, reply_s_max: float = 60.0) -> None:
        self._url = url
        self._reply_s_max = reply_s_max
        self._ids = count(1)
        self._connection: ClientConnection | None = None
        self._connected = asyncio.Event()
        self._replies: dict[int, asyncio.Future[Any]] = {}
        self._released: dict[str, asyncio.Queue[BlockNumber | None]] = {}
        self._has_ended = False

    async def run(self) -> None:
        """Connects and listens until the devnet closes the connection; a service.

        Raises:
            LockstepError: there is nobody to connect to.
        """
        try:
            # No pings: on a slow machine a busy devnet answers late, and has its own limit.
            async with connect(self._url, ping_interval=None) as connection:
                self._connection = connection
                self._connected.set()
                await self._listen(connection)
        except (OSError, InvalidHandshake, InvalidURI, TimeoutError) as error:
            raise LockstepError(f"no devnet at {self._url}: {error}") from error
        finally:
            self._end()

    async def join(self, *, name: str, woken_by: WokenBy, order: int) -> None:
        """Takes part from the next block on; lower orders are released first.

        Raises:
            LockstepError: refused, or no answer in time.
        """
        if woken_by is WokenBy.HEAD:
            self._released.setdefault(name, asyncio.Queue())
        params = {"name": name, "kind": woken_by.value, "order": order}
        await self._call("devnet_join", params)

    async def released(self, name: str) -> AsyncIterator[BlockNumber]:
        """The blocks released to a participant that joined to be woken by heads.

        Ends when the world does.
        """
        blocks = self._released[name]
        while not self._has_ended or not blocks.empty():
            block = await blocks.get()
            if block is None:
                return
            yield block

    async def finished(self, name: str, block: BlockNumber) -> None:
        """The participant has finished its block; the world goes on.

        Raises:
            LockstepError: refused, or no answer in time.
        """
        await self._call("devnet_finished", {"name": name, "block": block})

    async def _call(self, method: str, params: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(self._reply_s_max):
                await self._connected.wait()
                if self._connection is not None and not self._has_ended:
                    await self._ask(self._connection, method, params)
        except TimeoutError:
            raise LockstepError(f"{method}: no answer within {self._reply_s_max:.0f} s") from None

    async def _ask(self, connection: ClientConnection, method: str, params: dict[str, Any]) -> None:
        number = next(self._ids)
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._replies[number] = reply
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        try:
            await connection.send(json.dumps(request))
            answer = await reply
        except ConnectionClosed:
            return
        finally:
            del self._replies[number]
        if answer is not None and "error" in answer:
            raise LockstepError(f"{method}: {answer['error'].get('message', answer['error'])}")

    async def _listen(self, connection: ClientConnection) -> None:
        async for text in connection:
            message = json.loads(text)
            if message.get("method") == "devnet_released":
                params = message["params"]
                self._released[params["name"]].put_nowait(BlockNumber(params["block"]))
            elif (reply := self._replies.get(message.get("id"))) is not None and not reply.done():
                reply.set_result(message)

    def _end(self) -> None:
        """Nobody may wait for a world that is gone: replies become None, streams end."""
        self._has_ended = True
        self._connected.set()
        for reply in self._replies.values():
            if not reply.done():
                reply.set_result(None)
        for blocks in self._released.values():
            blocks.put_nowait(None)
