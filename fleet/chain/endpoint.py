"""One node over HTTP: rate, timeout, and every way it can fail turned into a type.

Knows JSON-RPC and its errors; nothing of blocks, contracts or other endpoints.
"""

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import aiohttp
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.types import RPCEndpoint, RPCResponse

from fleet.chain.failures import AskedToWait, NoAnswerInTime, NodeUnavailable, RateUsedUp
from fleet.chain.rejections import retry_after_header_s
from fleet.chain.replies import Asked, Patience, failure_of, result_of, results_of
from fleet.chain.throttle import Rate, Throttle, Urgency

_TOO_MANY_REQUESTS = 429
_BATCH_REFUSED = frozenset({400, 404, 405, 413, 415, 422, 501})
"""What servers that take one request at a time say to a list of them."""
_CONNECTIONS_MAX = 16
BODY_BYTES_MAX = 64 * 1024 * 1024
"""The longest answer that is read: several times 10,000 logs. What never ends fills no memory."""


class SessionProvider(AsyncHTTPProvider):
    """web3's HTTP provider over a session of its own that is kept open and closed with it.

    web3 would open a new TCP connection for every request, and fetch the session under a lock
    shared by all providers of the process. What every request has in common is made once.
    """

    def __init__(self, url: str, *, timeout_s: float) -> None:
        super().__init__(url, exception_retry_configuration=None)
        self._url = url
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None
        self._is_closed = False

    async def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """One POST. Raises what aiohttp and json raise."""
        return self.decode_rpc_response(await self.post(self.encode_rpc_request(method, params)))

    async def post(self, body: bytes) -> bytes:
        """The answer to one body. Raises what aiohttp raises, and TimeoutError."""
        async with (
            asyncio.timeout(self._timeout_s),
            self._open().post(self._url, data=body) as response,
        ):
            response.raise_for_status()
            return await _bounded(response)

    async def disconnect(self) -> None:
        """Closes the connections for good: who comes late must not open one that nobody closes."""
        self._is_closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._is_closed:
            raise aiohttp.ClientConnectionError("closed")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS_MAX),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=self.get_request_headers(),
                timeout=aiohttp.ClientTimeout(total=None),  # `post` has the one that counts
            )
        return self._session


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    """The body. Raises aiohttp.ClientPayloadError where it is longer than any answer is."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise aiohttp.ClientPayloadError("too long")
    return bytes(body)


class Endpoint:
    """A node's JSON-RPC. The URL may hold a key and is never told.

    Args:
        name: what logs and errors call it.
        operator: who runs it: nodes of one operator are one witness.
        batch_max: requests in one batch; 1: the node takes no batches.
    """

    def __init__(
        self,
        *,
        name: str,
        url: str,
        rate: Rate | None,
        timeout_s: float,
        operator: str | None = None,
        batch_max: int = 1,
        patience: Patience | None = None,
    ) -> None:
        self.name = name
        self.operator = operator or name
        self._provider = SessionProvider(url, timeout_s=timeout_s)
        self.web3 = AsyncWeb3(self._provider)
        self._throttle = Throttle(rate)
        self._timeout_s = timeout_s
        self._batch_max = max(1, batch_max)
        self._patience = patience or Patience()
        self._waited: Callable[[float], None] | None = None

    def tell_waits(self, waited: Callable[[float], None]) -> None:
        """From now on `waited` hears how many seconds each request waited for its turn."""
        self._waited = waited

    async def close(self) -> None:
        """Closes its connections."""
        await self._provider.disconnect()

    async def request(self, method: str, params: list[Any], urgency: Urgency) -> Any:
        """The result of one request, as the node gave it.

        Raises:
            RateUsedUp: our own limit held it back.
            AskedToWait: the node asks us to stay away for a while.
            StateUnavailable: the node has no state of that block.
            NodeUnavailable: no answer in time, or none that can be read.
            CallReverted: a call was executed and failed.
            RequestRejected: the node said no.
        """
        await self._admit(urgency)
        reply = await self._post(_encoded(0, method, params))
        return result_of(self.name, method, reply, self._patience)

    async def batch(self, asked: Sequence[Asked], urgency: Urgency) -> list[Any]:
        """The results of several requests, all of them: in one exchange where the node takes it.

        Each counts against the rate: public nodes count requests, not exchanges. A node that
        refuses a batch is asked one by one from then on.

        Raises:
            ChainError: the first failure, as `request` raises it.
        """
        results: list[Any] = []
        size = self._batch_max
        for start in range(0, len(asked), size):
            results += await self._together(asked[start : start + size], urgency)
        return results

    async def _together(self, asked: Sequence[Asked], urgency: Urgency) -> list[Any]:
        if len(asked) > 1 and self._batch_max > 1:
            for _ in asked:
                await self._admit(urgency)
            bodies = [_encoded(index, *each) for index, each in enumerate(asked)]
            replies = await self._post_batch(b"[" + b",".join(bodies) + b"]")
            if replies is not None:
                return results_of(self.name, asked, replies, self._patience)
            self._batch_max = 1
        return [await self.request(method, params, urgency) for method, params in asked]

    async def _post_batch(self, body: bytes) -> list[Any] | None:
        """The replies in any order; None when the node takes no batches."""
        try:
            replies = await self._post(body)
        except _HttpRefusalError as refusal:
            if refusal.status in _BATCH_REFUSED:
                return None
            raise
        if isinstance(replies, list):
            return replies
        error = replies.get("error") if isinstance(replies, dict) else None
        failure = failure_of(self.name, "batch", error, self._patience)
        if isinstance(failure, AskedToWait):
            raise failure
        return None

    async def _admit(self, urgency: Urgency) -> None:
        asked_at = time.monotonic()
        try:
            await self._throttle.admit(urgency, wait_s_max=self._timeout_s)
        except TimeoutError:
            raise RateUsedUp(f"{self.name}: the configured rate is used up") from None
        finally:
            if self._waited is not None:
                self._waited(time.monotonic() - asked_at)

    async def _post(self, body: bytes) -> Any:
        try:
            return json.loads(await self._provider.post(body))
        except TimeoutError:
            raise NoAnswerInTime(f"{self.name}: no answer in {self._timeout_s:g} s") from None
        except aiohttp.ClientResponseError as error:
            raise self._http_failure(error) from None
        except (aiohttp.ClientError, OSError) as error:
            # aiohttp's own text may hold the URL, and the URL a key
            raise NodeUnavailable(f"{self.name}: {_cause(error)}") from None
        except (ValueError, RecursionError):  # no JSON, no UTF-8, endless digits, endless depth
            raise NodeUnavailable(f"{self.name}: the answer is not JSON") from None

    def _http_failure(self, error: aiohttp.ClientResponseError) -> NodeUnavailable:
        headers: Mapping[str, str] = error.headers or {}
        said_s = retry_after_header_s(headers.get("Retry-After"), headers.get("Date"))
        if error.status == _TOO_MANY_REQUESTS or said_s is not None:
            wait_s = self._patience.of(said_s)
            text = f"{self.name}: too many requests, HTTP status {error.status}"
            return AskedToWait(text, retry_after_s=wait_s)
        return _HttpRefusalError(self.name, error.status)


class _HttpRefusalError(NodeUnavailable):
    """An HTTP status instead of an answer."""

    def __init__(self, name: str, status: int) -> None:
        super().__init__(f"{name}: HTTP status {status}")
        self.status = status


def _encoded(index: int, method: str, params: list[Any]) -> bytes:
    asked = {"jsonrpc": "2.0", "id": index, "method": method, "params": params}
    return json.dumps(asked).encode()


def _cause(error: aiohttp.ClientError | OSError) -> str:
    """Why there was no connection, without the address."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "cannot connect: its host name is not known here"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "cannot connect: its certificate is not trusted here"
    number = error.errno if isinstance(error, OSError) else None
    return f"cannot connect: {os.strerror(number)}" if number else type(error).__name__
