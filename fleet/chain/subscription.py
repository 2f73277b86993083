"""New heads as nodes push them, over a socket that carries nothing else.

Several sockets in order: one that fails, falls silent or only tells what is known is given up for
the next, and one that asks us to stay away is not dialled meanwhile. A socket that also carried
calls would starve: a few hundred unread heads make a call on it time out. The only question ever
asked on one is which chain it serves, before it is listened to.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from fleet.chain import answers
from fleet.chain.failures import AskedToWait, ChainError, NodeUnavailable, WrongChain
from fleet.chain.rejections import retry_after_header_s
from fleet.chain.replies import Patience, failure_of
from units import Head

_TOO_MANY_REQUESTS = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class Socket:
    """Where heads are pushed from; the URL may hold a key and is never told."""

    name: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketPolicy:
    """How sockets are dialled, in wall-clock seconds.

    `redial_s`: without news, the socket is given up. 60: five blocks.
    `open_s_max`: for a socket to open and to say its chain.
    `backoff_s_min`, `backoff_s_max`: after all of them failed; doubles.
    `patience`: with those that refuse by policy.
    """

    redial_s: float = 60.0
    open_s_max: float = 10.0
    backoff_s_min: float = 1.0
    backoff_s_max: float = 30.0
    patience: Patience = field(default_factory=Patience)


class Subscription:
    """Listens to one socket at a time.

    Args:
        sockets: in the order in which they are tried; at least one.
        chain_id: which chain they must serve; None: not asked.
        policy: how patient it is.
        hear: takes a head, and says whether it was news.
    """

    def __init__(
        self,
        sockets: Sequence[Socket],
        *,
        chain_id: int | None,
        policy: SocketPolicy,
        hear: Callable[[Head], bool],
    ) -> None:
        self._sockets = tuple(sockets)
        self._chain_id = chain_id
        self._policy = policy
        self._hear = hear
        self._rests_until: dict[Socket, float] = {}
        self.problem: str | None = None

    async def run(self) -> None:
        """Subscribes until cancelled; failures are waited out and told by `problem`."""
        backoff_s = self._policy.backoff_s_min
        while True:
            had_news = False
            for socket in filter(self._is_awake, self._sockets):
                had_news |= await self._listen(socket)
            backoff_s = self._policy.backoff_s_min if had_news else backoff_s
            await asyncio.sleep(backoff_s)
            backoff_s = min(2 * backoff_s, self._policy.backoff_s_max)

    def _is_awake(self, socket: Socket) -> bool:
        """May it be dialled?"""
        return _now() >= self._rests_until.get(socket, 0.0)

    async def _listen(self, socket: Socket) -> bool:
        """One connection, until it fails or has no news; did it have any?"""
        heard = False
        try:
            async with self._dialled(socket) as connection:
                async with asyncio.timeout(self._policy.open_s_max):
                    await self._require_chain(connection)
                await connection.send(_request("eth_subscribe", ["newHeads"]))
                while True:
                    await self._next_news(connection)
                    heard, self.problem = True, None
        except AskedToWait as failure:
            self._rests_until[socket] = _now() + failure.retry_after_s
            self.problem = f"head subscription: {socket.name}: {failure}"
        except (OSError, WebSocketException, ChainError, ValueError, RecursionError) as failure:
            self.problem = f"head subscription: {socket.name}: {_text(failure)}"
        return heard

    @asynccontextmanager
    async def _dialled(self, socket: Socket) -> AsyncIterator[ClientConnection]:
        """The open socket. Raises what websockets raises, and AskedToWait."""
        try:
            async with connect(socket.url, open_timeout=self._policy.open_s_max) as connection:
                yield connection
        except InvalidStatus as refusal:
            headers = refusal.response.headers
            said_s = retry_after_header_s(headers.get("Retry-After"), headers.get("Date"))
            if refusal.response.status_code != _TOO_MANY_REQUESTS and said_s is None:
                raise
            wait_s = self._policy.patience.of(said_s)
            raise AskedToWait("too many requests", retry_after_s=wait_s) from None

    async def _next_news(self, connection: ClientConnection) -> None:
        async with asyncio.timeout(self._policy.redial_s):
            is_news = False
            while not is_news:
                header = self._header(json.loads(await connection.recv()))
                is_news = header is not None and self._hear(answers.head(header))

    async def _require_chain(self, connection: ClientConnection) -> None:
        if self._chain_id is None:
            return
        await connection.send(_request("eth_chainId", []))
        answer = json.loads(await connection.recv())
        self._require_no_error(answer)
        found = answers.quantity(answers.field(answer, "result"))
        if found != self._chain_id:
            raise WrongChain(f"serves chain {found}, not {self._chain_id}")

    def _header(self, message: Any) -> Any:
        """The header in a notification; None in the answer to the subscription itself."""
        self._require_no_error(message)
        if message.get("method") != "eth_subscription":
            return None
        return answers.field(message.get("params"), "result")

    def _require_no_error(self, message: Any) -> None:
        error = message.get("error") if isinstance(message, dict) else "no JSON-RPC"
        if error is None:
            return
        failure = failure_of("the node", "eth_subscribe", error, self._policy.patience)
        if isinstance(failure, AskedToWait):
            raise failure
        raise NodeUnavailable("the node does not push heads")


def _request(method: str, params: list[Any]) -> str:
    """A str, so that it goes out as a text frame: some proxies read no binary ones."""
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})


def _now() -> float:
    return asyncio.get_running_loop().time()


def _text(failure: Exception) -> str:
    """Our own words, or the kind only: a library's may hold the URL, and the URL a key."""
    return str(failure) if isinstance(failure, ChainError) else type(failure).__name__
