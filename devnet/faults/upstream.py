"""The real node behind the proxy, and what it answers under a fault of one request."""

import json
from typing import Any, assert_never

import aiohttp

from devnet.faults.boasting import asked_number, is_of_the_tip, raised
from devnet.faults.faults import Boast, InAnswer, Limited, NoLogs, OtherChain, Stale
from devnet.faults.staleness import (
    aged_answer,
    aged_params,
    beyond,
    block_hash_in,
    is_beyond,
)

_JSON = {"content-type": "application/json"}
Call = dict[str, Any]


class Upstream:
    """Speaks HTTP to the node over a session that the caller closes."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def forward(self, body: bytes) -> bytes:
        """The node's answer, byte for byte. Raises what aiohttp raises."""
        async with self._session.post(self._url, data=body, headers=_JSON) as response:
            return await response.read()

    async def answer(self, call: Call, fault: InAnswer | None) -> dict[str, Any]:
        """The answer to one request as this fault makes it; without one, the node's own."""
        if fault is None:
            return await self._ask(call)
        match fault:
            case Limited():
                return refusal(call, fault)
            case NoLogs():
                return _envelope(call) | {"result": []}
            case OtherChain():
                return _envelope(call) | {"result": hex(fault.chain_id)}
            case Stale():
                return await self._stale(call, fault.blocks)
            case Boast():
                return await self._boasted(call, fault)
            case _:
                assert_never(fault)

    async def _stale(self, call: Call, blocks: int) -> dict[str, Any]:
        method, params = call["method"], list(call.get("params") or [])
        latest = await self._ask(call | {"method": "eth_blockNumber", "params": []})
        tip = max(int(latest["result"], 16) - blocks, 0)
        if is_beyond(method, params, tip) or await self._is_of_a_newer_block(call, tip):
            return _envelope(call) | beyond(method)
        answer = await self._ask(call | {"params": aged_params(method, params, tip)})
        return aged_answer(method, answer, tip)

    async def _boasted(self, call: Call, fault: Boast) -> dict[str, Any]:
        method, params = call["method"], list(call.get("params") or [])
        answer = await self._ask(call)
        if is_of_the_tip(method, params):
            return raised(answer, fault.blocks)
        number = asked_number(method, params)
        if number is None or answer.get("result") is not None or not fault.has_it:
            return answer
        latest = await self._ask(call | {"params": ["latest", False]})
        return raised(latest, number - int(latest["result"]["number"], 16))

    async def _is_of_a_newer_block(self, call: Call, tip: int) -> bool:
        named = block_hash_in(call["method"], list(call.get("params") or []))
        if named is None:
            return False
        asked = call | {"method": "eth_getBlockByHash", "params": [named, False]}
        block = (await self._ask(asked)).get("result")
        return block is not None and int(block["number"], 16) > tip

    async def _ask(self, call: Call) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(await self.forward(json.dumps(call).encode()))
        return answer


def _envelope(call: Call) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": call.get("id")}


def refusal(call: Call, fault: Limited) -> dict[str, Any]:
    """The error that a node over its limit answers."""
    error: dict[str, Any] = {"code": fault.code, "message": fault.message}
    if fault.retry_after_s is not None:
        error["data"] = {"retry_after": fault.retry_after_s}
    return _envelope(call) | {"error": error}
