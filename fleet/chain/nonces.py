"""An account's transaction counts from one node, in one exchange where it takes batches."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fleet.chain import answers
from fleet.chain.endpoint import Endpoint
from fleet.chain.replies import Asked
from fleet.chain.throttle import Urgency
from units import Address, BlockNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class Nonces:
    """An account's next nonce at the end of a block, and with what pools hold of it."""

    latest: int
    pending: int


def nonces_of(account: Address, block: BlockNumber) -> Callable[[Endpoint], Awaitable[Nonces]]:
    """Asks one node for both."""

    async def inquiry(node: Endpoint) -> Nonces:
        tags = ("pending", hex(block))
        asked: list[Asked] = [("eth_getTransactionCount", [account, tag]) for tag in tags]
        pending, latest = map(answers.quantity, await node.batch(asked, Urgency.SENDING))
        return Nonces(latest=latest, pending=max(latest, pending))

    return inquiry


def pending_of(account: Address) -> Callable[[Endpoint], Awaitable[int]]:
    """Asks one node for the count with its pool alone."""

    async def inquiry(node: Endpoint) -> int:
        asked = [account, "pending"]
        found = await node.request("eth_getTransactionCount", asked, Urgency.SENDING)
        return answers.quantity(found)

    return inquiry
