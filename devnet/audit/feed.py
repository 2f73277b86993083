"""Whether the feed says what the source says, or says on chain that it does not know. Pure.

Measured at the end of every block against the newest source price that was finalized before the
block was sealed. Of the fleet it takes only what its operator has promised: the band, the guard's
limits and how long a jump must stand. The rule of the guard is written a second time here.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from devnet.audit.avoidable import AllowedPrices, BadDebtSplit
from devnet.audit.duties import Duty, DutyRecord
from devnet.audit.holds import Holds
from devnet.audit.ledger import NO_BLOCK, NO_PRICE, MarketBooks, Taken
from devnet.audit.spikes import SourcePrices
from devnet.audit.stakes import Stakes
from units import (
    BLOCK_TIME,
    BPS_ONE,
    RAO_IN_PRICE_WEI,
    BlockNumber,
    Bps,
    FundingIndex,
    Head,
    Netuid,
    PriceWei,
    Seconds,
)

BLOCKS_ALLOWED = 5
"""For a push or a suspension to be decided, sent and included: a minute."""

_HOUR = Seconds(3_600)

Pins = Mapping[Netuid, BlockNumber | None]
"""The registration that each market was listed for; None = there was no such subnet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What the operator has configured for one market.

    Attributes:
        band: a move of this size against the feed is published.
        guard_limit: the largest move that needs no confirmation.
        confirm_blocks: how long a larger one must stand.
        restart_blocks: for how long, from its first block on, it must stand still as well.
        heartbeat_s: after so long a price is published unchanged.
        early_percent: at this share of either it goes along with another market's.
        stakes: when a smaller move is published.
    """

    band: Bps
    guard_limit: Bps
    confirm_blocks: int
    restart_blocks: int
    heartbeat_s: Seconds = Seconds(600)
    early_percent: int = 100
    stakes: Stakes = field(default_factory=Stakes)

    @property
    def early(self) -> "Promise":
        """When it may go along, as if that were the promise."""
        share = self.early_percent
        return replace(
            self,
            band=Bps(-(-self.band * share // 100)),
            heartbeat_s=Seconds(-(-self.heartbeat_s * share // 100)),
        )


@dataclass(slots=True, kw_only=True)
class _Watch:
    """One market: what the source says, what of it may be believed, and what is overdue.

    Attributes:
        source: its newest price; `calm_since`: no move from block to block was beyond the limit.
        believed: the last price that was no jump, or has stood since one.
        stood: for how many blocks the source has stood still since it jumped, 0 where it did not;
            `side`: whether above `believed` (1), below (-1) or within the limit (0) by now;
            `off_since`: when that began.
        refused: blocks whose price may not be pushed.
        published: what the feed said at the end of the last block; `landed`: since when.
        bought: in which blocks a move landed that was neither large nor late, nor half so.
        overdue: for how many blocks something should have been otherwise.
    """

    source: PriceWei = NO_PRICE
    calm_since: BlockNumber = NO_BLOCK
    believed: PriceWei = NO_PRICE
    stood: int = 0
    side: int = 0
    off_since: BlockNumber = NO_BLOCK
    refused: set[BlockNumber] = field(default_factory=set)
    published: PriceWei = NO_PRICE
    landed: BlockNumber = NO_BLOCK
    bought: list[BlockNumber] = field(default_factory=list)
    overdue: Counter[Duty] = field(default_factory=Counter)

    def learn(self, price: PriceWei, block: BlockNumber, promise: Promise) -> None:
        """The source's price at the next block; 0 where there is none."""
        if not price or _is_beyond(self.source, price, promise.guard_limit):
            self.calm_since = block
        if not price:
            self.stood = 0
        elif not self.believed or self._is_no_jump(price, block, promise):
            self.believed, self.stood = price, 0
        else:
            self._jumped(price, block, promise)
        self.source = price

    def _is_no_jump(self, price: PriceWei, block: BlockNumber, promise: Promise) -> bool:
        """Within the limit, and not while a jump must be followed by calm."""
        is_far = _is_beyond(self.believed, price, promise.guard_limit)
        return not is_far and not (self.stood and self._must_be_calm(block, promise))

    def _must_be_calm(self, block: BlockNumber, promise: Promise) -> bool:
        return block - self.off_since < promise.restart_blocks

    def _jumped(self, price: PriceWei, block: BlockNumber, promise: Promise) -> None:
        if not self.stood:
            self.off_since = block
        was, self.side = self.side, _side(self.believed, price, promise.guard_limit)
        is_new_jump = self.calm_since == block and self._must_be_calm(block, promise)
        goes_on = was * self.side >= 0 and not is_new_jump
        self.stood = self.stood + 1 if self.stood and goes_on else 1
        if self.stood >= promise.confirm_blocks:
            self.believed, self.stood = price, 0
        else:
            self.refused.add(block)


