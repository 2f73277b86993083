"""Finds the block in which an account used a nonce, by bisection over its transaction count.

Needs the state of those blocks.
"""

from collections.abc import Awaitable, Callable

from fleet.chain import answers
from fleet.chain.endpoint import Endpoint
from fleet.chain.throttle import Urgency
from units import BlockNumber


async def block_of_nonce(
    count: Callable[[BlockNumber], Awaitable[int]],
    nonce: int,
    *,
    after: BlockNumber,
    by: BlockNumber,
) -> BlockNumber:
    """The block of (after, by] at whose end the nonce is used for the first time.

    Args:
        count: the account's transaction count at the end of a block.
        nonce: used by the end of `by` and not by the end of `after`.
        after: a block before it.
        by: a block at or after it.
    """
    low, high = after, by
    while high - low > 1:
        middle = BlockNumber((low + high) // 2)
        is_used = await count(middle) > nonce
        low, high = (low, middle) if is_used else (middle, high)
    return high


def sent_in(block: BlockNumber) -> Callable[[Endpoint], Awaitable[tuple[answers.Sent, ...]]]:
    """Asks one node for the transactions of a block."""

    async def inquiry(node: Endpoint) -> tuple[answers.Sent, ...]:
        asked = [hex(block), True]
        found = await node.request("eth_getBlockByNumber", asked, Urgency.SENDING)
        return answers.transactions(found)

    return inquiry
