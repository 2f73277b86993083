"""Which nonce is the key's next one on chain, and since when. Pure.

Two nodes that take turns would make the count go to and fro, when one lags. So a count is always
that of a block, and a lower one is believed only at a later block: then a reorganisation has taken
transactions back.
"""

from dataclasses import dataclass, replace

from units import BlockNumber

_TAKEN_BACK_BLOCKS = 64
"""A block so far below those before it says that they were none of the chain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """The next nonce by the chain, as counted at the end of block `at`.

    `since`: the head from which on it was the next one at every head that was looked at.
    """

    nonce: int
    since: BlockNumber
    at: BlockNumber


def advanced(front: Front | None, nonce: int, at: BlockNumber) -> Front:
    """The front with one more count, of the end of block `at`."""
    if front is None or at < front.at - _TAKEN_BACK_BLOCKS:
        return Front(nonce=nonce, since=at, at=at)
    if nonce == front.nonce:
        return replace(front, at=max(front.at, at))
    if nonce < front.nonce and at <= front.at:
        return front
    return Front(nonce=nonce, since=at, at=at)
