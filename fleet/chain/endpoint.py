"""One node over HTTP: rate, timeout, and every way it can fail turned into a type.

Knows JSON-RPC and its errors; nothing of blocks, contracts or other endpoints.
"""

import asyncio
import contextlib
import json
from typing import Any, cast

import aiohttp
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.types import RPCEndpoint, RPCResponse

from fleet.chain.failures import CallReverted, NodeUnavailable, RequestRejected, StateUnavailable
from fleet.chain.rejections import Refusal, query_refused, retry_after_s, revert_data
from fleet.chain.throttle import Rate, Throttle, Urgency

_TOO_MANY_REQUESTS = 429
_CONNECTIONS_MAX = 16


class SessionProvider(AsyncHTTPProvider):
    """web3's HTTP provider over a session of its own that is kept open and closed with it.

    web3 would open a new TCP connection for every request, and fetch the session under a lock
    shared by all providers of the process.
    """

    def __init__(self, url: str, *, timeout_s: float) -> None:
        super().__init__(url, exception_retry_configuration=None)
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """One POST. Raises what aiohttp and json raise."""
        body = self.encode_rpc_request(method, params)
        async with self._open().post(
            self._url, data=body, headers=self.get_request_headers()
        ) as response:
            response.raise_for_status()
            return self.decode_rpc_response(await response.read())

    async def disconnect(self) -> None:
        """Closes the connections; a later request opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=_CONNECTIONS_MAX)
            self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout)
        return self._session


class Endpoint:
    """A node's JSON-RPC. `name` is what logs and errors call it; the URL may hold a key.

    `refusal_wait_s` is how long to stay away after "too many requests" when the node does not say.
    """

    def __init__(
        self,
        *,
        name: str,
        url: str,
        rate: Rate | None,
        timeout_s: float,
        refusal_wait_s: float = 12.0,
    ) -> None:
        self.name = name
        self._provider = SessionProvider(url, timeout_s=timeout_s)
        self.web3 = AsyncWeb3(self._provider)
        self._throttle = Throttle(rate)
        self._timeout_s = timeout_s
        self._refusal_wait_s = refusal_wait_s

    async def close(self) -> None:
        """Closes its connections."""
        await self._provider.disconnect()

    async def request(self, method: str, params: list[Any], urgency: Urgency) -> Any:
        """The result of one request, as the node gave it.

        Raises:
            NodeUnavailable: no answer in time, or the node asks us to stay away for a while.
            StateUnavailable: the node has no state of that block.
            CallReverted: a call was executed and failed.
            RequestRejected: the node said no.
        """
        await self._admit(urgency)
        answer = await self._post(method, params)
        error = answer.get("error")
        if error is None:
            return answer.get("result")
        return self._fail(method, error)

    async def _admit(self, urgency: Urgency) -> None:
        try:
            await self._throttle.admit(urgency, wait_s_max=self._timeout_s)
        except TimeoutError:
            raise NodeUnavailable(f"{self.name}: the configured rate is used up") from None

    async def _post(self, method: str, params: list[Any]) -> RPCResponse:
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._provider.make_request(cast("RPCEndpoint", method), params)
        except TimeoutError:
            raise NodeUnavailable(f"{self.name}: no answer in {self._timeout_s:g} s") from None
        except aiohttp.ClientResponseError as error:
            raise self._http_failure(error) from None
        except (aiohttp.ClientError, OSError) as error:
            # aiohttp's own text may hold the URL, and the URL a key
            raise NodeUnavailable(f"{self.name}: {type(error).__name__}") from None
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise NodeUnavailable(f"{self.name}: the answer is not JSON") from None
        if not isinstance(answer, dict):
            raise NodeUnavailable(f"{self.name}: the answer is not JSON-RPC")
        return answer

    def _http_failure(self, error: aiohttp.ClientResponseError) -> NodeUnavailable:
        if error.status != _TOO_MANY_REQUESTS:
            return NodeUnavailable(f"{self.name}: HTTP status {error.status}")
        wait_s = self._refusal_wait_s
        with contextlib.suppress(KeyError, ValueError):  # absent, or an HTTP date
            wait_s = float(error.headers["Retry-After"] if error.headers else wait_s)
        return NodeUnavailable(f"{self.name}: too many requests", retry_after_s=wait_s)

    def _fail(self, method: str, error: Any) -> None:
        fields = error if isinstance(error, dict) else {"message": str(error)}
        code, message = int(fields.get("code", 0)), str(fields.get("message", ""))
        data, refusal = fields.get("data"), query_refused(code, message)
        if refusal is Refusal.RATE_LIMITED or method != "eth_sendRawTransaction":
            self._fail_query(refusal, message, data)
        raise RequestRejected(method=method, code=code, message=message, data=data)

    def _fail_query(self, refusal: Refusal, message: str, data: Any) -> None:
        if refusal is Refusal.REVERTED:
            raise CallReverted(revert_data(data), message)
        if refusal is Refusal.STATE_UNAVAILABLE:
            raise StateUnavailable(f"{self.name}: {message}", retry_after_s=self._refusal_wait_s)
        if refusal is Refusal.RATE_LIMITED:
            wait_s = retry_after_s(data)
            raise NodeUnavailable(
                f"{self.name}: {message}",
                retry_after_s=self._refusal_wait_s if wait_s is None else wait_s,
            )
