"""An account's transaction counts from one node, in one exchange where it takes batches."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fleet.chain import answers
from fleet.chain.endpoint import Endpoint
from fleet.chain.failures import StateUnavailable
from fleet.chain.replies import Asked
from fleet.chain.throttle import Urgency
from units import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Nonces:
    """An account's next nonce in each sense of the word; `pending` is one node's pool's."""

    finalized: int | None
    latest: int
    pending: int


def nonces_of(account: Address) -> Callable[[Endpoint], Awaitable[Nonces]]:
    """Asks one node for all three; a node without a finalized block yet names two."""

    async def inquiry(node: Endpoint) -> Nonces:
        try:
            finalized, latest, pending = await _counts(
                node, account, "finalized", "latest", "pending"
            )
        except StateUnavailable:
            latest, pending = await _counts(node, account, "latest", "pending")
            return Nonces(finalized=None, latest=latest, pending=pending)
        return Nonces(finalized=finalized, latest=latest, pending=pending)

    return inquiry


async def _counts(node: Endpoint, account: Address, *tags: str) -> list[int]:
    asked: list[Asked] = [("eth_getTransactionCount", [account, tag]) for tag in tags]
    return [answers.quantity(each) for each in await node.batch(asked, Urgency.SENDING)]
