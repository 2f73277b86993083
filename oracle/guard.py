"""Whether a price may be believed: a jump waits until it has stood for a while.

Pure. Knows prices and block heights of one market; not the feed, not what is done with a price.
Why the defaults are what they are: docs/adr/0004-jump-guard.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from oracle.alpha import is_beyond, to_price_wei
from oracle.quotes import Price
from units import BlockNumber, Bps, Netuid, PriceWei


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardPolicy:
    """When a price is held, and for how long.

    jump_limit: bps from the last accepted price; a price strictly farther is held. 300 lies
        above the ordinary block-to-block move of all but one of the markets and below the
        smallest of the returning spikes seen on the real tape (4 %).
    jump_limits: the same for single markets, where it differs.
    confirm_blocks: how many finalized blocks, read one by one, must show the price beyond the
        limit on the same side before it is accepted. 11 outlasts a spike of one tape row (10).
    """

    jump_limit: Bps = Bps(300)
    jump_limits: Mapping[Netuid, Bps] = field(default_factory=dict)
    confirm_blocks: int = 11

    def limit(self, netuid: Netuid) -> Bps:
        """The jump limit of one market."""
        return self.jump_limits.get(netuid, self.jump_limit)


class Side(StrEnum):
    """Where a held price stands, seen from the reference."""

    ABOVE = "above"
    BELOW = "below"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A price that was believed (positive), and the source block it belongs to."""

    price: PriceWei
    block: BlockNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """A price beyond the limit: since when, last seen when, and in how many blocks read."""

    side: Side
    since: BlockNumber
    last: BlockNumber
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardState:
    """What the guard remembers of one market. Empty after a restart."""

    accepted: Reference | None = None
    jump: Jump | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    """The price may be used."""

    price: Price


@dataclass(frozen=True, slots=True, kw_only=True)
class Withhold:
    """The price jumped and has not stood long enough."""

    price: Price
    reference: Reference
    jump: Jump


Verdict = Accept | Withhold


def assess(
    state: GuardState, price: Price, published: Reference | None, policy: GuardPolicy
) -> tuple[GuardState, Verdict]:
    """Judge one finalized price against the last accepted one.

    Args:
        state: what the last call for this market returned; `GuardState()` at first.
        price: of a block not older than those judged before.
        published: the feed's own row, None when it never had a price. It is the reference after
            a restart, and whenever it is of a newer block than the last accepted price.
        policy: limits.

    Returns:
        The new state and the verdict. A block judged twice counts once, and a block that was
        never judged does not count: only what was read can have stood.
    """
    state = _with_newest_reference(state, published)
    reference, limit = state.accepted, policy.limit(price.netuid)
    if reference is None or not is_beyond(reference.price, to_price_wei(price.rao), limit):
        return _accepted(price)
    jump = _continued(state.jump, _side(reference, price), price.block)
    if jump.count >= policy.confirm_blocks:
        return _accepted(price)
    held = Withhold(price=price, reference=reference, jump=jump)
    return replace(state, jump=jump), held


def interrupted(state: GuardState) -> GuardState:
    """After a block that was read and had no price: what stood beyond the limit stood no longer."""
    return replace(state, jump=None)


def _with_newest_reference(state: GuardState, published: Reference | None) -> GuardState:
    """Prefer the feed's row when it is newer: another instance may have published meanwhile."""
    if published is None:
        return state
    if state.accepted is not None and published.block <= state.accepted.block:
        return state
    outdated = state.jump is not None and published.block > state.jump.last
    return GuardState(accepted=published, jump=None if outdated else state.jump)


def _accepted(price: Price) -> tuple[GuardState, Accept]:
    reference = Reference(price=to_price_wei(price.rao), block=price.block)
    return GuardState(accepted=reference), Accept(price=price)


def _side(reference: Reference, price: Price) -> Side:
    return Side.ABOVE if to_price_wei(price.rao) > reference.price else Side.BELOW


def _continued(jump: Jump | None, side: Side, block: BlockNumber) -> Jump:
    if jump is None or jump.side is not side:
        return Jump(side=side, since=block, last=block, count=1)
    if block <= jump.last:
        return jump
    return replace(jump, last=block, count=jump.count + 1)
