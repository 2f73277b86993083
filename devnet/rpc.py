"""A lean JSON-RPC client for the world's own calls to its node: plain HTTP, batches, no encoders.

Knows nothing of contracts, blocks or the fleet. The fleet has its own client with throttle and
failover (`fleet/chain/node.py`); the world owns its node and wants only speed and clear errors.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

BATCH_REQUESTS_MAX = 500
"""Requests a batch; anvil refuses bodies above 2 MB, a deployment alone is about 50 kB."""


class RpcError(Exception):
    """The node answered one request with an error.

    `data` is the revert data of a call that reverted, or empty.
    """

    def __init__(self, *, method: str, message: str, data: str = "") -> None:
        super().__init__(f"{method}: {message}")
        self.data = data


class NodeGoneError(Exception):
    """The node did not answer at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One JSON-RPC request."""

    method: str
    params: tuple[Any, ...] = ()


Outcome = Any | RpcError


class NodeClient:
    """Speaks JSON-RPC over one HTTP session that the caller opens and closes."""

    def __init__(self, *, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def call(self, method: str, *params: object) -> Any:
        """The result of one request.

        Raises:
            RpcError: the node refused it.
            NodeGoneError: nobody answered.
        """
        (result,) = await self.batch([Request(method=method, params=params)])
        return result

    async def batch(self, requests: Sequence[Request]) -> list[Any]:
        """The results in the order of `requests`; the first refusal is raised."""
        outcomes = await self.outcomes(requests)
        for outcome in outcomes:
            if isinstance(outcome, RpcError):
                raise outcome
        return outcomes

    async def outcomes(self, requests: Sequence[Request]) -> list[Outcome]:
        """Results and refusals in the order of `requests`, sent in as few batches as fit."""
        found: list[Outcome] = []
        for first in range(0, len(requests), BATCH_REQUESTS_MAX):
            found += await self._one_batch(requests[first : first + BATCH_REQUESTS_MAX])
        return found

    async def _one_batch(self, requests: Sequence[Request]) -> list[Outcome]:
        body = [
            {"jsonrpc": "2.0", "id": number, "method": request.method, "params": request.params}
            for number, request in enumerate(requests)
        ]
        replies = {reply["id"]: reply for reply in await self._post(body)}
        return [_outcome(request, replies[number]) for number, request in enumerate(requests)]

    async def _post(self, body: list[dict[str, Any]]) -> list[dict[str, Any]]:
        try:
            async with self._session.post(
                self._url, data=json.dumps(body), headers={"content-type": "application/json"}
            ) as response:
                text = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NodeGoneError(f"the node at {self._url} does not answer: {error}") from error
        replies = json.loads(text)
        if not isinstance(replies, list):  # the whole batch was refused
            raise RpcError(method="batch", message=str(replies.get("error", replies)))
        return replies


def _outcome(request: Request, reply: dict[str, Any]) -> Outcome:
    error = reply.get("error")
    if error is None:
        return reply["result"]
    data = error.get("data")
    return RpcError(
        method=request.method,
        message=str(error.get("message", error)),
        data=data if isinstance(data, str) else "",
    )
