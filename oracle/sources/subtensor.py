"""A Subtensor endpoint: finalized heads, prices and identities over substrate-interface.

The only module that knows substrate-interface, which is synchronous, not thread-safe, and left in
an unknown state by any failure. So every client lives alone in a thread of its own, and is thrown
away after its first failure.
"""

import asyncio
import random
import socket
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, nullcontext, suppress
from typing import Any, Self
from weakref import WeakSet

from substrateinterface import SubstrateInterface
from substrateinterface.exceptions import SubstrateRequestException
from websocket import WebSocket, WebSocketException

from oracle.quotes import Reading, SourceHead, Unavailable
from oracle.sources.answers import MalformedAnswerError
from oracle.sources.causes import cause
from oracle.sources.client import Client, RefusedError, SourceFailureError
from oracle.sources.heads import FinalizedHeads
from oracle.sources.layouts import RuntimeLayouts
from oracle.sources.policy import SourcePolicy
from oracle.sources.reader import BlockReader, Throttle
from oracle.sources.runtime import decode_layout
from units import BlockHash, BlockNumber, Netuid

SS58_FORMAT = 42

_FAILURES = (
    OSError,  # the socket, its name, TLS
    WebSocketException,
    ValueError,  # among them JSONDecodeError, which is how an in-flight drop shows
    LookupError,  # a message that is JSON but not JSON-RPC
    TypeError,
    AttributeError,  # the socket was aborted between two of the library's steps
    RecursionError,  # JSON nested deeper than the parser goes
)


