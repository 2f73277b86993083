"""What the feeder is about to do with every market, as one value a table can be made of.

Pure. Knows decisions; not how they are sent.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from oracle.due import PublishReason
from oracle.feed import FeedRowView, SuspensionReason, Update
from oracle.publication import (
    Decision,
    Hold,
    Knowledge,
    Publish,
    Suspend,
)
from oracle.quotes import Quote, SourceBlock
from units import Bps, Head, Netuid, PositionId, Wei


class Falling(Protocol):
    """Who falls at a price vector, worst first; on what grounds is for those who judged it."""

    @property
    def ids(self) -> tuple[PositionId, ...]:
        """The positions below maintenance."""

    @property
    def at_stake(self) -> Mapping[Netuid, Wei]:
        """The bad debt expected, by market, if these prices were not pushed."""

    def within(self, netuids: Collection[Netuid]) -> "Falling":
        """Only those of these markets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What goes on chain in one transaction: prices, and the positions that fall at them.

    `head` is the block of chain 964 it was decided at. More liquidations than one transaction
    takes follow in further ones with the same updates. Without liquidations it is a plain push.
    `falling` is the answer that the liquidations are from, passed on unread for the record.
    """

    updates: tuple[Update, ...]
    liquidations: tuple[PositionId, ...]
    head: Head
    falling: Falling | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketPlan:
    """One market: what is known of its price, what the feed says, and what follows from both.

    `band`: a move of this size is published now. `is_thin`: its pool holds less TAO than its floor.
    """

    netuid: Netuid
    known: Knowledge
    row: FeedRowView
    decision: Decision
    band: Bps
    is_thin: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPlan:
    """Every market's decision at one pair of blocks.

    `source` is the Subtensor block that was read, None when nothing was; `head` the block of
    chain 964. `alerts` are lines for operators: what lasts until somebody acts, or what was not
    checked. `quotes` is what each endpoint said of the source block, agreed or not,
    `unchecked` why it is not known which subnets stand behind its prices, "" when it is.
    `unfinal_blocks`: for so long finality stands, where the source block is not final itself.
    """

    source: SourceBlock | None
    head: Head
    markets: tuple[MarketPlan, ...]
    alerts: tuple[str, ...] = ()
    quotes: tuple[Quote, ...] = ()
    unchecked: str = ""
    unfinal_blocks: int | None = None

    @property
    def updates(self) -> tuple[Update, ...]:
        """What is due, in the order of the markets."""
        return tuple(each.update for each in self.due)

    @property
    def due(self) -> tuple[Publish, ...]:
        """The decisions to publish, in the order of the markets."""
        decisions = (market.decision for market in self.markets)
        return tuple(each for each in decisions if isinstance(each, Publish))

    @property
    def spare(self) -> Mapping[Netuid, Update]:
        """What is not due and could be pushed all the same."""
        holds = ((each.netuid, each.decision) for each in self.markets)
        return {
            netuid: hold.spare
            for netuid, hold in holds
            if isinstance(hold, Hold) and hold.spare is not None
        }

    def with_spare(self, reasons: Mapping[Netuid, PublishReason]) -> "FeedPlan":
        """The same, with the spare prices of these markets pushed, for these reasons."""
        spare = self.spare
        markets = (
            replace(each, decision=Publish(update=spare[each.netuid], reason=reasons[each.netuid]))
            if each.netuid in reasons
            else each
            for each in self.markets
        )
        return replace(self, markets=tuple(markets))

    @property
    def suspensions(self) -> Mapping[SuspensionReason, tuple[Netuid, ...]]:
        """The markets to suspend, by reason."""
        found: defaultdict[SuspensionReason, tuple[Netuid, ...]] = defaultdict(tuple)
        for market in self.markets:
            if isinstance(market.decision, Suspend):
                found[market.decision.reason] += (market.netuid,)
        return dict(found)

    @property
    def holds(self) -> tuple[MarketPlan, ...]:
        """The markets for which nothing is sent."""
        return tuple(each for each in self.markets if isinstance(each.decision, Hold))


def riding_along(markets: Sequence[MarketPlan]) -> tuple[MarketPlan, ...]:
    """The plans of one step, where what would soon be due goes along with what is due."""
    if not any(isinstance(each.decision, Publish) for each in markets):
        return tuple(markets)
    return tuple(_riding(each) for each in markets)


def first_alone(
    markets: Sequence[MarketPlan], is_confirmed: Callable[[Netuid], bool]
) -> tuple[MarketPlan, ...]:
    """The plans of one step, where the first price after a break takes nobody along."""
    return tuple(
        replace(each, decision=replace(decision, is_alone=not is_confirmed(each.netuid)))
        if isinstance(decision := each.decision, Publish)
        else each
        for each in markets
    )


def _riding(market: MarketPlan) -> MarketPlan:
    match market.decision:
        case Hold(spare=Update() as update, is_early=True):
            decision = Publish(update=update, reason=PublishReason.EARLY)
            return replace(market, decision=decision)
        case _:
            return market


@dataclass(frozen=True, slots=True, kw_only=True)
class NotPlanned:
    """There was nothing to decide on; `reason` is one line."""

    reason: str