class FeedWatch:
    """Follows every market's feed beside the source."""

    def __init__(
        self,
        *,
        tape: SourcePrices,
        pins: Pins,
        promises: Mapping[Netuid, Promise],
        record: DutyRecord,
    ) -> None:
        self._tape = tape
        self._pins = pins
        self._promises = promises
        self._record = record
        self._watches = {netuid: _Watch() for netuid in pins}
        self._known = NO_BLOCK
        self.allowed = AllowedPrices()
        self.holds = Holds()

    def begin_block(
        self,
        known: BlockNumber,
        block: BlockNumber,
        is_worth: Callable[[Netuid, PriceWei], bool],
        index_of: Callable[[Netuid], FundingIndex],
    ) -> None:
        """Notes what may be published in `block`.

        Args:
            known: the newest source block that whoever acts in `block` can have read.
            block: the block that is to be sealed.
            is_worth: whether so much is at stake at a price of a market that it buys a push.
            index_of: a market's funding index in it.
        """
        self._known = known
        for netuid, watch in self._watches.items():
            price, promise = self.source(netuid, known), self._promises[netuid]
            believed = watch.believed
            watch.learn(price, known, promise)
            if price:
                self._follow_hold(netuid, known, block, believed)
            if not price or known in watch.refused:
                continue
            is_due = _is_off(watch.published, price, promise) or _is_late(watch, block, promise)
            if is_due or (_may_buy(watch, block, promise) and is_worth(netuid, price)):
                self.allowed.note(netuid, block, price, index_of(netuid))

    def _follow_hold(
        self, netuid: Netuid, known: BlockNumber, block: BlockNumber, before: PriceWei
    ) -> None:
        watch, limit = self._watches[netuid], self._promises[netuid].guard_limit
        reference = self.holds.reference(netuid)
        if known in watch.refused:
            self.holds.begun(netuid, known=known, head=BlockNumber(block - 1), before=before)
        elif reference is not None:
            has_stood = _is_beyond(reference, watch.believed, limit)
            self.holds.ended(netuid, known=known, has_stood=has_stood)

    def split_bad_debt(self, split: BadDebtSplit, taken: Taken, first: BlockNumber) -> None:
        """Adds a liquidation's to a split; `first` is the first source block below maintenance."""
        netuid = taken.holding.netuid
        split.judge(
            taken,
            allowed=self.allowed.first_below(taken),
            source=self.source(netuid, first),
            is_source_held=first in self._watches[netuid].refused,
        )

    def pushed(self, market: MarketBooks, before: PriceWei, block: BlockNumber) -> None:
        """A push has landed in `block`; `before` is what the feed said until then."""
        netuid, price, read = market.netuid, market.price, market.source_block
        watch, source = self._watches[netuid], self.source(netuid, read)
        what = f"block {block}: market {netuid} was given {price} as of block {read}"
        if price != source:
            self._record.note(Duty.PRICES_ARE_THE_SOURCES, f"{what}, where the source has {source}")
        if read > self._known:
            self._record.note(Duty.PRICES_ARE_THE_SOURCES, f"{what}, which was not final")
        early = self._promises[netuid].early
        if before and not _is_off(before, price, early) and not _is_late(watch, block, early):
            watch.bought.append(block)
        watch.landed = block
        if not before:  # nothing to compare the first one with
            watch.believed, watch.stood = price, 0
        elif read in watch.refused:
            self._record.note(
                Duty.JUMPS_STOOD,
                f"{what} after {before}: a jump that has not stood for "
                f"{self._promises[netuid].confirm_blocks} blocks",
            )

    def end_block(self, market: MarketBooks, head: Head) -> None:
        """How `market` stands at the end of block `head`."""
        watch = self._watches[market.netuid]
        watch.published = market.price
        due = self._due(market, watch, head)
        for duty in list(watch.overdue):
            if duty is not due:
                del watch.overdue[duty]
        if due is not None:
            watch.overdue[due] += 1
            if watch.overdue[due] == BLOCKS_ALLOWED + 1:  # once for every time it begins
                self._record.note(due, _described(market, watch.source, head))

    def _due(self, market: MarketBooks, watch: _Watch, head: Head) -> Duty | None:
        """What should be otherwise now."""
        is_suspended, promise = market.suspended_at > 0, self._promises[market.netuid]
        if not watch.source or not self._is_the_listed(market.netuid):
            return None if is_suspended else Duty.NO_PRICE_NO_TRADE
        if is_suspended:
            calm = self._known - watch.calm_since + 1
            return Duty.SUSPENSIONS_END if calm >= promise.confirm_blocks else None
        is_off = _is_off(market.price, watch.source, promise)
        is_old = head.time - market.source_time > market.terms.trading_age
        return Duty.FEED_FOLLOWS if is_off or is_old else None

    def source(self, netuid: Netuid, block: BlockNumber) -> PriceWei:
        """The source's price at a block; 0 where there is none."""
        if not self._tape.first_block <= block <= self._tape.last_block:
            return NO_PRICE
        return PriceWei(self._tape.row_at(block).prices.get(netuid, 0) * RAO_IN_PRICE_WEI)

    def _is_the_listed(self, netuid: Netuid) -> bool:
        pin = self._pins[netuid]
        return pin is not None and self._tape.registered_at(netuid, self._known) == pin


