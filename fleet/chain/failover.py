"""Several nodes of one chain, asked in the configured order.

A later one serves while an earlier is down. Each node's chain id is checked before it is first
believed.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from fleet.chain.answers import quantity
from fleet.chain.endpoint import Endpoint
from fleet.chain.failures import NodeUnavailable, RequestRejected, StateUnavailable, WrongChain
from fleet.chain.rejections import ACCEPTED, Broadcast, broadcast_refused
from fleet.chain.throttle import Urgency


class Failover:
    """The nodes of one chain as one."""

    def __init__(self, endpoints: Sequence[Endpoint], *, chain_id: int) -> None:
        if not endpoints:
            raise ValueError("no endpoint is configured")
        self._endpoints = tuple(endpoints)
        self._chain_id = chain_id
        self._checked: set[Endpoint] = set()
        self._rests_until: dict[Endpoint, float] = {}

    async def close(self) -> None:
        """Closes every connection."""
        for endpoint in self._endpoints:
            await endpoint.close()

    async def check(self) -> None:
        """Asks every node for its chain id.

        Raises:
            WrongChain: one of them serves another chain.
            NodeUnavailable: not one answered; nodes that are down are checked when first used.
        """
        failures = []
        for endpoint in self._endpoints:
            try:
                await self._verify(endpoint, Urgency.DECIDING)
            except NodeUnavailable as failure:
                failures.append(failure)
        if not self._checked:
            raise _gathered(failures)

    async def request(self, method: str, params: list[Any], urgency: Urgency) -> Any:
        """The first answer; see `Endpoint.request` for what it raises."""
        failures = []
        for endpoint in self._awake():
            try:
                await self._verify(endpoint, urgency)
                return await endpoint.request(method, params, urgency)
            except NodeUnavailable as failure:
                self._rest(endpoint, failure)
                failures.append(failure)
        raise _gathered(failures) if failures else self._all_resting()

    async def broadcast(self, raw: bytes) -> Broadcast:
        """Hands a raw transaction to the first node that answers; never raises for a node's no.

        A refusal by a later node after an earlier one gave no answer proves nothing: the earlier
        one may hold the transaction. That is "uncertain".
        """
        failures: list[NodeUnavailable] = []
        text = "0x" + raw.hex()
        for endpoint in self._awake():
            try:
                await self._verify(endpoint, Urgency.SENDING)
                await endpoint.request("eth_sendRawTransaction", [text], Urgency.SENDING)
            except NodeUnavailable as failure:
                self._rest(endpoint, failure)
                failures.append(failure)
            except RequestRejected as rejection:
                answer = broadcast_refused(rejection.message)
                is_proof = not failures or answer.verdict == "already known"
                return answer if is_proof else _doubt(failures)
            else:
                return ACCEPTED
        return _doubt(failures or [self._all_resting()])

    async def _verify(self, endpoint: Endpoint, urgency: Urgency) -> None:
        if endpoint in self._checked:
            return
        found = quantity(await endpoint.request("eth_chainId", [], urgency))
        if found != self._chain_id:
            raise WrongChain(f"{endpoint.name} serves chain {found}, not {self._chain_id}")
        self._checked.add(endpoint)

    def _awake(self) -> Iterator[Endpoint]:
        """Those that have not asked us to stay away."""
        now = asyncio.get_running_loop().time()
        return (each for each in self._endpoints if self._rests_until.get(each, 0.0) <= now)

    def _rest(self, endpoint: Endpoint, failure: NodeUnavailable) -> None:
        if isinstance(failure, StateUnavailable):
            return  # it is well, it only cannot answer this
        now = asyncio.get_running_loop().time()
        self._rests_until[endpoint] = now + failure.retry_after_s

    def _all_resting(self) -> NodeUnavailable:
        wait_s = min(self._rests_until.values()) - asyncio.get_running_loop().time()
        return NodeUnavailable("every node asked us to wait", retry_after_s=max(0.0, wait_s))


def _gathered(failures: Sequence[NodeUnavailable]) -> NodeUnavailable:
    """One failure for all, of the last one's type when they agree."""
    message = "; ".join(str(failure) for failure in failures)
    wait_s = min(failure.retry_after_s for failure in failures)
    alike = all(isinstance(failure, StateUnavailable) for failure in failures)
    return (StateUnavailable if alike else NodeUnavailable)(message, retry_after_s=wait_s)


def _doubt(failures: Sequence[NodeUnavailable]) -> Broadcast:
    return Broadcast(verdict="uncertain", detail=str(_gathered(failures)))
