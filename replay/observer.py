"""Looks at every block of a run, of either engine, and keeps what the report is made of.

It sees what anybody sees: events in order, and the tape. What a bot meant to do it does not ask.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import assert_never

from devnet.audit.margin import Terms as RefereeTerms
from devnet.demo.promises import promises
from devnet.parameters import MarketTerms
from devnet.replay import Replay
from keepers.liquidation.book import Book, follow, open_book
from keepers.liquidation.margin import project_index
from keepers.liquidation.positions import (
    BlockEvents,
    BookEvent,
    BookSnapshot,
    FundingAccrued,
    Market,
    MarketResumed,
    MarketSuspended,
    ParametersChanged,
    Position,
    PositionChanged,
    PositionClosed,
    PositionKey,
    PositionLiquidated,
    PositionOpened,
    PricePushed,
)
from keepers.liquidation.standing import Unknown, feed_standing
from keepers.warnings.tiers import WarningPolicy
from replay.fallen import Fallen, holding_of
from replay.feedlog import FeedLog
from replay.records import BlockRecord, VaultRecord, Work
from replay.samples import Samples
from replay.setup import Setup
from replay.source import block_hash
from replay.warned import Warned
from replay.watch import MarginWatch
from units import BlockNumber, Bps, Head, Netuid, PositionId, PriceWei, Seconds

_PERCENT = 100


@dataclass(slots=True)
class Gas:
    """What the fleet's transactions of one kind took; `fees` in wei at the base fee."""

    transactions: int = 0
    gas: int = 0
    fees: int = 0


@dataclass(slots=True, kw_only=True)
class Funding:
    """What the fleet accrued, a market each, and how long one stood beyond an interval, s at most.

    Trades and liquidations accrue besides; that is nobody's merit.
    """

    accruals: int = 0
    lag_max: dict[Netuid, int] = field(default_factory=dict)


