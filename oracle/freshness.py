"""Whether what is read of Subtensor is of now, by three clocks: the block's, arrival's, the wall's.

Pure. Decisions go by chain time alone; what is found here is for people, because none of these
clocks can say by itself which of them is wrong.
"""

from dataclasses import dataclass
from enum import StrEnum

from units import BLOCK_TIME, Timestamp


class Freshness(StrEnum):
    """What the clocks say of the newest finalized block; the text is for operators."""

    FRESH = "fresh"
    STANDS = "no newer finalized block comes"
    OLD = "blocks come and are old: the nodes lag, or this machine's clock is ahead"
    AHEAD = "blocks come from the future: this machine's clock is behind"


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshnessPolicy:
    """How far the clocks may be apart; seconds.

    stands_s_max: without a newer finalized block. 60: five block times.
    old_s_max: a block's own age when it arrives. 180: finality follows by 24 to 36 s, and a node
        that catches up is not of now.
    ahead_s_max: a block's time beyond this machine's. 5: block authors' clocks differ.
    """

    stands_s_max: float = 5.0 * BLOCK_TIME
    old_s_max: float = 180.0
    ahead_s_max: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """Of the newest finalized block: its own time, seconds since it arrived, and the wall's now.

    `block_time` is None while none was read.
    """

    block_time: Timestamp | None
    arrived_s: float
    wall: Timestamp


def freshness(clocks: Clocks, policy: FreshnessPolicy) -> Freshness:
    """The first of what is wrong, in the order of the members of `Freshness`."""
    if clocks.arrived_s >= policy.stands_s_max:
        return Freshness.STANDS
    if clocks.block_time is None:
        return Freshness.FRESH
    age_at_arrival = clocks.wall - clocks.arrived_s - clocks.block_time
    if age_at_arrival > policy.old_s_max:
        return Freshness.OLD
    return Freshness.AHEAD if age_at_arrival < -policy.ahead_s_max else Freshness.FRESH
