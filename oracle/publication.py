"""When a price goes on chain: price, feed row and policy in, Publish, Hold or Suspend out.

Pure. Knows the rules of the price feed (what it accepts, what it suspends), not how to send.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from oracle.alpha import change, to_price_wei
from oracle.due import PublicationPolicy, PublishReason, due_reason
from oracle.feed import MarketFeed, SuspensionReason, Update
from oracle.guard import Accept, Withhold
from oracle.quotes import NoPrice, NoPriceReason, Price
from units import BLOCK_TIME, Head


class HoldReason(StrEnum):
    """Why nothing is sent for a market now."""

    WITHIN_BAND = "the published price is close and young enough"
    IN_FLIGHT = "a push is on its way"
    SUSPENSION_IN_FLIGHT = "a suspension is on its way"
    ALREADY_SUSPENDED = "the market is suspended already"
    BEFORE_SUSPENSION = "the price is older than the suspension it should end"
    NOT_NEWER = "the published price is as new"
    TOO_OLD = "the source block is too old for the feed"
    AHEAD_OF_CHAIN = "the source block is ahead of the node of chain 964"
    STANDBY = "another feeder has a few blocks to publish it first"
    NO_READING = "there is no reading to decide on"
    GUARDIAN = "suspended by the guardian: only the admin resumes it"
    IDENTITY = "suspended for its identity: only the admin resumes it"
    OPERATOR = "suspended by an operator: resume it by hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """Push this update.

    `is_alone`: it is the first price after a break, so nobody is liquidated by it.
    """

    update: Update
    reason: PublishReason
    is_alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Send nothing.

    `spare`: what could be pushed all the same, where the feed would take it; `is_early` when it
    is worth it as soon as another market's price goes out.
    """

    reason: HoldReason
    spare: Update | None = None
    is_early: bool = False

    @property
    def needs_a_human(self) -> bool:
        """Whether this lasts until somebody outside the fleet acts."""
        return self.reason in _LIFTED_BY_HAND.values()


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspend:
    """Say on chain that the price is not known; `detail` is one line for people."""

    reason: SuspensionReason
    detail: str


Decision = Publish | Hold | Suspend


@dataclass(frozen=True, slots=True, kw_only=True)
class Stalled:
    """Nothing finalized was read for `blocks` blocks."""

    blocks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """No reading this time, and not for long enough to call it a stall."""


Knowledge = Accept | Withhold | NoPrice | Unread | Stalled
"""What is known of a market's price when it is decided on."""

_LIFTED_BY_HAND: Mapping[SuspensionReason, HoldReason] = {
    SuspensionReason.GUARDIAN: HoldReason.GUARDIAN,
    SuspensionReason.IDENTITY: HoldReason.IDENTITY,
    SuspensionReason.OPERATOR: HoldReason.OPERATOR,
}

_ADMIN_ONLY = (SuspensionReason.GUARDIAN, SuspensionReason.IDENTITY)

_LASTING = {SuspensionReason.IDENTITY: 2, SuspensionReason.OPERATOR: 1}
"""How strong a suspension is that a price does not lift; those it lifts are all alike."""


def decide(known: Knowledge, market: MarketFeed, head: Head, policy: PublicationPolicy) -> Decision:
    """What to do about one market.

    Args:
        known: its price, or why there is none.
        market: its row at `head`, and what was sent and is not in the row yet.
        head: the block of chain 964 that the row was read at.
        policy: band, heartbeat and limits.
    """
    market = still_pending(market, head, policy)
    match known:
        case Accept(price=price):
            return _publish_or_hold(price, market, head, policy)
        case Withhold() as held:
            return _suspend_or_hold(SuspensionReason.JUMP, describe_jump(held), market)
        case NoPrice(reason=reason):
            return _suspend_or_hold(_suspension_for(reason), reason.value, market)
        case Stalled(blocks=blocks):
            detail = f"nothing finalized was read for {blocks} blocks"
            return _suspend_or_hold(SuspensionReason.STALL, detail, market)
        case Unread():
            return Hold(reason=HoldReason.NO_READING)
        case never:
            assert_never(never)