class LoneClient:
    """One substrate-interface client, alone in its thread. Implements `Client`."""

    def __init__(
        self, *, name: str, url: str, socket_s_max: float, genesis: BlockHash | None
    ) -> None:
        """One client, not yet connected.

        Args:
            name: what errors call it; the URL may hold a key.
            url: ws:// or wss://.
            socket_s_max: bounds every wait on the socket.
            genesis: None: any chain will do.
        """
        self._name = name
        self._url = url
        self._genesis = genesis
        self._connect_s_max = socket_s_max
        self._socket = WebSocket()
        self._socket.settimeout(socket_s_max)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="subtensor")
        self._substrate: Any = None
        self._is_aborted = False
        self._cut = asyncio.get_running_loop().create_future()

    async def connect(self) -> None:
        """Open the connection and see that it is the right chain; raises SourceFailureError."""
        try:
            async with asyncio.timeout(self._connect_s_max):
                await self._in_thread(self._open)
        except TimeoutError as error:
            raise SourceFailureError(f"can't connect to {self._url} in time") from error

    async def request(self, method: str, params: Sequence[Any]) -> Any:
        """See `Client`."""
        return await self._in_thread(lambda: self._result(method, params))

    def follow(self, method: str, put: Callable[[Any], None]) -> None:
        """See `Client`."""
        if self._is_aborted:
            put(SourceFailureError("the connection was cut"))
        else:
            self._thread.submit(self._subscribe, method, put)

    def abort(self) -> None:
        """See `Client`. The thread closes the socket itself: no other may while it reads."""
        if self._is_aborted:
            return
        self._is_aborted = True
        self._cut.set_result(None)
        if self._socket.sock is not None:
            with suppress(OSError):
                self._socket.sock.shutdown(socket.SHUT_RDWR)
        self._thread.submit(self._socket.shutdown)
        self._thread.shutdown(wait=False)

    async def _in_thread(self, call: Callable[[], Any]) -> Any:
        if self._is_aborted:
            raise SourceFailureError("the connection was cut")
        answer = asyncio.get_running_loop().run_in_executor(self._thread, call)
        answer.add_done_callback(_heard)
        # A connection that is still being opened has no socket that could be cut.
        try:
            await asyncio.wait({answer, self._cut}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not answer.done():
                answer.cancel()
        if answer.cancelled():
            raise SourceFailureError("the connection was cut")
        return answer.result()

    def _open(self) -> None:
        try:
            self._socket.connect(self._url)  # type: ignore[no-untyped-call]  # so it ships
            if self._is_aborted:
                raise SourceFailureError("the connection was cut")
            self._substrate = SubstrateInterface(
                websocket=self._socket, ss58_format=SS58_FORMAT, auto_discover=False
            )
        except _FAILURES as error:
            raise SourceFailureError(f"can't connect to {self._name}: {cause(error)}") from error
        self._check_genesis()

    def _check_genesis(self) -> None:
        if self._genesis is None:
            return
        found = self._result("chain_getBlockHash", [0])
        if found != self._genesis:
            raise SourceFailureError(f"{self._name} is another chain: its genesis is {found}")

    def _result(self, method: str, params: Sequence[Any]) -> Any:
        try:
            return self._substrate.rpc_request(method, list(params))["result"]
        except SubstrateRequestException as refusal:
            raise RefusedError(f"{method} was refused: {refusal}") from refusal
        except _FAILURES as error:
            raise SourceFailureError(f"{method} failed: {error!r}") from error

    def _subscribe(self, method: str, put: Callable[[Any], None]) -> None:
        def deliver(message: dict[str, Any], _number: int, _subscription: str) -> None:
            # A value returned here would end the subscription.
            put(message["params"]["result"])

        end = "without a reason"
        try:
            self._substrate.rpc_request(method, [], result_handler=deliver)
        except (SubstrateRequestException, *_FAILURES) as error:
            end = repr(error)
        finally:  # whatever ended it: who waits for a head must not wait for ever
            put(SourceFailureError(f"{method} ended: {end}"))


def _heard(answer: asyncio.Future[Any]) -> None:
    """Its failure may come at the moment when whoever asked was cancelled: then nobody wants it."""
    if not answer.cancelled():
        answer.exception()


class SubtensorEndpoint:
    """One node: a connection that only subscribes, and one that only asks. A `PriceSource`.

    Use as an async context manager; it opens connections when they are first needed.
    """

    def __init__(
        self,
        *,
        url: str,
        name: str = "the node",
        markets: Sequence[Netuid],
        policy: SourcePolicy,
        genesis: BlockHash | None = None,
        throttle: Throttle | None = None,
        chance: Callable[[], float] = random.random,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Wire one endpoint.

        Args:
            url: ws:// or wss://.
            name: who runs it, for errors and logs.
            markets: the subnets whose identity is read.
            policy: limits.
            genesis: the hash of block 0, checked whenever a connection is opened.
            throttle: entered before every request and every connection; None does not limit.
            chance: jitter, from 0 to 1.
            report: takes one line for operators when the subscription breaks.
        """
        self._url = url
        self._name = name
        self._genesis = genesis
        self._policy = policy
        self._throttle: Throttle = nullcontext() if throttle is None else throttle
        self._reader = BlockReader(
            connect=self._connect,
            throttle=self._throttle,
            markets=markets,
            policy=policy,
        )
        self._chance = chance
        self._report = report
        self._tasks = asyncio.TaskGroup()
        self._layouts = RuntimeLayouts(
            tasks=self._tasks, fetch=self._metadata, decode=decode_layout, policy=policy
        )
        self._followers: WeakSet[FinalizedHeads] = WeakSet()
        self._clients: WeakSet[LoneClient] = WeakSet()
        self._is_closed = False

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
        await self._tasks.__aexit__(None, None, None)

    async def heads(self) -> AsyncGenerator[SourceHead, None]:
        """Newer and newer finalized heads until `close`; skips what a slow reader has missed."""
        follower = FinalizedHeads(
            connect=self._connect, policy=self._policy, chance=self._chance, report=self._report
        )
        self._followers.add(follower)
        async with aclosing(follower.follow()) as heads:
            async for head in heads:
                yield head

    async def read(self, block: SourceHead) -> Reading | Unavailable:
        """See `PriceSource`."""
        try:
            return await self._reader.read(block, self._layouts)
        except SourceFailureError as failure:
            return Unavailable(detail=str(failure))

    async def finalized(self) -> SourceHead | Unavailable:
        """See `PriceSource`."""
        try:
            return await self._reader.finalized()
        except SourceFailureError as failure:
            return Unavailable(detail=str(failure))

    async def block(self, number: BlockNumber) -> SourceHead | Unavailable:
        """See `PriceSource`."""
        try:
            return await self._reader.head(number)
        except SourceFailureError as failure:
            return Unavailable(detail=str(failure))

    def close(self) -> None:
        """End `heads`, fail what is being read, stop decoding; within a second of wall time."""
        self._is_closed = True
        for follower in tuple(self._followers):
            follower.close()
        self._layouts.close()
        self._reader.close()
        for client in tuple(self._clients):
            client.abort()

    async def _connect(self, socket_s_max: float) -> Client:
        async with self._throttle:
            if self._is_closed:
                raise SourceFailureError("the endpoint is closed")
            client = LoneClient(
                name=self._name, url=self._url, socket_s_max=socket_s_max, genesis=self._genesis
            )
            self._clients.add(client)
            try:
                await client.connect()
            except BaseException:
                client.abort()
                raise
        return client

    async def _metadata(self, block: BlockHash) -> str:
        """Over a connection of its own, so that half a megabyte delays no price."""
        client = await self._connect(self._policy.metadata_s_max)
        try:
            async with self._throttle:
                answer = await client.request("state_getMetadata", [block])
        finally:
            client.abort()
        if not isinstance(answer, str):
            raise MalformedAnswerError("metadata is not text")
        return answer
