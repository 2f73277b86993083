"""Finds the block in which an account used a nonce, by bisection over its transaction count.

Needs the state of those blocks. Knows no node.
"""

from collections.abc import Awaitable, Callable

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