def still_pending(market: MarketFeed, head: Head, policy: PublicationPolicy) -> MarketFeed:
    """The market without what has arrived in the row, is overdue, or will be skipped."""
    push, suspension, row = market.push, market.suspension, market.row
    if push is not None and (
        row.source_block >= push.update.source_block
        or push.update.source_block < row.suspended_at
        or _is_overdue(push.sent_at, head, policy)
    ):
        push = None
    if suspension is not None and (
        row.suspended_at > suspension.sent_at.number
        or _is_overdue(suspension.sent_at, head, policy)
    ):
        suspension = None
    return MarketFeed(row=row, push=push, suspension=suspension)


def describe_jump(held: Withhold) -> str:
    """One line for people: how far, since when, how long it has stood."""
    moved = change(held.reference.price, to_price_wei(held.price.rao))
    jump = held.jump
    return f"{moved:+d} bps, held since block {jump.since}, stood {jump.count} blocks"


def _is_overdue(sent_at: Head, head: Head, policy: PublicationPolicy) -> bool:
    return abs(head.number - sent_at.number) > policy.in_flight_blocks


def _suspension_for(reason: NoPriceReason) -> SuspensionReason:
    """Another project behind a netuid never becomes the old one again; most others may pass."""
    if reason in {NoPriceReason.UNKNOWN_SUBNET, NoPriceReason.REREGISTERED}:
        return SuspensionReason.IDENTITY
    is_by_hand = reason is NoPriceReason.THIN_UNTIL_RESUMED
    return SuspensionReason.OPERATOR if is_by_hand else SuspensionReason.NO_PRICE


def _suspend_or_hold(reason: SuspensionReason, detail: str, market: MarketFeed) -> Suspend | Hold:
    standing, coming = market.row.suspension, market.suspension
    if standing in _ADMIN_ONLY:
        return Hold(reason=_LIFTED_BY_HAND[standing])
    if coming is not None and not _outlasts(reason, coming.reason):
        return Hold(reason=HoldReason.SUSPENSION_IN_FLIGHT)
    # A push on its way would lift the suspension that stands: say it again behind it.
    is_said = standing is not SuspensionReason.NONE and not _outlasts(reason, standing)
    if is_said and market.push is None:
        return Hold(reason=HoldReason.ALREADY_SUSPENDED)
    return Suspend(reason=reason, detail=detail)


def _outlasts(reason: SuspensionReason, other: SuspensionReason) -> bool:
    return _LASTING.get(reason, 0) > _LASTING.get(other, 0)


def _publish_or_hold(
    price: Price, market: MarketFeed, head: Head, policy: PublicationPolicy
) -> Publish | Hold:
    by_hand = _LIFTED_BY_HAND.get(market.row.suspension)
    if by_hand is not None:
        return Hold(reason=by_hand)
    if market.suspension is not None:
        return Hold(reason=HoldReason.SUSPENSION_IN_FLIGHT)
    update = Update(
        netuid=price.netuid,
        price=to_price_wei(price.rao),
        source_block=price.block,
        source_time=price.time,
    )
    refused = _refusal(update, market, head, policy)
    if refused is not None:
        return Hold(reason=refused)
    due = due_reason(update, market, head, policy)
    if due is not None:
        return Publish(update=update, reason=due)
    reason = HoldReason.WITHIN_BAND if market.push is None else HoldReason.IN_FLIGHT
    is_early = due_reason(update, market, head, policy.early) is not None
    return Hold(reason=reason, spare=update, is_early=is_early)


def _refusal(
    update: Update, market: MarketFeed, head: Head, policy: PublicationPolicy
) -> HoldReason | None:
    """Why the feed would skip this update in the block after `head`."""
    if market.push is not None and update.source_block <= market.push.update.source_block:
        return HoldReason.IN_FLIGHT
    if update.source_block <= market.row.source_block:
        return HoldReason.NOT_NEWER
    if _is_ahead(update, head, policy):
        return HoldReason.AHEAD_OF_CHAIN
    if head.number + 1 - update.source_block > policy.push_age_blocks_max:
        return HoldReason.TOO_OLD
    if update.source_block < market.row.suspended_at:
        return HoldReason.BEFORE_SUSPENSION
    return None


def _is_ahead(update: Update, head: Head, policy: PublicationPolicy) -> bool:
    lag_s = policy.ahead_blocks_max * BLOCK_TIME
    is_later = update.source_time > head.time + lag_s
    return is_later or update.source_block > head.number + policy.ahead_blocks_max
