"""One connection to a node through substrate-interface, alone in a thread of its own.

The only module that knows substrate-interface's WebSocket side: it is synchronous, not
thread-safe, and left in an unknown state by any failure. So every client has its own thread, and
is thrown away after its first failure.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from substrateinterface import SubstrateInterface
from substrateinterface.exceptions import SubstrateRequestException
from websocket import (
    ABNF,
    WebSocket,
    WebSocketBadStatusException,
    WebSocketException,
    WebSocketPayloadException,
    continuous_frame,
    frame_buffer,
)

from oracle.sources.causes import cause
from oracle.sources.client import (
    AskedToWaitError,
    RefusedError,
    SourceFailureError,
    WrongChainError,
)
from oracle.sources.refusals import wait_of_error, wait_of_status
from units import BlockHash

SS58_FORMAT = 42

_SAID_MAX = 500

_FAILURES = (
    OSError,  # the socket, its name, TLS
    WebSocketException,
    ValueError,  # among them JSONDecodeError, which is how an in-flight drop shows, and no UTF-8
    LookupError,  # a message that is JSON but not JSON-RPC
    TypeError,
    AttributeError,  # the socket was aborted between two of the library's steps
    RecursionError,  # JSON nested deeper than the parser goes
)

MESSAGE_BYTES_MAX = 16 * 1024 * 1024
"""The longest message that is taken: twenty times mainnet's metadata in hex. A node that announces
a longer one is cut off before memory is filled for it."""


class _BoundedFrames(frame_buffer):
    """Reads frames, and none that is longer than the limit."""

    def recv_length(self) -> None:
        super().recv_length()
        _require_bounded(self.length or 0)


class _BoundedMessages(continuous_frame):
    """Puts messages together from frames, and none that gets longer than the limit."""

    def add(self, frame: ABNF) -> None:
        begun = len(self.cont_data[1]) if self.cont_data else 0
        _require_bounded(begun + len(frame.data))
        super().add(frame)


def _require_bounded(size: int) -> None:
    if size > MESSAGE_BYTES_MAX:
        raise WebSocketPayloadException(f"a message of {size} bytes")


class SeverableSocket(WebSocket):
    """A WebSocket that another thread may cut, also between its connection and its handshake."""

    def __init__(self, timeout_s: float) -> None:
        self._is_severed = False
        # The library would look at every byte in Python, for as long as a whole step of the feeder
        # may take, before it decodes them, which says as well what is no UTF-8.
        super().__init__(skip_utf8_validation=True)
        self.frame_buffer = _BoundedFrames(self.frame_buffer.recv, True)
        self.cont_frame = _BoundedMessages(False, True)
        self.settimeout(timeout_s)

    # The library sets it when the connection stands, and only then begins the handshake. Set and
    # then looked at here, marked and then looked at in `sever`: one of the two sees the other.
    @property
    def sock(self) -> socket.socket | None:
        """The connection; None before it stands and after it was closed."""
        return self._sock

    @sock.setter
    def sock(self, connection: socket.socket | None) -> None:
        self._sock = connection
        if self._is_severed:
            self._cut()

    def sever(self) -> None:
        """Whoever reads or writes fails at once, and so does whoever gets a connection later."""
        self._is_severed = True
        self._cut()

    def _cut(self) -> None:
        connection = self._sock
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


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
        self._socket = SeverableSocket(socket_s_max)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="subtensor")
        self._substrate: Any = None
        self._is_aborted = False
        self._cut = asyncio.get_running_loop().create_future()

    async def connect(self) -> None:
        """Open the connection, which asks nothing yet; raises SourceFailureError."""
        try:
            async with asyncio.timeout(self._connect_s_max):
                await self._in_thread(self._open)
        except TimeoutError as error:
            raise SourceFailureError(f"can't connect to {self._name} in time") from error

    async def check_genesis(self) -> None:
        """See that it is the right chain, by one request; raises SourceFailureError."""
        if self._genesis is None:
            return
        try:
            async with asyncio.timeout(self._connect_s_max):
                found = await self.request("chain_getBlockHash", [0])
        except TimeoutError as error:
            raise SourceFailureError(f"{self._name} does not say its genesis in time") from error
        if found != self._genesis:
            raise WrongChainError(f"{self._name} is another chain: its genesis is {_short(found)}")

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
        self._socket.sever()
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
            raise _unopened(f"can't connect to {self._name}: {cause(error)}", error) from error

    def _result(self, method: str, params: Sequence[Any]) -> Any:
        try:
            return self._substrate.rpc_request(method, list(params))["result"]
        except SubstrateRequestException as refusal:
            raise _refused(method, refusal) from refusal
        except _FAILURES as error:
            raise SourceFailureError(f"{method} failed: {error!r}") from error

    def _subscribe(self, method: str, put: Callable[[Any], None]) -> None:
        def deliver(message: dict[str, Any], _number: int, _subscription: str) -> None:
            # A value returned here would end the subscription.
            put(message["params"]["result"])

        end = SourceFailureError(f"{method} ended without a reason")
        try:
            self._substrate.rpc_request(method, [], result_handler=deliver)
        except SubstrateRequestException as refusal:
            end = _refused(method, refusal)
        except _FAILURES as error:
            end = SourceFailureError(f"{method} ended: {_short(repr(error))}")
        finally:  # whatever ended it: who waits for a head must not wait for ever
            put(end)


def _unopened(text: str, error: Exception) -> SourceFailureError:
    wait_s = None
    if isinstance(error, WebSocketBadStatusException):
        wait_s = wait_of_status(error.status_code, error.resp_headers)
    return SourceFailureError(text) if wait_s is None else AskedToWaitError(text, wait_s)


def _refused(method: str, refusal: SubstrateRequestException) -> RefusedError:
    said = refusal.args[0] if refusal.args else None
    text, wait_s = f"{method} was refused: {str(said)[:_SAID_MAX]}", wait_of_error(said)
    return RefusedError(text) if wait_s is None else AskedToWaitError(text, wait_s)


def _short(answer: Any) -> str:
    """What a node says may be of any length."""
    return str(answer)[:70]


def _heard(answer: asyncio.Future[Any]) -> None:
    """Its failure may come at the moment when whoever asked was cancelled: then nobody wants it."""
    if not answer.cancelled():
        answer.exception()
