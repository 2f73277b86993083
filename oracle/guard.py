"""Whether a price may be believed: a jump waits until it has stood for a while.

Pure. Knows prices and block heights of one market; not the feed, not what is done with a price.
Why the defaults are what they are: docs/adr/0004-jump-guard.md.
"""

from dataclasses import dataclass
from enum import StrEnum

from oracle.alpha import is_beyond, to_price_wei
from oracle.quotes import Price
from units import BlockNumber, Bps, PriceWei


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardPolicy:
    """When a market's price is held, and for how long.

    jump_limit: bps from the last accepted price; a price strictly farther is held. 300 is below
        the smallest returning spike that the real tape is known for (308), and above 99.8 % of
        the moves from row to row outside one newly registered market.
    confirm_blocks: how many finalized blocks, read one by one, prices must have stood before one
        is accepted again. 11 outlasts a spike of one tape row (10).
    restart_blocks: in the first so many blocks of a hold a move beyond the limit between two held
        prices starts that count anew, also one that leads back. 7,200 is a day, longer than any
        hold of the tape (320 blocks): in effect always. 0: never, a price need only stay
        beyond the limit on its side, and one that is back within it ends the hold.
    """

    jump_limit: Bps = Bps(300)
    confirm_blocks: int = 11
    restart_blocks: int = 7_200


class Side(StrEnum):
    """Where a held price stands, seen from the reference; near: within the limit."""

    ABOVE = "above"
    BELOW = "below"
    NEAR = "near"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A price that was believed (positive), and the source block it belongs to."""

    price: PriceWei
    block: BlockNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """A hold: since when, what and when its last price was, how long that has stood.

    `count` is the number of blocks read in a row without another jump between two of them, nor a
    change from one side to the other.
    """

    side: Side
    since: BlockNumber
    last: Reference
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
        policy: the market's limits.

    Returns:
        The new state and the verdict. A block judged twice counts once, and a block that was
        never judged does not count: only what was read can have stood. While `restart_blocks`
        last, a jump from one held price to another starts the count anew, else the first price
        after a spike, or a second spike, would be accepted on the strength of blocks that showed
        something else. So does a jump that leads back: what the source left may be where it
        stands, and this the spike.
    """
    state = _with_newest_reference(state, published)
    believed = state.accepted
    seen = Reference(price=to_price_wei(price.rao), block=price.block)
    if believed is None or _is_no_jump(state.jump, believed, seen, policy):
        return GuardState(accepted=seen), Accept(price=price)
    jump = _continued(state.jump, _side(believed, seen, policy), seen, policy)
    if jump.count >= policy.confirm_blocks:
        return GuardState(accepted=seen), Accept(price=price)
    held = Withhold(price=price, reference=believed, jump=jump)
    return GuardState(accepted=believed, jump=jump), held


def interrupted(state: GuardState) -> GuardState:
    """After a block that was read and had no price: what stood stands no more."""
    return GuardState(accepted=state.accepted)


def _with_newest_reference(state: GuardState, published: Reference | None) -> GuardState:
    """Prefer the feed's row when it is newer: another instance may have published meanwhile."""
    if published is None:
        return state
    if state.accepted is not None and published.block <= state.accepted.block:
        return state
    outdated = state.jump is not None and published.block > state.jump.last.block
    return GuardState(accepted=published, jump=None if outdated else state.jump)


def _is_no_jump(
    jump: Jump | None, believed: Reference, seen: Reference, policy: GuardPolicy
) -> bool:
    """Whether a price may be used at once: within the limit, and no hold that it must outlast."""
    must_stand = jump is not None and _is_young(jump, seen, policy)
    return not must_stand and _side(believed, seen, policy) is Side.NEAR


def _side(believed: Reference, seen: Reference, policy: GuardPolicy) -> Side:
    if not is_beyond(believed.price, seen.price, policy.jump_limit):
        return Side.NEAR
    return Side.ABOVE if seen.price > believed.price else Side.BELOW


def _is_young(jump: Jump, seen: Reference, policy: GuardPolicy) -> bool:
    return seen.block - jump.since < policy.restart_blocks


def _continued(jump: Jump | None, side: Side, seen: Reference, policy: GuardPolicy) -> Jump:
    if jump is None:
        return Jump(side=side, since=seen.block, last=seen, count=1)
    if seen.block <= jump.last.block:
        return jump
    moved = is_beyond(jump.last.price, seen.price, policy.jump_limit)
    crossed = {jump.side, side} == {Side.ABOVE, Side.BELOW}
    stands = not crossed and not (moved and _is_young(jump, seen, policy))
    return Jump(side=side, since=jump.since, last=seen, count=jump.count + 1 if stands else 1)
