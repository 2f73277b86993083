"""Whether a pool is deep enough for its price to mean something, and what follows when it is not.

Pure. A price in a pool of T TAO is moved by x percent with about T · x / 200 TAO, so a floor says
how cheap it may be to move a price that people are liquidated by.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from oracle.due import PublicationPolicy
from oracle.quotes import Depth, NoPrice, NoPriceReason, Priced
from units import Bps, Rao

_NONE = Rao(0)


class WhenThin(StrEnum):
    """What is done with a market whose pool is below its floor."""

    WIDEN = "widen"
    WITHHOLD = "withhold"
    SUSPEND = "suspend"


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthPolicy:
    """When a market is thin, and what then.

    floor: RAO of TAO in the pool below which it is; 0: it never is.
    when_thin: `widen`: its price is published by a wider band. `withhold`: it has no price, and
        trading goes on by itself once the pool is deep again. `suspend`: it has no price until
        somebody resumes the market by hand.
    deviation: the band of a thin market under `widen`.
    """

    floor: Rao = _NONE
    when_thin: WhenThin = WhenThin.WITHHOLD
    deviation: Bps = Bps(19)


def is_thin(depth: Depth | None, policy: DepthPolicy) -> bool:
    """Whether a pool is known to be below its floor; one that could not be read is not."""
    return depth is not None and depth.tao < policy.floor


def thinned(priced: Priced, policy: DepthPolicy) -> Priced:
    """What is left of a thin market's price."""
    if isinstance(priced, NoPrice):
        return priced
    match policy.when_thin:
        case WhenThin.WIDEN:
            return priced
        case WhenThin.WITHHOLD:
            return NoPrice(netuid=priced.netuid, reason=NoPriceReason.THIN)
        case WhenThin.SUSPEND:
            return NoPrice(netuid=priced.netuid, reason=NoPriceReason.THIN_UNTIL_RESUMED)


def widened(publication: PublicationPolicy, policy: DepthPolicy) -> PublicationPolicy:
    """By which band a thin market's price is published; never by a narrower one than its own."""
    if policy.when_thin is not WhenThin.WIDEN:
        return publication
    return replace(publication, deviation=max(publication.deviation, policy.deviation))
