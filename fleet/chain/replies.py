"""A node's JSON-RPC reply as its result, or as the failure that it is. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fleet.chain.failures import (
    AskedToWait,
    CallReverted,
    NodeUnavailable,
    RequestRejected,
    StateUnavailable,
)
from fleet.chain.rejections import Refusal, query_refused, retry_after_s, revert_data

_MESSAGE_MAX = 1_000

Asked = tuple[str, list[Any]]
"""A method and its parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds to stay away from a node that refuses by policy.

    `refusal_wait_s`: when it does not say. 12: the next block.
    `wait_s_max`: whatever it says; a proxy's wrong date must not silence a node for a year.
    """

    refusal_wait_s: float = 12.0
    wait_s_max: float = 3_600.0

    def of(self, said_s: float | None) -> float:
        """What a node's own word comes to; "now" from one that refuses is not believed."""
        return min(said_s or self.refusal_wait_s, self.wait_s_max)


def result_of(name: str, method: str, reply: Any, patience: Patience) -> Any:
    """The result in one reply.

    Raises:
        NodeUnavailable: it is no JSON-RPC.
        ChainError: as `Endpoint.request` names them.
    """
    if not isinstance(reply, dict):
        raise NodeUnavailable(f"{name}: the answer is not JSON-RPC")
    error = reply.get("error")
    if error is None:
        return reply.get("result")
    raise failure_of(name, method, error, patience)


def results_of(
    name: str, asked: Sequence[Asked], replies: Sequence[Any], patience: Patience
) -> list[Any]:
    """The results of a batch in the order in which they were asked; their ids count from 0.

    Raises:
        NodeUnavailable: one is missing.
        ChainError: the first failure among them.
    """
    by_id = {str(reply.get("id")): reply for reply in replies if isinstance(reply, dict)}
    if any(str(index) not in by_id for index in range(len(asked))):
        raise NodeUnavailable(f"{name}: answers are missing from a batch")
    return [
        result_of(name, method, by_id[str(index)], patience)
        for index, (method, _) in enumerate(asked)
    ]


def failure_of(
    name: str, method: str, error: Any, patience: Patience
) -> NodeUnavailable | CallReverted | RequestRejected:
    """What a reply's error means."""
    fields = error if isinstance(error, dict) else {"message": str(error)}
    code, message = _code(fields), str(fields.get("message", ""))[:_MESSAGE_MAX]
    data, refusal = fields.get("data"), query_refused(code, message)
    if refusal is Refusal.RATE_LIMITED:
        wait_s = patience.of(retry_after_s(data))
        return AskedToWait(f"{name}: {message}", retry_after_s=wait_s)
    if method == "eth_sendRawTransaction":
        refusal = Refusal.OTHER
    if refusal is Refusal.REVERTED:
        return CallReverted(revert_data(data), message)
    if refusal is Refusal.STATE_UNAVAILABLE:
        wait_s = patience.refusal_wait_s
        return StateUnavailable(f"{name}: {message}", retry_after_s=wait_s)
    return RequestRejected(method=method, code=code, message=message, data=data)


def _code(fields: dict[str, Any]) -> int:
    code = fields.get("code", 0)
    return code if isinstance(code, int) else 0