def _distance(one: PriceWei, other: PriceWei) -> int:
    """In wei times 10 000, to be compared with a price times basis points."""
    return abs(one - other) * BPS_ONE


def _is_off(published: PriceWei, source: PriceWei, promise: Promise) -> bool:
    return _distance(published, source) >= published * promise.band


def _is_late(watch: _Watch, block: BlockNumber, promise: Promise) -> bool:
    """Whether who acted before `block` saw that the last push had landed a heartbeat ago."""
    return (block - 1 - watch.landed) * BLOCK_TIME >= promise.heartbeat_s


def _may_buy(watch: _Watch, block: BlockNumber, promise: Promise) -> bool:
    most = promise.stakes.pushes_hour_max
    if len(watch.bought) < most:
        return True
    return most > 0 and (block - watch.bought[-most]) * BLOCK_TIME >= _HOUR


def _side(believed: PriceWei, price: PriceWei, limit: Bps) -> int:
    """1 above, -1 below, 0 within the limit."""
    if not _is_beyond(believed, price, limit):
        return 0
    return 1 if price > believed else -1


def _is_beyond(before: PriceWei, price: PriceWei, limit: Bps) -> bool:
    return _distance(before, price) > before * limit


def _described(market: MarketBooks, source: PriceWei, head: Head) -> str:
    suspended = f"suspended since block {market.suspended_at}" if market.suspended_at else "open"
    return (
        f"block {head.number}: market {market.netuid} is {suspended}, its feed says "
        f"{market.price} of block {market.source_block}, the source {source or 'nothing'}"
    )
