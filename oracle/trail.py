"""How far a market's accepted price went within a while: what no single step of it would show.

Pure. A price that is pushed along in steps below the jump limit passes the guard; people are told.
"""

from dataclasses import dataclass

from oracle.alpha import change, is_beyond
from oracle.guard import Reference
from units import Bps


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailPolicy:
    """When a way is long.

    window_blocks: within so many blocks. 25: five minutes, the oldest price the feed takes.
    limit: so far from any price in them. 1500: five times the guard's ordinary limit.
    """

    window_blocks: int = 25
    limit: Bps = Bps(1_500)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """It went `by` (bps, signed) since `since`."""

    by: Bps
    since: Reference


def followed(
    trail: tuple[Reference, ...], seen: Reference, policy: TrailPolicy
) -> tuple[tuple[Reference, ...], Moved | None]:
    """The trail with one more accepted price, and how far it went where that is far.

    Args:
        trail: what the last call returned, () at first; oldest first.
        seen: a price of a block not older than those in it.
        policy: what is far.
    """
    kept = tuple(
        each for each in trail if seen.block - policy.window_blocks <= each.block < seen.block
    )
    far = (each for each in kept if is_beyond(each.price, seen.price, policy.limit))
    since = next(far, None)
    moved = None if since is None else Moved(by=change(since.price, seen.price), since=since)
    return (*kept, seen), moved