class Observer:
    """One run's eyes. Blocks come in their order, from the one after the setup's start."""

    def __init__(self, setup: Setup, policy: WarningPolicy, markets: tuple[Market, ...]) -> None:
        replay, settings = setup.replay, setup.settings
        netuids = [market.netuid for market in settings.markets]
        limits = {m.netuid: settings.oracle_of(m).jump_limit_bps for m in settings.markets}
        self.setup = setup
        self._promises = promises(settings)
        self.gas = {work: Gas() for work in Work}
        self.funding = Funding()
        self.feed = FeedLog(
            tape=replay.tape,
            promises=self._promises,
            pins={market.netuid: market.registered_at for market in settings.markets},
            terms=_terms(setup.beta.market),
        )
        self.fallen = Fallen(tape=replay.tape, feed=self.feed.allowed, limits=limits)
        self.warned = Warned(policy=policy)
        self.watch = MarginWatch(netuids, _lines(policy), Bps(setup.beta.market.maintenance_bps))
        self.opened = 0
        self.opened_in: dict[PositionKey, BlockNumber] = {}
        self._netuids = netuids
        self._book = _first_book(replay, setup.start, markets)
        self.samples = Samples(netuids, setup.start, setup.blocks)

    def block(self, record: BlockRecord, vault: VaultRecord | None) -> None:
        """Takes in one block; `vault` where one is to be sampled."""
        head = record.head
        self.feed.begin_block(
            head,
            partial(self._is_worth, record),
            lambda netuid: project_index(self._book.markets[netuid], head.time),
        )
        self._follow(record)
        for event in record.events:
            self._event(event, head)
        for spent in record.spent:
            kept = self.gas[spent.work]
            kept.transactions += 1
            kept.gas += spent.gas
            kept.fees += spent.gas * record.base_fee
            self.funding.accruals += spent.accrued
        self._end_block(head)
        self.samples.take(self, head, record.spent, vault)

    def _is_worth(self, record: BlockRecord, netuid: Netuid, price: PriceWei) -> bool:
        """Whether a price within the band buys a push: of those who were there before the block."""
        book, market = self.feed.books[netuid], self._book.markets[netuid]
        if book.suspended_at or price == book.price:
            return False
        is_small = abs(price - book.price) * _PERCENT <= book.price
        held = self.watch.near(netuid) if is_small else self.watch.everybody(netuid)
        stakes = self._promises[netuid].stakes
        index = project_index(market, record.head.time)
        at_stake = stakes.at_stake(map(holding_of, held), book, price, index)
        return stakes.is_worth(at_stake, record.base_fee)

    @property
    def positions(self) -> Mapping[PositionId, Position]:
        """The open positions at the end of the last block."""
        return self._book.positions

    @property
    def markets(self) -> dict[Netuid, Market]:
        """The exchange's markets at the end of the last block."""
        return dict(self._book.markets)

    def _follow(self, record: BlockRecord) -> None:
        if record.events:
            head = record.head
            block = BlockEvents(number=head.number, hash=head.hash, events=record.events)
            self._book = follow(self._book, [block], head)

    def _event(self, event: BookEvent, head: Head) -> None:
        match event:
            case PricePushed() | MarketSuspended() | MarketResumed():
                self.feed.event(event, head)
            case PositionOpened(position=position):
                self.opened += 1
                self.opened_in[position.key] = head.number
                self.watch.add(position)
            case PositionChanged(key=key):
                self.watch.change(self._book.positions.get(key.id) or self.watch.position(key))
            case PositionClosed(key=key):
                self.watch.remove(key)
                self.warned.gone(key)
            case PositionLiquidated():
                self._liquidated(event, head)
            case FundingAccrued():
                pass  # seen in the book; what the fleet had to do with it is in what was spent
            case ParametersChanged():
                pass  # none is set while a run goes on
            case never:
                assert_never(never)

    def _liquidated(self, event: PositionLiquidated, head: Head) -> None:
        since, suspended = self.watch.below_since(event.key)
        late = (0, 0) if since is None else (head.number - since, suspended)
        self.fallen.take(
            event,
            self.watch.remove(event.key),
            self.feed.books[event.netuid],
            opened_in=self.opened_in[event.key],
            late=late,
            head=head,
        )
        self.warned.liquidated(event.key, head.number)

    def _end_block(self, head: Head) -> None:
        self.feed.end_block(head)
        markets = self._book.markets
        terms = {n: (m.feed.price, project_index(m, head.time)) for n, m in markets.items()}
        suspended = [bool(market.feed.suspension) for market in markets.values()]
        self.watch.end_block(head.number, terms, suspended)
        known = {
            netuid: not isinstance(feed_standing(market, head.time), Unknown)
            for netuid, market in markets.items()
        }
        self.warned.end_block(head.number, self.watch, known)
        for netuid, market in markets.items():
            lag = head.time - market.last_accrual - market.parameters.funding_interval
            if lag > self.funding.lag_max.get(netuid, 0):
                self.funding.lag_max[netuid] = lag


def _lines(policy: WarningPolicy) -> list[Bps]:
    """The ratios at which anything may change."""
    tiers = [tier.ratio_bps for tier in policy.tiers]
    return tiers + [Bps(tier + policy.recovery_bps) for tier in tiers]


def _first_book(replay: Replay, start: BlockNumber, markets: tuple[Market, ...]) -> Book:
    head = Head(
        number=start,
        hash=block_hash(start),
        parent_hash=block_hash(start - 1),
        time=replay.tape.time_at(start),
    )
    return open_book(BookSnapshot(head=head, markets=markets, positions=()))


def _terms(terms: MarketTerms) -> RefereeTerms:
    return RefereeTerms(
        maintenance=Bps(terms.maintenance_bps),
        penalty=Bps(terms.penalty_bps),
        keeper_share=Bps(terms.keeper_share_bps),
        funding_rate_max=terms.funding_rate_max,
        funding_interval=Seconds(terms.funding_interval_s),
        funding_cap=Seconds(terms.funding_cap_s),
        trading_age=Seconds(terms.trading_age_s_max),
        liquidation_age=Seconds(terms.liquidation_age_s_max),
    )
